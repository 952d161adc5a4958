// Package ledger knows what must survive a Lambda: claims, the tokens of
// waiting steps, and the results of runs and jobs. DynamoDB holds it in the
// account, Memory on a laptop; one conformance suite runs against both.
package ledger

import (
	"context"
	"fmt"
	"iter"
	"time"

	"goldsmith/shared/job"
)

// Ledger is all that both stores do; consumers declare the few methods they use.
//
// Every read sees every write that was answered before it. Times come back
// equal, in UTC. A record that cannot be understood is yielded as *UnreadableError, and the
// sequence goes on; any other error is the last thing it yields. Its loop may change the
// ledger. A context that has ended is an error and changes nothing.
type Ledger interface {
	// Claim takes the exclusive right to c.Source for c.Run. When the same run
	// holds it already the stored claim comes back unchanged, so a retried step
	// sees what it had recorded. When another run holds it the error is *HeldError.
	Claim(ctx context.Context, c Claim) (Claim, error)
	// Record overwrites a claim that c.Run holds; *LostError when it does not hold it.
	Record(ctx context.Context, c Claim) error
	// Drop gives the claim up. Dropping what the run does not hold is no error and changes nothing.
	Drop(ctx context.Context, source, run string) error
	// DropUnstopped is Drop, unless the claim has a stop, or says that the source is out of service or that a command of
	// its plan was sent to it: false says that it
	// has one, and that nothing was changed. Function stop notes it before it sends one, and may be at that while the run
	// is found to have ended.
	DropUnstopped(ctx context.Context, source, run string) (dropped bool, err error)
	// Claims are all claims, in source order, read page by page. Of one that cannot be
	// understood the source is known all the same.
	Claims(ctx context.Context) iter.Seq2[Claim, error]

	// Take stores a slot that is free, that the same source and run have, or that was taken
	// before a moment; false when another has it. Who has it is decided as one with the write.
	Take(ctx context.Context, s Slot, before time.Time) (bool, error)
	// Free gives a slot up. Giving up what the source and run do not have is no error and changes nothing.
	Free(ctx context.Context, s Slot) error
	// Slots are a plan's, by kind and id, read page by page; all slots when the plan is empty.
	Slots(ctx context.Context, plan string) iter.Seq2[Slot, error]

	// Reserve takes the next moment of a row, if that is no later than some patience after now: where ok is false none was
	// taken, and at is when there will be one. A moment that is taken and not used passes.
	Reserve(ctx context.Context, r Row, now time.Time, patience time.Duration) (at time.Time, ok bool, err error)

	// Await stores a waiting step under its resource and what it waits for,
	// replacing an older token of the same run.
	Await(ctx context.Context, w Wait) error
	// Waits are the steps waiting for a resource, by what they wait for, then by run.
	Waits(ctx context.Context, resource string) ([]Wait, error)
	// Done removes a wait if it still holds this token.
	Done(ctx context.Context, w Wait) error

	// PutResult stores a job's result, replacing an earlier one of the same run and source.
	PutResult(ctx context.Context, r job.Result) error
	// Results are the results of a run, in source order, read page by page.
	Results(ctx context.Context, run string) iter.Seq2[job.Result, error]
	// PutRetirement stores what became of one subject, replacing what was known of it in that plan.
	PutRetirement(ctx context.Context, r job.Retirement) error
	// Retirements are those of a plan, by subject, read page by page.
	Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error]
	// PutRun stores what is known of a run under its name. Told is left as it is in the ledger.
	PutRun(ctx context.Context, r Run) error
	// GetRun is the run's record; ok is false when there is none.
	GetRun(ctx context.Context, name string) (r Run, ok bool, err error)
	// Notifying takes the right to notify of a run for the time of Notifier. It returns
	// false when the run is told, or another call took that right less than Notifier
	// before, so that two who tell at once do not both send a message.
	Notifying(ctx context.Context, run string, at time.Time) (bool, error)
	// Notified marks the run as told, at a moment that is not zero. It returns false
	// when it was told already, so that one message goes out. A run without a
	// record gets one, of its name and the mark.
	Notified(ctx context.Context, run string, at time.Time) (bool, error)

	// GetRequest is what is remembered of a source's request tag; ok is false when nothing is.
	GetRequest(ctx context.Context, source string) (r Request, ok bool, err error)
	// PutRequest stores a request as it was read, or one that has no record yet
	// (no Revision), and gives it with its new Revision; *MovedError when it was changed since.
	PutRequest(ctx context.Context, r Request) (Request, error)
	// Requests are all of them, in source order, read page by page.
	Requests(ctx context.Context) iter.Seq2[Request, error]
	// DropRequest forgets a request as it was read. One that was changed since stays, and is no error.
	DropRequest(ctx context.Context, r Request) error

	// Targets are the launch templates and aliases that take images of the
	// sources of that name, in the order of their ids, read page by page.
	Targets(ctx context.Context, source string) iter.Seq2[TargetRecord, error]
	// PutTarget stores a target as it was read, or one that has no record yet
	// (no Revision), and gives it with its new Revision; *MovedError when it was changed since.
	PutTarget(ctx context.Context, t TargetRecord) (TargetRecord, error)
	// Held are targets of all names that were put while they were held, as the last such put left them: by name and
	// id, read page by page. One of them may have been let go since: Targets has how it is now.
	Held(ctx context.Context) iter.Seq2[TargetRecord, error]

	// Register stores a registration before its creating call, and gives it with its Revision. When the
	// call is registered already the stored one comes back unchanged, so a retried step sees what it had
	// recorded. It is unsettled from then on.
	Register(ctx context.Context, r Registration) (Registration, error)
	// Amend stores a registration as it was read, with what has changed, and gives it with its new Revision;
	// *MovedError when it was changed since or is not registered, *NewerError when this version does not know its fields.
	// What its creating call was sent with cannot be changed.
	Amend(ctx context.Context, r Registration) (Registration, error)
	// Settle takes a registration off the unsettled ones: no sweep has to look at it any more.
	Settle(ctx context.Context, r Registration) error
	// Retire ends the registration of something that is gone, or was never made. Registration still gives it
	// for Archived if it has an id. One that was changed since it was read stays.
	Retire(ctx context.Context, r Registration, at time.Time) error
	// Registration is that of an image's or instance's id; of one that is gone Retired is set. ok is false when there is
	// none.
	Registration(ctx context.Context, id string) (r Registration, ok bool, err error)
	// Registrations are those of a lineage, or of all when it is empty, that are not retired: by lineage, read page by
	// page.
	Registrations(ctx context.Context, lineage string) iter.Seq2[Registration, error]
	// Unsettled are the registrations that a sweep has to look at. One without a Revision was cut off
	// while it was registered or retired: it can be retired, or registered again.
	Unsettled(ctx context.Context) iter.Seq2[Registration, error]

	// Since is from when on the ledger is to tell of runs: the first moment that it was asked with, or the latest that
	// Heard moved it to. Of what ended before that it says nothing.
	Since(ctx context.Context, now time.Time) (time.Time, error)
	// Heard moves Since on: people have heard of every run that ended before that moment.
	Heard(ctx context.Context, until time.Time) error

	// Sight says when what a key names was seen first, and that it is seen now. It is forgotten Remembered after it was
	// seen last.
	Sight(ctx context.Context, key string, now time.Time) (Sighting, error)

	// Owner is the lineage that a name belongs to; ok is false when it belongs to none.
	Owner(ctx context.Context, name string) (o Owner, ok bool, err error)
	// PutOwner stores a name's owner as it was read, or one that has no record yet (no Revision), and gives
	// it with its new Revision; *TakenError when it was changed since.
	PutOwner(ctx context.Context, o Owner) (Owner, error)
}

