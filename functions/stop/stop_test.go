package stop_test

import (
	"fmt"
	"testing"
	"time"

	ec2sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/functions/stop"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

func scene(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	s.Must(s.Ledger.Kept.PutRun(s.Context(), ledger.Run{Name: steptest.RunName}))
	return stop.Step{EC2: s.EC2, Ledger: s.Ledger, Now: time.Now}.Handle, s.Job()
}

// lose makes the job one of a run that the ledger knows nothing of.
func lose(s *steptest.Stage, j *job.Job) {
	s.Helper()
	s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
	j.Run.Name = "nightly-of-a-lost-table"
}

func TestStop(t *testing.T) {
	steptest.Play(t, scene, []steptest.Case[job.Job, job.Job]{
		{
			Name: "a running instance is stopped, after the ledger says who starts it again",
			Want: "Claim GetRun Slots Take CreateTags Record StopInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("state", s.Cloud.State(s.Web), ec2.Stopping)
				held := s.Held(s.Web)
				s.Same("claim", held.WasRunning && held.StopSent.Equal(j.Times.StopSent) && !held.StopSent.IsZero(), true)
			},
		},
		{
			Name: "stopped once, however often the step runs; the first moment counts",
			Want: "Claim GetRun Slots Take CreateTags Record StopInstances: ok | Claim Slots Record StopInstances: ok | " +
				"Claim Slots Record StopInstances: ok",
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("stop sent", j.Times.StopSent, j.Times.Claimed)
			},
		},
		{
			Name:  "never by force, never hibernated, never without the guest's shutdown",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Stuck: true}) },
			Want:  "Claim GetRun Slots Take CreateTags Record StopInstances: ok | Claim Slots Record StopInstances: ok",
			Then: func(s *steptest.Stage, _ job.Job) {
				for _, form := range s.Sent("StopInstances") {
					s.Same("ids", form["InstanceId.1"], []string{s.Web})
					for _, never := range []string{"Force", "Hibernate", "SkipOsShutdown", "InstanceId.2"} {
						s.Same(never, form.Has(never), false)
					}
				}
			},
		},
		{
			Name: "the answer is lost on its way: asked again within the same call",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Nth: []int{1}, Drop: true})
			},
			Want: "Claim GetRun Slots Take CreateTags Record StopInstances*2: ok",
		},
		{
			Name: "every answer is lost: the step is tried again, and the claim knows that the instance may be down",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Nth: []int{1, 2, 3, 4, 5, 6}, Drop: true})
			},
			Want: "Claim GetRun Slots Take CreateTags Record StopInstances*6: Transient | Claim Slots Record StopInstances: ok",
			Between: func(s *steptest.Stage) {
				if s.Held(s.Web).StopSent.IsZero() {
					s.Error("the instance may be stopping and the claim does not say so")
				}
			},
		},
		{
			Name: "the table was lost before it was claimed: nobody knows who else is down, so it is left alone",
			Given: func(s *steptest.Stage, j *job.Job) {
				lose(s, j)
				s.Hold(ledger.ClaimOf(*j, j.Times.Claimed))
			},
			Want: "Claim GetRun: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", []any{j.Decision, j.Skip.Code, j.Back}, []any{job.SkipIt, job.LedgerLost, true})
			},
		},
		{
			Name:  "the table was lost after it was claimed: it may be stopping, so it is brought back",
			Given: func(s *steptest.Stage, j *job.Job) { lose(s, j); time.Sleep(time.Second) },
			Want:  "Claim GetRun Record: Failed",
			Says:  []string{"the ledger has lost its claim", "The table was lost"},
			Then: func(s *steptest.Stage, _ job.Job) {
				s.Same("a stop may land", s.Held(s.Web).StopMayLand(time.Now()), true)
			},
		},
		{
			Name:  "nothing is stopped while the claim cannot be read",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("Claim", 1) },
			Want:  "Claim: Transient",
		},
		{
			Name:  "nothing is stopped while the claim cannot be written",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("Record", 1) },
			Want: "Claim GetRun Slots Take CreateTags Record: Transient | Claim GetRun Slots Take CreateTags Record " +
				"StopInstances: ok",
		},
		{
			Name:  "the ledger's answer is lost: the stop is sent by the next try",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Lose("Record", 1) },
			Want:  "Claim GetRun Slots Take CreateTags Record: Transient | Claim Slots Record StopInstances: ok",
		},
		{
			Name:  "the claim was dropped meanwhile: it is taken again before the stop",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName)) },
			Want:  "Claim GetRun Slots Take CreateTags Record StopInstances: ok",
			Then: func(s *steptest.Stage, _ job.Job) {
				s.Same("was running", s.Held(s.Web).WasRunning, true)
			},
		},
		{
			Name: "another run has the claim: its instance is not stopped",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
				s.Hold(ledger.Claim{Source: s.Web, Run: "weekly-20000101T000000Z"})
			},
			Want: "Claim: Failed",
			Says: []string{"looking up the claim of i-", "claimed by run weekly-20000101T000000Z"},
		},
		{
			Name:  "the window closed while it waited for its turn",
			Given: func(_ *steptest.Stage, _ *job.Job) { time.Sleep(4*time.Hour + time.Second) },
			Want:  ": Failed",
			Says: []string{"web (i-", "was not stopped: the window closed at 2000-01-01T04:00:00Z",
				"Raise the plan's concurrency or its window."},
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("state", s.Cloud.State(s.Web), ec2.Running) },
		},
		{
			Name: "the window closes between two tries: no further stop is sent",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Nth: []int{1, 2, 3, 4, 5, 6}, Drop: true})
			},
			Want:    "Claim GetRun Slots Take CreateTags Record StopInstances*6: Transient | : Failed",
			Between: func(*steptest.Stage) { time.Sleep(5 * time.Hour) },
			Then: func(s *steptest.Stage, _ job.Job) {
				s.Same("the claim tells recover", s.Held(s.Web).StopSent.IsZero(), false)
			},
		},
	})
}

