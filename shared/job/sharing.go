package job

import (
	"slices"
	"time"
)

// Sharing is whom an image is shared with.
type Sharing struct {
	// Accounts are ids of accounts, Organizations ARNs of organizations and of organizational units.
	Accounts      []string `json:"accounts,omitempty"`
	Organizations []string `json:"organizations,omitempty"`
	// Snapshots is whether the accounts may make volumes of its snapshots as well, and so copy it.
	Snapshots bool `json:"snapshots,omitempty"`
	// At is when it was shared; zero when it is not.
	At time.Time `json:"at,omitzero"`
	// Problem is why it is not shared as the plan says; empty when it is. Do is what a person does about it.
	Problem string `json:"problem,omitempty"`
	Do      string `json:"do,omitempty"`
}

// None reports whether it is shared with no account and no organization.
func (s Sharing) None() bool { return len(s.Accounts)+len(s.Organizations) == 0 }

// With are the accounts and organizations.
func (s Sharing) With() []string { return slices.Concat(s.Accounts, s.Organizations) }