// Claim is the exclusive right of one run to one source, and the journal of
// what must be undone. It is written before anything is stopped.
type Claim struct {
	Source string   `json:"source"`
	Kind   job.Kind `json:"kind,omitempty"`
	Name   string   `json:"name,omitempty"`
	Run    string   `json:"run"`
	Plan   string   `json:"plan,omitempty"`
	// Execution is the ARN that recover asks whether anybody still works on it.
	Execution string    `json:"execution"`
	Since     time.Time `json:"since"`
	// WasRunning is who must be started again: set before StopInstances is sent, kept on a retry.
	WasRunning bool `json:"wasRunning,omitempty"`
	// Looked is whether WasRunning has been recorded for this claim.
	Looked bool `json:"looked,omitempty"`
	// StopSent is set before StopInstances is sent: from then on the instance may be down because of us.
	StopSent time.Time `json:"stopSent,omitzero"`
	// StopTried is set before each StopInstances; the last one may take effect though its answer was lost.
	StopTried time.Time `json:"stopTried,omitzero"`
	// Forced is set before the first StopInstances by force is sent, for a plan that allows it.
	Forced time.Time `json:"forced,omitzero"`
	// Standby is set before EnterStandby or DeregisterTargets is sent: from then on the source may be out of its group's
	// or its target groups' service because of us.
	Standby *Standby `json:"standby,omitempty"`
	// Hook is set before the plan's command before is sent: from then on its command after is due.
	Hook *Hook `json:"hook,omitempty"`
	// Left is set when the run ended without bringing the instance back.
	Left time.Time `json:"left,omitzero"`
	// Started is when recover last started the instance.
	Started time.Time `json:"started,omitzero"`
	// InstanceType, Zone and Host are where it has to find room again.
	InstanceType string `json:"instanceType,omitempty"`
	Zone         string `json:"zone,omitempty"`
	Host         string `json:"host,omitempty"`
	// Refused is when EC2 first refused to start it, RefusedLast when it last did, and RefusedBy EC2's code for that.
	Refused     time.Time `json:"refused,omitzero"`
	RefusedLast time.Time `json:"refusedLast,omitzero"`
	RefusedBy   string    `json:"refusedBy,omitempty"`
	// TakenBack is when it was last seen that EC2 had taken a start back; zero once EC2 has said since that it ran.
	TakenBack time.Time `json:"takenBack,omitzero"`
	// Problem is why it could not be started, or what that came to.
	Problem string `json:"problem,omitempty"`
}

