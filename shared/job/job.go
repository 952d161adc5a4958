// Package job knows the document that flows through the workflow: one source
// inside one run, what was decided about it and what was done to it.
//
// A step takes the whole job and returns the whole job; the state machine only compares Decision, waits for
// Turn.Seconds, and compares Hangs, NoRoom, OutOfService, Back, Sharing, Refreshing, Copying, Image.State, General,
// Hook.Before, Hook.After, Registering.Copied, Tested, Plan.Restart and Plan.Verify.Boot, which handlers have set.
package job

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/plan"
)

// Job is one source inside one run. With fifty long tags it is some 30 KiB as JSON, so a
// task token's copy and the state's input fit their services' limits easily.
type Job struct {
	Run    Run       `json:"run"`
	Plan   plan.Plan `json:"plan"`
	Source Source    `json:"source"`

	// Execution is the ARN of the execution that works on this job: a child of the run's own.
	Execution string `json:"execution"`

	// Decision is what claim decided.
	Decision Decision `json:"decision,omitempty"`
	// Skip says why nothing is done, when Decision is Skip.
	Skip *Reason `json:"skip,omitempty"`
	// Warnings are what an operator should know of a source that is imaged all the same.
	Warnings []Reason `json:"warnings,omitempty"`

	// Turn is what claim waits for before it asks again, when Decision is WaitFirst.
	Turn *Turn `json:"turn,omitempty"`
	// Place is the id of the plan's place that the source has while it is down.
	Place string `json:"place,omitempty"`

	// Await is what the job waits for, set by the step before a wait.
	Await *Await `json:"await,omitempty"`

	// Hangs is whether the stop takes longer than the plan bears, so that it is sent again by force.
	Hangs bool `json:"hangs"`
	// NoRoom is whether EC2 took the start back since it has no room for the instance, so that it is sent again.
	NoRoom bool `json:"noRoom"`

	// Standby is whose service the source is taken out of while it is down, an Auto Scaling group's or target groups'; nil
	// for any other.
	Standby *Standby `json:"standby,omitempty"`
	// OutOfService is whether it is to be brought back into that service as soon as it runs.
	OutOfService bool `json:"outOfService"`

	// Hook is what is still to be run around the image.
	Hook Hook `json:"hook"`

	// Registering is how the image of a snapshot is registered; nil for an instance.
	Registering *Registering `json:"registering,omitempty"`

	// Image is what is made; once there is one, the general image.
	Image Image `json:"image,omitzero"`
	// General is how far the general image has come, where its plan wants one.
	General General `json:"general"`
	// Raw is the image of the source itself, where Image is the general one; nil where it is not.
	Raw *Image `json:"raw,omitempty"`
	// Clone is the instance of which the general image is made.
	Clone Clone `json:"clone,omitzero"`
	// TestInstance is the one that was launched from the image.
	TestInstance string `json:"testInstance,omitempty"`
	// Tested is whether the image has passed the plan's test.
	Tested bool `json:"tested"`
	// Sharing is whether the image is to be shared, once it is proven.
	Sharing bool `json:"sharing"`
	// Shared is whom it is shared with, or why it is not; nil where the plan shares nothing.
	Shared *Sharing `json:"shared,omitempty"`
	// Unshared is what a Catch caught while it was being shared.
	Unshared *Failure `json:"unshared,omitempty"`
	// Copies are the copies of the image that its plan wants.
	Copies []Copy `json:"copies,omitempty"`
	// Copying is whether something is left to do about them: to ask for one, or to see what becomes of it. The source is
	// released by then.
	Copying bool `json:"copying"`
	// Rolled is what was pointed at the image, or could not be.
	Rolled []Rolled `json:"rolled,omitempty"`
	// Rest is set when Rolled does not hold all of it.
	Rest *Rest `json:"rest,omitempty"`
	// Refreshes are the Auto Scaling groups that use what was rolled.
	Refreshes []Refresh `json:"refreshes,omitempty"`
	// Refreshing is whether something is left to do about those groups: to look for them, to
	// start a refresh or to wait for one. The source is released by then.
	Refreshing bool `json:"refreshing"`

	// Back is whether nothing is left to start: the instance runs again, was
	// never stopped by us, or was stopped before the run.
	Back bool `json:"back"`
	// Gone is whether somebody terminated the instance during the run.
	Gone bool `json:"gone,omitempty"`
	// Times are the moments an operator asks for.
	Times Times `json:"times,omitzero"`
	// Failure is what a Catch caught, as Step Functions writes it.
	Failure *Failure `json:"failure,omitempty"`
	// Comeback is what a Catch caught while the instance was being brought back.
	Comeback *Failure `json:"comeback,omitempty"`
	// Leftover is what a Catch caught while the test instance was being terminated.
	Leftover *Failure `json:"leftover,omitempty"`
}

