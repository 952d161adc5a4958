package job

import "time"

// Ending is how a job ended.
type Ending string

const (
	// Imaged means the image is available and the instance is as it was before.
	Imaged Ending = "imaged"
	// Skipped means nothing was touched.
	Skipped Ending = "skipped"
	// Broken means something failed and the instance is as it was before.
	Broken Ending = "failed"
	// LeftStopped means an instance that ran is not running: recover goes on trying.
	LeftStopped Ending = "left-stopped"
)

// Result is what the ledger remembers of a job, with a TTL.
type Result struct {
	Run      string   `json:"run"`
	Source   string   `json:"source"`
	Kind     Kind     `json:"kind,omitempty"`
	Name     string   `json:"name,omitempty"`
	Plan     string   `json:"plan,omitempty"`
	Ending   Ending   `json:"ending"`
	Skip     *Reason  `json:"skip,omitempty"`
	Warnings []Reason `json:"warnings,omitempty"`
	Image    Image    `json:"image,omitzero"`
	// Raw is the image of the source itself, where Image is a general one.
	Raw *Image `json:"raw,omitempty"`
	// General is how far the general image has come, where its plan wants one.
	General General `json:"general,omitempty"`
	// Shared is whom the image is shared with, or why it is not; nil where the plan shares nothing.
	Shared *Sharing `json:"shared,omitempty"`
	// Copies are the copies of the image that its plan wants. One that is open in a run that has ended is on its way: it
	// is not known what became of it.
	Copies []Copy   `json:"copies,omitempty"`
	Rolled []Rolled `json:"rolled,omitempty"`
	// Rest is set when Rolled does not hold all of it.
	Rest *Rest `json:"rest,omitempty"`
	// Refreshes are the groups that use what was rolled. Refreshing is set while something is
	// left to do about them: in a run that has ended it is not known how they did.
	Refreshes  []Refresh `json:"refreshes,omitempty"`
	Refreshing bool      `json:"refreshing,omitempty"`
	Times      Times     `json:"times,omitzero"`
	Problem    string    `json:"problem,omitempty"`
	// Do is what a person is to do about Problem, which ends with it.
	Do string `json:"do,omitempty"`
	// Gone is whether somebody terminated the instance during the run.
	Gone bool `json:"gone,omitempty"`
	// Shows is the state that EC2 showed last of an instance whose run was cut off, and Restarted when recover started it.
	Shows     string    `json:"shows,omitempty"`
	Restarted time.Time `json:"restarted,omitzero"`
	At        time.Time `json:"at"`
}

// tested is the image as it counts from now on. One that is pending still counts as
// unproven, too: it may become available, and is not tested then.
func (j Job) tested() Image {
	i := j.Image
	cloned := j.Raw == nil && !j.Clone.Booted.IsZero() // What boots as a clone would as a test.
	if j.Plan.Verify.Boot && !j.Tested && !cloned && (i.State == "available" || i.State == "pending") {
		i.State = Unproven
	}
	return i
}

// shared is whom the image is shared with, or what kept it from being shared.
func (j Job) shared() *Sharing {
	if j.Unshared == nil {
		return j.Shared
	}
	return &Sharing{Problem: j.Unshared.Problem(), Do: j.Unshared.Do()}
}

// ImageOf is the general image, or that of the source itself; zero where there is none.
func (r Result) ImageOf(general bool) Image {
	switch {
	case general == r.Image.General:
		return r.Image
	case !general && r.Raw != nil:
		return *r.Raw
	default:
		return Image{}
	}
}

// Put puts an image in the place of the one of its kind.
func (r *Result) Put(i Image) {
	switch {
	case i.General == r.Image.General:
		r.Image = i
	case !i.General:
		r.Raw = &i
	default:
		if own := r.Image; own.ID != "" {
			r.Raw = &own
		}
		r.Image = i
	}
}

// Counts reports whether an image is one that the result has proven.
func (r Result) Counts(id string) bool {
	for _, general := range []bool{false, true} {
		if i := r.ImageOf(general); i.ID == id && i.State == "available" {
			return true
		}
	}
	return false
}

// ResultOf is the job's result, written at now.
func (j Job) ResultOf(ending Ending, now time.Time) Result {
	return Result{
		Run: j.Run.Name, Source: j.Source.ID, Kind: j.Source.Kind, Name: j.Source.Name, Plan: j.Run.Plan,
		Ending: ending, Skip: j.Skip, Warnings: j.Warnings, Image: j.tested(), Raw: j.Raw, General: j.General,
		Shared: j.shared(), Copies: j.Copies, Rolled: j.Rolled, Rest: j.Rest,
		Refreshes: j.Refreshes, Refreshing: j.Refreshing, Times: j.Times, Gone: j.Gone, At: now,
	}
}