// Standby is the journal of a source that a run takes out of service: a member of an Auto Scaling group, which is put
// into Standby, or with no group an instance that is deregistered from its target groups.
type Standby struct {
	Group   string   `json:"group"`
	Targets []string `json:"targets,omitempty"`
	// Drained are the targets that are to be registered again.
	Drained []job.Target `json:"drained,omitempty"`
	// Since is set before the first EnterStandby or DeregisterTargets, Tried before each: the last may take effect though
	// its answer was lost.
	Since time.Time `json:"enteredSince"`
	Tried time.Time `json:"enteredTried,omitzero"`
	// Replaced is whether its group launches another member meanwhile: EnterStandby leaves what the group wants as it is.
	Replaced bool `json:"replaced,omitempty"`
	// Protected is set before the member is protected from scale-in, which it was not before: it may be so because of us.
	// It is zero again once that is taken off.
	Protected time.Time `json:"protectedSince,omitzero"`
	// Wanted is what the group of a member that is replaced wanted before ExitStandby was sent, set before that, and
	// Counted when. Raised is what it wants where that has raised it, set before it is set back.
	Wanted  int       `json:"wanted,omitempty"`
	Counted time.Time `json:"counted,omitzero"`
	Raised  int       `json:"raised,omitempty"`
	// Exited is when ExitStandby or RegisterTargets was first sent, Waited when the job first waited for it to serve.
	Exited time.Time `json:"exited,omitzero"`
	Waited time.Time `json:"waited,omitzero"`
	// Problem is what keeps it from service.
	Problem string `json:"problem,omitempty"`
}

// Of names what it is out of the service of.
func (s Standby) Of() string { return job.ServiceOf(s.Group, s.Drained) }

// Hook is the journal of the commands that a run's plan has around an image.
type Hook struct {
	// Frozen is whether the commands freeze and thaw, as the suite has them.
	Frozen bool `json:"frozen,omitempty"`
	// Since is set before the command before is sent, which is sent at most once.
	Since time.Time `json:"hookSince"`
	// Ended is when the command before was over, Failed how it failed, if it did.
	Ended  time.Time `json:"ended,omitzero"`
	Failed string    `json:"failed,omitempty"`
	// After is whether the plan's command after is due, which is not written here: whoever writes the table would have it
	// run. Timeout is how long each may run.
	After   bool          `json:"after,omitempty"`
	Timeout time.Duration `json:"timeout,omitempty"`
	// Begun is when it was first tried to send it, Waited when the end of the job first waited for it.
	Begun  time.Time `json:"begun,omitzero"`
	Waited time.Time `json:"waited,omitzero"`
	// Sent is set before it is sent, and Tries counts that: one whose answer was lost is looked for by its number.
	Sent  time.Time `json:"sent,omitzero"`
	Tries int       `json:"tries,omitempty"`
	// Done is when it was over, or is not to be run any more; Problem what was wrong with it, or keeps it from being run.
	Done    time.Time `json:"done,omitzero"`
	Problem string    `json:"problem,omitempty"`
}

// Undone reports whether the command after may have been sent: what the one before has done does not hold any more.
func (h *Hook) Undone() bool { return h != nil && (!h.Begun.IsZero() || !h.Done.IsZero()) }

// Before names the command before.
func (h Hook) Before() string { return job.BeforeOf(h.Frozen) }

// Then names the command after.
func (h Hook) Then() string { return job.AfterOf(h.Frozen) }

// Awaited names it as what a source waits for.
func (h Hook) Awaited() string {
	if h.Frozen {
		return "its thaw"
	}
	return "its plan's hooks.after"
}

// Due reports whether the command after is still to be run.
func (h *Hook) Due() bool { return h != nil && h.After && h.Done.IsZero() }