// hanging is a job whose instance hangs in stopping, 15 minutes after its stop was sent.
func hanging(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Stuck: true})
	step, j := scene(s)
	j, err := step(s.Context(), j)
	s.Must(err)
	time.Sleep(15*time.Minute + 20*time.Second)
	j.Hangs = true
	return step, j
}

func TestStopByForce(t *testing.T) {
	steptest.Play(t, hanging, []steptest.Case[job.Job, job.Job]{
		{
			Name: "what hangs is forced, once it is in the journal, and the source is warned of",
			Want: "Claim Record StopInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				sent := s.Sent("StopInstances")
				s.Same("forced", sent[len(sent)-1]["Force"], []string{"true"})
				held := s.Held(s.Web)
				s.Same("journal", held.Forced.Equal(time.Now()) && held.StopTried.Equal(held.Forced) &&
					held.StopSent.Before(held.Forced), true)
				s.Same("job", j.Times.Forced.Equal(held.Forced) && j.Times.StopSent.Equal(held.StopSent) && !j.Hangs, true)
				s.Same("warnings", len(j.Warnings), 1)
				s.Same("code", j.Warnings[0].Code, job.ForcedStop)
				s.Same("text", j.Warnings[0].Text,
					"told to stop by force after 15m: file systems may need a check, and an image of it holds only "+
						"what was on disk")
				time.Sleep(5 * time.Minute)
				s.Same("state", s.Cloud.State(s.Web), ec2.Stopped)
			},
		},
		{
			Name:    "however often the step runs: the first moment counts, and one warning",
			Want:    "Claim Record StopInstances: ok | Claim Record StopInstances: ok",
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("first", j.Times.Forced.Equal(time.Now().Add(-time.Minute)), true)
				s.Same("warnings", len(j.Warnings), 1)
			},
		},
		{
			Name:  "a window that has closed does not leave it hanging",
			Given: func(*steptest.Stage, *job.Job) { time.Sleep(5 * time.Hour) },
			Want:  "Claim Record StopInstances: ok",
		},
		{
			Name:  "nothing is forced while the journal cannot be written",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("Record", 1) },
			Want:  "Claim Record: Transient | Claim Record StopInstances: ok",
		},
		{
			Name: "stop protection was switched on meanwhile",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Code: "OperationNotPermitted",
					Message: "The instance may not be stopped."})
			},
			Want: "Claim Record StopInstances: Failed",
			Says: []string{"web (i-", "was not stopped", "Switch stop protection off"},
		},
		{
			Name: "it is in no state to be stopped any more",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Code: "IncorrectInstanceState"})
			},
			Want: "Claim Record StopInstances: NotYet",
		},
	})
}