// Run is what all jobs of one execution share.
type Run struct {
	// Name is the execution's name and the key of everything the run writes.
	Name string `json:"name"`
	// Plan is the plan's name, kept apart from the plan for requests that name one that does not exist.
	Plan string `json:"plan"`
	// Scheduled is the time the schedule named, or the request's time.
	Scheduled time.Time `json:"scheduled"`
	// Closes is when the window closes: no instance is stopped after it.
	Closes time.Time `json:"closes"`
	// Since is when the plan's limit begins to count: its last scheduled start. Zero: a day back from each stop.
	Since time.Time `json:"since,omitzero"`
	// Most is the plan's limit as a number of sources; set by select, 0 when there is none.
	Most int `json:"most,omitempty"`
	// Asked is when select asked EC2 whether the sources at hand could be started again; zero when that is to be
	// asked of each.
	Asked time.Time `json:"asked,omitzero"`
	// Held is why nothing of the page at hand may be stopped, whatever it is; select sets it.
	Held *Reason `json:"held,omitempty"`
	// Quotas are those of the account's quotas that keep what is stopped from being started again, or may; select sets
	// them once.
	Quotas []Quota `json:"quotas,omitempty"`
	// Copies are those that each image is to have, with what is known beforehand to stand in the way; select sets them
	// once.
	Copies []Copy `json:"copies,omitempty"`
	// Request is set when a tag or a person asked for this run.
	Request *Request `json:"request,omitempty"`
}

// Quota is a quota of EC2 that is exceeded, or that cannot be read.
type Quota struct {
	Code string `json:"code"`
	// Over is by how much it is exceeded; empty when it cannot be read.
	Over string `json:"over,omitempty"`
}

// Request is one source imaged on demand.
type Request struct {
	// Source is the instance or snapshot id; empty when a person runs a whole plan now.
	Source string `json:"source,omitempty"`
	Kind   Kind   `json:"kind,omitempty"`
	// Value is the value of the tag goldsmith:image as it was put on.
	Value string `json:"value,omitempty"`
	// Data are snapshots of data volumes that are to be added to the image of a snapshot, by their devices.
	Data map[string]string `json:"data,omitempty"`
	// By names who asked when it was not a tag, for the message.
	By string `json:"by,omitempty"`
}

// Kind is what an image is made from.
type Kind string

const (
	// Instance is an EC2 instance with all its EBS volumes.
	Instance Kind = "instance"
	// Snapshot is the snapshot of a root volume.
	Snapshot Kind = "snapshot"
)

// KindOf is what an id is the id of.
func KindOf(id string) Kind {
	if strings.HasPrefix(id, "snap-") {
		return Snapshot
	}
	return Instance
}