// ClaimOf is the claim of a job's source for the job's run. Claiming again gives
// the claim as it stands, so this is also how a step looks it up.
func ClaimOf(j job.Job, now time.Time) Claim {
	return Claim{
		Source: j.Source.ID, Kind: j.Source.Kind, Name: j.Source.Name, Run: j.Run.Name, Plan: j.Run.Plan,
		Execution: j.Execution, Since: now,
		WasRunning: j.Decision == job.StopFirst, Looked: j.Decision != "", StopSent: j.Times.StopSent,
	}
}

// landing is how long after its journal entry a StopInstances may still change
// what a describe says: its function may send it until its own timeout, a
// minute later, and a describe may lag for a while longer.
const landing = 2 * time.Minute

// StopMayLand reports whether an instance that a describe shows as running may
// be about to stop, because of a StopInstances whose answer was lost.
func (c Claim) StopMayLand(now time.Time) bool {
	last := c.StopTried
	if last.Before(c.StopSent) {
		last = c.StopSent
	}
	return now.Sub(last) < landing
}

// Wait is a step that waits for a resource, with the token that wakes it.
type Wait struct {
	Resource string  `json:"resource"`
	For      job.For `json:"for"`
	Run      string  `json:"run"`
	Token    string  `json:"token"`
	// Job is as the step was given it: who ends the wait may be of another release.
	Job job.Document `json:"job"`
	// Failure is the name by which the machine that waits knows a failure.
	Failure string    `json:"failure,omitempty"`
	Since   time.Time `json:"since"`
}

// Run is what is remembered of a run.
type Run struct {
	Name      string    `json:"name"`
	Plan      string    `json:"plan"`
	Execution string    `json:"execution,omitempty"`
	Scheduled time.Time `json:"scheduled"`
	// Timezone is the zone of its plan: the run's times are told in it.
	Timezone string       `json:"timezone,omitempty"`
	Request  *job.Request `json:"request,omitempty"`
	Started  time.Time    `json:"started,omitzero"`
	Ended    time.Time    `json:"ended,omitzero"`
	Outcome  string       `json:"outcome,omitempty"`
	Problem  string       `json:"problem,omitempty"`
	// Do is what a person is to do about Problem, which ends with it.
	Do string `json:"do,omitempty"`
	// Cut is the status of an execution that ended before the run was done.
	Cut string `json:"cut,omitempty"`
	// Retiring is why old images could not be retired; the run itself has not failed over it.
	Retiring string `json:"retiring,omitempty"`
	// Sent are the subjects of its events that were sent, where not all could be.
	Sent []string `json:"sent,omitempty"`
	// Told is when the message went out; Notified sets it.
	Told time.Time `json:"told,omitzero"`
}

// HeldError says that another run has the source.
type HeldError struct {
	Source string
	By     Claim
}

// Error names the holder.
func (h *HeldError) Error() string {
	return fmt.Sprintf("%s is claimed by run %s since %s", h.Source, h.By.Run, h.By.Since.Format(time.RFC3339))
}

// Reason is why the source is left alone.
func (h *HeldError) Reason() job.Reason {
	const at = "2006-01-02 15:04 UTC"
	if !h.By.Left.IsZero() && h.By.Hook.Due() && !h.By.Hook.Begun.IsZero() {
		return job.Reason{Code: job.StillDown,
			Text: "run " + h.By.Run + " has not yet run " + h.By.Hook.Then() + " on it, which is " +
				"due since " + h.By.Hook.Since.UTC().Format(at) + ". Goldsmith tries to every few minutes; goldsmith status says " +
				"what keeps it"}
	}
	if out := h.By.Standby; !h.By.Left.IsZero() && out != nil {
		return job.Reason{Code: job.StillDown, Text: "run " + h.By.Run + " has left it out of the service of " +
			out.Of() + " since " + out.Since.UTC().Format(at) + ". Goldsmith tries to bring it back every few minutes; " +
			"goldsmith status says what keeps it"}
	}
	if !h.By.Left.IsZero() {
		return job.Reason{Code: job.StillDown, Text: "run " + h.By.Run + " has left it stopped at " +
			h.By.Left.UTC().Format(at) +
			". Goldsmith tries to start it every few minutes; see why it does not start"}
	}
	return job.Reason{Code: job.Claimed, Text: "run " + h.By.Run + " has it since " + h.By.Since.UTC().Format(at)}
}

// UnreadableError is a record that cannot be understood: another person has written it, or a newer version.
type UnreadableError struct {
	// Record is the record's sort key.
	Record string
	Err    error
}

// Error names the record.
func (u *UnreadableError) Error() string {
	return fmt.Sprintf("record %s of the ledger: %v", u.Record, u.Err)
}

// Unwrap gives why.
func (u *UnreadableError) Unwrap() error { return u.Err }

// LostError says that a claim is not this run's any more.
type LostError struct{ Source, Run string }

// Error names the claim.
func (l *LostError) Error() string { return fmt.Sprintf("run %s no longer holds %s", l.Run, l.Source) }
