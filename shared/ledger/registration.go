package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"goldsmith/shared/job"
)

// RegisterSchema is the version of a registration's fields. One of a newer version is
// never written again, and what it names is kept.
const RegisterSchema = 3

// Archived is how long the registration of something that is gone is kept: as long as the
// Recycle Bin may keep an image (User Guide, "Recycle Bin": one year at most).
const Archived = 365 * 24 * time.Hour

// Made is what a registration is of.
type Made string

const (
	// MadeImage is an AMI with its snapshots.
	MadeImage Made = "image"
	// MadeTest is the test instance of an image.
	MadeTest Made = "test-instance"
)

// Removing is how long what was about to remove something may be at it: a Lambda function ends after 15 minutes.
const Removing = 15 * time.Minute

// Call is the call of EC2 that made something: each leaves facts of its own.
type Call string

// The creating calls.
const (
	CreateImage   Call = "CreateImage"
	RegisterImage Call = "RegisterImage"
	CopyImage     Call = "CopyImage"
	RunInstances  Call = "RunInstances"
)

// Registration is one thing that Goldsmith made, or is about to make. It is written before
// the creating call and gets its ID from the answer. Tags can be copied and written by
// anybody; what is not registered is not Goldsmith's.
type Registration struct {
	Kind Made `json:"kind"`
	Call Call `json:"call"`
	// Lineage is what the source is over time: an instance's id, "group/" with the name and the UUID of an Auto
	// Scaling group for its members, a volume's id for a snapshot whose instance is not known, a copy's parent.
	Lineage string `json:"lineage"`
	// Source is the id of what it was made of, Name the name that went with it.
	Source string `json:"source,omitempty"`
	Name   string `json:"name,omitempty"`
	Plan   string `json:"plan,omitempty"`
	Run    string `json:"run,omitempty"`
	// Keep is the source's tag goldsmith:keep when it was claimed; nil when it had none.
	Keep *string `json:"keep,omitempty"`
	// AMIName and Token are what the creating call was sent with, at least one of them. Neither can be changed later.
	AMIName string `json:"amiName,omitempty"`
	Token   string `json:"token,omitempty"`
	// From is the snapshot that RegisterImage was given, the image that CopyImage or RunInstances was, and FromRegion its
	// Region. Of a general image it is the clone that CreateImage was given.
	From       string `json:"from,omitempty"`
	FromRegion string `json:"fromRegion,omitempty"`
	// Region is where a copy is made, which CopyImage is called in; empty for what is no copy of Goldsmith's own. It
	// cannot be changed.
	Region string `json:"region,omitempty"`
	// Copies are the copies of snapshots that RegisterImage is given, by the ids of what they are copies of. Each is
	// found by its description, which holds Token and cannot be changed, when the answer to its making was lost; Asked
	// is when one was asked for last.
	Copies map[string]string `json:"copies,omitempty"`
	Asked  time.Time         `json:"asked,omitzero"`
	// General is whether it is a general image: of a clone of its source from which was taken what is the source's own; or
	// a copy of one. Of one source those are kept and retired apart from the others.
	General bool `json:"general,omitempty"`
	// Volume and Taken are of the snapshot that an image was made of: the volume that EC2 shows, and when it was started.
	Volume string    `json:"volume,omitempty"`
	Taken  time.Time `json:"taken,omitzero"`
	// LeftOut are the devices of the source that CreateImage is told to leave out, of a copy those of its image.
	LeftOut []string `json:"leftOut,omitempty"`
	// Server is what the source was besides its disks, for who has to restore it; nil where that is not known.
	Server *job.Server `json:"server,omitempty"`
	// ID is the image's or the instance's; empty until the creating call was answered.
	ID string `json:"id,omitempty"`
	// Snapshots are the image's own, once it is available, and copies that are made for it before. Those of other
	// people that an image is registered of are not among them.
	Snapshots []string `json:"snapshots,omitempty"`
	// Shared is whom Goldsmith has shared it with, or is about to; nil when with none. Any other permission is a person's.
	Shared *job.Sharing `json:"shared,omitempty"`
	// Unshared is when that was taken back, or EC2 dropped it with disabling the image (DisableImage); zero while it
	// holds.
	Unshared time.Time `json:"unshared,omitzero"`
	// Good is whether its job ended well, or a person adopted it: others may be retired for it. It is set once
	// its job is over; results are forgotten.
	Good bool `json:"good,omitempty"`
	// Seen is when a copy was seen to be available, and what was to be done with it was done: it is not looked at again by
	// the run that asked for it. Sharing is what came of sharing it, Rolled and Rest of rolling it in its Region.
	Seen    time.Time    `json:"seen,omitzero"`
	Sharing *job.Sharing `json:"sharing,omitempty"`
	Rolled  []job.Rolled `json:"rolled,omitempty"`
	Rest    *job.Rest    `json:"rest,omitempty"`
	// Failed is why a copy has come to nothing, which is not asked for again; Do is what a person does about it.
	Failed string `json:"failed,omitempty"`
	Do     string `json:"do,omitempty"`
	// Begun is when an image's source was claimed: what EC2 says was created before is not its image. Of
	// a test instance it is when it was registered.
	Begun time.Time `json:"begun"`
	// Going is when it was about to be removed, or was seen to be gone, while that was not written down yet. One that is
	// there afterwards may have been had back.
	Going time.Time `json:"going,omitzero"`
	// Gone is when it was seen to be gone while Snapshots were left.
	Gone time.Time `json:"gone,omitzero"`
	// Missed is when it was first seen to be gone, deregistered by others, while Snapshots were left.
	Missed time.Time `json:"missed,omitzero"`
	// Anew is when a person had it back: whatever was decided about it before counts no more.
	Anew time.Time `json:"anew,omitzero"`
	// Adopted is who registered it by its facts, after it was made.
	Adopted string `json:"adopted,omitempty"`
	// Retired is when its registration ended, since it is gone.
	Retired time.Time `json:"retired,omitzero"`
	// Schema is the version of these fields, and Revision changes with every write.
	Schema   int    `json:"schema"`
	Revision string `json:"revision,omitempty"`
}