// EC2's refusals, and what the state machine makes of each.
func TestStopRefused(t *testing.T) {
	refused := func(code, message string) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, _ *job.Job) {
			s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Code: code, Message: message})
		}
	}
	steptest.Play(t, scene, []steptest.Case[job.Job, job.Job]{
		{
			Name: "stop protection is on",
			Given: refused("OperationNotPermitted",
				"The instance may not be stopped. Modify its 'disableApiStop' instance attribute and try again."),
			Want: "Claim GetRun Slots Take CreateTags Record StopInstances Record: Failed",
			Says: []string{"web (i-", "was not stopped", "disableApiStop",
				"Switch stop protection off, or leave the instance out of the plan."},
		},
		{
			Name:  "somebody terminated it",
			Given: func(s *steptest.Stage, j *job.Job) { j.Source.ID, j.Place = "i-00000000000000bad", "000001" },
			Want:  "Claim GetRun Slots Take CreateTags Record StopInstances Record: Failed",
			Says:  []string{"web (i-00000000000000bad) is gone", "Nothing is left to do for it."},
		},
		{
			Name:  "it is terminating: in no state to be stopped, for now",
			Given: refused("IncorrectInstanceState", "The instance is not in a state from which it can be stopped."),
			Want:  "Claim GetRun Slots Take CreateTags Record StopInstances: NotYet",
			Says:  []string{"stopping web (i-"},
		},
		{
			Name:  "EC2 is busy for longer than one call may take",
			Given: refused("RequestLimitExceeded", "Request limit exceeded."),
			Want:  "Claim GetRun Slots Take CreateTags Record StopInstances*6 Record: Transient",
			Says:  []string{"stopping web (i-"},
		},
		{
			Name:  "EC2 fails inside",
			Given: refused("InternalError", "An internal error has occurred."),
			Want:  "Claim GetRun Slots Take CreateTags Record StopInstances*6: Transient",
		},
		{
			Name: "it cannot be tagged: it stays up",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateTags", Code: "TagLimitExceeded"})
			},
			Want: "Claim GetRun Slots Take CreateTags*2: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", []any{j.Decision, j.Skip.Code, j.Back}, []any{job.SkipIt, job.NoTrace, true})
				s.Same("state", s.Cloud.State(s.Web), ec2.Running)
			},
		},
		{
			Name: "there is room for one tag: it is the one that says that it is down",
			Given: func(s *steptest.Stage, _ *job.Job) {
				theirs := map[string]string{}
				for n := range 49 - len(s.Tags(s.Web)) {
					theirs[fmt.Sprint("theirs-", n)] = "yes"
				}
				_, err := s.EC2.CreateTags(s.Context(), &ec2sdk.CreateTagsInput{Resources: []string{s.Web}, Tags: tag.List(theirs)})
				s.Must(err)
			},
			Want: "Claim GetRun Slots Take CreateTags*2 Record StopInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				tags := s.Tags(s.Web)
				s.Same("tags", []any{tags[tag.Stopped], tags[tag.LastStop]}, []any{j.Execution, ""})
			},
		},
		{
			Name: "EC2 is too busy to tag it: not stopped yet",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateTags", Code: "RequestLimitExceeded"})
			},
			Want: "Claim GetRun Slots Take CreateTags*6: Transient",
		},
		{
			Name:  "the function may not stop instances",
			Given: refused("UnauthorizedOperation", "You are not authorized to perform this operation."),
			Want:  "Claim GetRun Slots Take CreateTags Record StopInstances Record: Failed",
			Says:  []string{"stopping web (i-", "UnauthorizedOperation"},
		},
		{
			Name: "a Spot instance of a one-time request cannot be stopped",
			Given: refused("UnsupportedOperation",
				"You can't stop the Spot Instance because it is associated with a one-time Spot Instance request."),
			Want: "Claim GetRun Slots Take CreateTags Record StopInstances: Failed",
			Says: []string{"one-time Spot Instance request"},
		},
	})
}
