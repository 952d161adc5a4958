package job

import "time"

// Status is what became of something that retention does not keep.
type Status string

const (
	// Deprecated images go once their grace period is over.
	Deprecated Status = "deprecated"
	// Unshared images are shared with no other account any more, and go later.
	Unshared Status = "unshared"
	// Disabled images can no longer be launched, and go after a second grace period.
	Disabled Status = "disabled"
	// Retiring images were about to be removed when this was written.
	Retiring Status = "retiring"
	// Retired images are gone.
	Retired Status = "retired"
	// InUse images would go, but something still refers to them.
	InUse Status = "in-use"
	// Restored images were deprecated, and are kept again.
	Restored Status = "restored"
	// Suspended says that nothing of a source is retired at all.
	Suspended Status = "suspended"
	// Swept snapshots were ours and belonged to no image.
	Swept Status = "swept"
	// Missed images were deregistered by others; their snapshots go once the grace period is over.
	Missed Status = "missed"
	// Stuck is what could not be done: Why says so, and what to do.
	Stuck Status = "stuck"
)

// Retirement is what the ledger remembers of one image that is to go, with a
// TTL; or of a snapshot, or of a source as a whole.
type Retirement struct {
	Plan string `json:"plan"`
	// Subject is the id of an image or a snapshot, or a source's name.
	Subject string `json:"subject"`
	// Region is that of a copy; empty for what is in the suite's own.
	Region string `json:"region,omitempty"`
	// Name is the source's name.
	Name string `json:"name,omitempty"`
	// Run is the last run that looked at it.
	Run    string `json:"run"`
	Status Status `json:"fate"`
	// Why are the reasons: what uses it, or what went wrong.
	Why []string `json:"why,omitempty"`
	// Since is when it was deprecated: the grace period runs from here. Zero when it is not.
	Since time.Time `json:"since,omitzero"`
	// Due is when the next thing happens to it.
	Due time.Time `json:"due,omitzero"`
	// Templates are the launch templates whose old versions name it and are to be pruned.
	Templates []string `json:"templates,omitempty"`
	// Pruned is how many of those versions are gone.
	Pruned int       `json:"pruned,omitempty"`
	At     time.Time `json:"at"`
}