// Known reports whether this version understands the registration. What it does not understand is kept.
func (r Registration) Known() bool { return r.Schema <= RegisterSchema }

// IsCopy reports whether it is of a copy that Goldsmith made of an image of its own.
func (r Registration) IsCopy() bool { return r.Region != "" }

// schema is the version of the fields that r has: the first knows no copies, and would look for one in the suite's own
// Region, and the second would count general images among those of their sources.
func (r Registration) schema() int {
	switch {
	case r.General:
		return RegisterSchema
	case r.IsCopy():
		return 2
	default:
		return 1
	}
}

// NewerError says that a registration was written by a newer version, and so is left as it is.
type NewerError struct{ Token, ID string }

// Error names it.
func (n *NewerError) Error() string {
	return fmt.Sprintf("the registration of %s was written by a newer version of Goldsmith", cmp.Or(n.ID, n.Token))
}

// token names a registration within its lineage, before it has an id. A copy may have the name of its image.
func (r Registration) token() string {
	token := cmp.Or(r.AMIName, r.Token, r.ID)
	if r.IsCopy() {
		return "copy#" + r.Region + "#" + token
	}
	return token
}

func (r Registration) inUTC() Registration {
	toUTC(&r.Begun, &r.Asked, &r.Taken, &r.Going, &r.Gone, &r.Missed, &r.Anew, &r.Retired, &r.Unshared, &r.Seen)
	r.Shared, r.Sharing = sharingInUTC(r.Shared), sharingInUTC(r.Sharing)
	r.Rolled = slices.Clone(r.Rolled)
	r.Snapshots, r.Copies = slices.Clone(r.Snapshots), maps.Clone(r.Copies)
	return r
}

func sharingInUTC(s *job.Sharing) *job.Sharing {
	if s == nil {
		return nil
	}
	shared := *s
	toUTC(&shared.At)
	shared.Accounts, shared.Organizations = slices.Clone(s.Accounts), slices.Clone(s.Organizations)
	return &shared
}
