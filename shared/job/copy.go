package job

import (
	"slices"
	"time"
)

// Copy is a copy of the image in a Region, or why there is none.
type Copy struct {
	Region string `json:"region"`
	// Key is the KMS key that the plan names for it; empty for none.
	Key string `json:"key,omitempty"`
	// ID is its image's; empty until it was asked for.
	ID string `json:"id,omitempty"`
	// At is when it was seen to be available; zero before.
	At time.Time `json:"at,omitzero"`
	// Shared is whom it is shared with, or why it is not; nil where the plan shares no copy there, and before it is there.
	Shared *Sharing `json:"shared,omitempty"`
	// Rolled are the launch templates and aliases of its Region, and what became of them, Rest numbers of those that are
	// not among them; only where the plan has it rolled there.
	Rolled []Rolled `json:"rolled,omitempty"`
	Rest   *Rest    `json:"rest,omitempty"`
	// Warnings are what a person should know of it before there is one.
	Warnings []Reason `json:"warnings,omitempty"`
	// Problem is why there is none; empty while it is on its way, and when it is there. Do is what a person does about it.
	Problem string `json:"problem,omitempty"`
	Do      string `json:"do,omitempty"`
}

// Open reports whether it is still to be made, or on its way.
func (c Copy) Open() bool { return c.At.IsZero() && c.Problem == "" }

// CopiesOpen reports whether a copy is still to be made, or on its way.
func (j Job) CopiesOpen() bool { return slices.ContainsFunc(j.Copies, Copy.Open) }