// Source is what the image is made from. select hands out ID, Kind and Notes;
// claim fills in the rest from EC2.
type Source struct {
	ID   string `json:"id"`
	Kind Kind   `json:"kind,omitempty"`
	// Name is tag goldsmith:name, else Name, else the id.
	Name string `json:"name,omitempty"`
	// Lineage is what it is over time, where that is not its own id. OverTime gives either.
	Lineage string `json:"lineage,omitempty"`
	// Notes are the codes of warnings that select found in bulk.
	Notes []ReasonCode `json:"notes,omitempty"`
	// Refused is why EC2 would not start it again, where it was asked for alone.
	Refused      *Reason `json:"refused,omitempty"`
	InstanceType string  `json:"instanceType,omitempty"`
	Architecture string  `json:"architecture,omitempty"`
	// Zone and Host are where it runs; Host is a Dedicated Host's id.
	Zone    string   `json:"zone,omitempty"`
	Host    string   `json:"host,omitempty"`
	Volumes []string `json:"volumes,omitempty"`
	// Kept are the devices whose volumes stay when the instance is terminated.
	Kept []string          `json:"kept,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
	// Products are the codes of products of AWS Marketplace that its image carries.
	Products []string `json:"products,omitempty"`
	// WasRunning is the state before the run: what was stopped stays stopped.
	WasRunning bool `json:"wasRunning,omitempty"`
	// Server is what else it is, for who has to restore it; nil for a snapshot.
	Server *Server `json:"server,omitempty"`
}

// OverTime is the source's lineage: its own id, unless claim found another.
func (s Source) OverTime() string { return cmp.Or(s.Lineage, s.ID) }

// Standby is what serves by a source that is stopped: the Auto Scaling group of which it is a member, which is put into
// Standby, or else the target groups that it is deregistered from.
type Standby struct {
	Group string `json:"group,omitempty"`
	// Targets are the ARNs of the target groups in which a member has to be healthy before it serves.
	Targets []string `json:"targets,omitempty"`
	// Replaced is whether its group launches another member meanwhile.
	Replaced bool `json:"replaced,omitempty"`
	// Drained are the targets of an instance that is no member.
	Drained []Target `json:"drained,omitempty"`
}

// Of names what it serves.
func (s Standby) Of() string { return ServiceOf(s.Group, s.Drained) }

// ServiceOf names what a source serves: an Auto Scaling group or, where it is in none, target groups.
func ServiceOf(group string, drained []Target) string {
	if group != "" {
		return "group " + group
	}
	var names []string
	for _, t := range drained {
		if name := t.Name(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 1 {
		return "target group " + names[0]
	}
	return "target groups " + strings.Join(names, ", ")
}

// Target is what an instance is in a target group: a group may have it several times, by several ports.
type Target struct {
	// Group is the ARN of the target group.
	Group string `json:"group"`
	Port  int    `json:"port,omitempty"`
	// Server is the server id of a target that is reached by QUIC.
	Server string `json:"server,omitempty"`
	// Healthy is whether it served, or was about to, when the run found it: only then it is waited for that it does so
	// again.
	Healthy bool `json:"healthy,omitempty"`
}

// Name is the name of the target group: arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID.
func (t Target) Name() string {
	if parts := strings.Split(t.Group, "/"); len(parts) == 3 {
		return parts[1]
	}
	return t.Group
}

// Hook says which of the plan's commands are to be run on a source. What they are stands in the plans.
type Hook struct {
	// Before is whether one is to be run before the source is stopped or imaged.
	Before bool `json:"before"`
	// After is whether one is to be run next: function start sets it, and for what is not stopped function hook.
	After bool `json:"after"`
	// Until is until when all stands still at least that was frozen; zero where nothing was.
	Until time.Time `json:"until,omitzero"`
	// Due is whether the claim's journal is to be asked at the end whether one has yet to be run.
	Due bool `json:"due,omitempty"`
}

// BeforeOf names what is run before an image.
func BeforeOf(frozen bool) string {
	if frozen {
		return "the freeze"
	}
	return "hooks.before"
}

// AfterOf names what is run after it.
func AfterOf(frozen bool) string {
	if frozen {
		return "the thaw"
	}
	return "hooks.after"
}

// Frozen reports whether the source's data is to stand still for its image.
func (j Job) Frozen() bool { return j.Plan.Consistency == plan.Frozen }

// Thawed reports whether what was frozen for the image may go on by then: its watchdog has let it.
func (j Job) Thawed(now time.Time) bool { return !j.Hook.Until.IsZero() && now.After(j.Hook.Until) }

// Turn is a source's wait for what has to come first.
type Turn struct {
	// Seconds is how long the state machine waits before claim looks again.
	Seconds int `json:"seconds"`
	// Before is how many sources of the plan have their turn first; 0 when it waits for something else.
	Before int `json:"before,omitempty"`
	// Held is whether it waits for the breaker to close, and has no turn meanwhile.
	Held bool `json:"held,omitempty"`
	// Since is when it began to wait, and First how many were before it then.
	Since time.Time `json:"since"`
	First int       `json:"first,omitempty"`
}

// Decision is what claim decided; the state machine compares it.
type Decision string

const (
	// StopFirst stops the instance, images it and starts it again.
	StopFirst Decision = "stop"
	// ImageNow images the source as it is.
	ImageNow Decision = "image"
	// RegisterIt copies the snapshot, and registers an image of the copy.
	RegisterIt Decision = "register"
	// WaitFirst waits, and claims again.
	WaitFirst Decision = "wait"
	// SkipIt does nothing; Job.Skip says why.
	SkipIt Decision = "skip"
)

// Await is one thing EC2 has to reach.
type Await struct {
	// Resource is the id whose events wake the wait: an instance, an image or an instance refresh.
	Resource string `json:"resource"`
	For      For    `json:"for"`
	// Until is the wait's last moment; watch gives up after it, not the state machine.
	Until time.Time `json:"until"`
}

// For is what is awaited.
type For string

const (
	// ForStopped awaits instance state stopped.
	ForStopped For = "stopped"
	// ForSnapshots awaits one snapshot for every volume: data is safe from there.
	ForSnapshots For = "snapshotted"
	// ForCopies awaits state completed of the copies of a snapshot, and of those of its data volumes.
	ForCopies For = "copied"
	// ForRunning awaits instance state running, or healthy when the plan says so.
	ForRunning For = "running"
	// ForImage awaits image state available.
	ForImage For = "available"
	// ForBooted awaits both status checks of the image's test instance.
	ForBooted For = "booted"
	// ForCloned awaits both status checks of the source's clone.
	ForCloned For = "cloned"
	// ForRefresh awaits the end of an instance refresh, whichever it is.
	ForRefresh For = "refreshed"
)

// States of an image that EC2 does not know, in a job's result.
const (
	// Unproven images are available to EC2, but have not passed the test that their plan asks for:
	// nothing is rolled to one, and it is no successor for which an older image could be retired.
	Unproven = "unproven"
	// Registered images are available to EC2, but how they are billed has not been compared, or is not as it was.
	Registered = "registered"
	// Removed images were left by a job that was cut off, and are gone.
	Removed = "removed"
)

// Image is the image being made.
type Image struct {
	ID        string   `json:"id,omitempty"`
	Name      string   `json:"name,omitempty"`
	State     string   `json:"state,omitempty"`
	Snapshots []string `json:"snapshots,omitempty"`
	// BootMode and Virtualization are EC2's words, known once the image is available.
	BootMode       string `json:"bootMode,omitempty"`
	Virtualization string `json:"virtualization,omitempty"`
	// LeftOut are the volumes that CreateImage is told to leave out.
	LeftOut []LeftOut `json:"leftOut,omitempty"`
	// DeleteOnTermination is whether all volumes of what is launched from it are deleted with the instance, whatever the
	// source has.
	DeleteOnTermination bool `json:"deleteOnTermination,omitempty"`
	// General is whether it is a general image: of a clone of its source.
	General bool `json:"general,omitempty"`
}

// Times are moments in UTC, zero when they did not come.
type Times struct {
	Claimed     time.Time `json:"claimed,omitzero"`
	StopSent    time.Time `json:"stopSent,omitzero"`
	Forced      time.Time `json:"forced,omitzero"` // the forced stop, sent when the first one hung
	Stopped     time.Time `json:"stopped,omitzero"`
	ImageSent   time.Time `json:"imageSent,omitzero"`
	Snapshotted time.Time `json:"snapshotted,omitzero"`
	StartSent   time.Time `json:"startSent,omitzero"`
	Running     time.Time `json:"running,omitzero"`
	Available   time.Time `json:"available,omitzero"`
	TestSent    time.Time `json:"testSent,omitzero"`
	Booted      time.Time `json:"booted,omitzero"`
	// Released is when the source was given free; refreshes of groups come later.
	Released time.Time `json:"released,omitzero"`
}

// Boot is from the launch of the test instance to both of its status checks
// passed; zero when there was none or they did not pass.
func (t Times) Boot() time.Duration {
	if t.TestSent.IsZero() || t.Booted.IsZero() {
		return 0
	}
	return t.Booted.Sub(t.TestSent)
}

// Downtime is from the stop sent to running seen; zero when the instance was
// not stopped by us or is not back yet.
func (t Times) Downtime() time.Duration {
	if t.StopSent.IsZero() || t.Running.IsZero() {
		return 0
	}
	return t.Running.Sub(t.StopSent)
}
