package start_test

import (
	"testing"
	"time"

	"goldsmith/functions/start"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// scene is an instance that the run has stopped and imaged.
func scene(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	j := s.Job()
	s.Set(s.Web, ec2.Stopped)
	j.Times.StopSent = j.Times.Claimed
	time.Sleep(2 * time.Minute)
	return start.Step{EC2: s.EC2, Claims: s.Ledger, Now: time.Now}.Handle, j
}

// broken is what a Catch adds to the job.
var broken = &job.Failure{Error: "Failed", Cause: `{"errorMessage":"the image failed","errorType":"Failed"}`}

func TestStart(t *testing.T) {
	steptest.Play(t, scene, []steptest.Case[job.Job, job.Job]{
		{
			Name: "what the run stopped is started again",
			Want: "Reserve Slots StartInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("state", s.Cloud.State(s.Web), ec2.Pending)
				s.Same("started is not back yet", j.Back, false)
				s.Same("start sent", j.Times.StartSent, time.Now().UTC())
				s.Same("only this one", s.Sent("StartInstances")[0].Has("InstanceId.2"), false)
			},
		},
		{
			Name: "started once, however often the step runs",
			Want: "Reserve Slots StartInstances: ok | Reserve Slots StartInstances: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("state", s.Cloud.State(s.Web), ec2.Pending) },
		},
		{
			Name: "the answer is lost on its way",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Nth: []int{1}, Drop: true})
			},
			Want: "Reserve Slots StartInstances*2: ok",
		},
		{
			Name: "every answer is lost: tried again",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Nth: []int{1, 2, 3, 4, 5, 6}, Drop: true})
			},
			Want: "Reserve Slots StartInstances*6 Claim Record: Transient | Reserve Slots StartInstances: ok",
		},
		{
			Name:  "it is started only with its image: the patience with its start begins here",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Plan.Restart = plan.Available },
			Want:  "DescribeInstances Reserve Slots StartInstances Take: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				for place, err := range s.Ledger.Kept.Slots(s.Context(), s.Plan.Name) {
					s.Must(err)
					s.Same("place", []any{place.ID, place.Due, place.Stopping},
						[]any{j.Place, time.Now().Add(30 * time.Minute).UTC(), j.Times.StopSent})
				}
			},
		},
		{
			Name: "and the ledger cannot note it: started all the same",
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Plan.Restart = plan.Available
				s.Ledger.Break("Take", 1)
			},
			Want: "DescribeInstances Reserve Slots StartInstances Take: ok",
		},
		{
			Name: "what was stopped before the run stays stopped",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Decision, j.Back, j.Source.WasRunning = job.ImageNow, true, false
			},
			Want: ": ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("state", s.Cloud.State(s.Web), ec2.Stopped)
				s.Same("back", j.Back, true)
			},
		},
		{
			Name:  "what is back already is left alone",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Back = true },
			Want:  ": ok",
		},
	})
}

// After a failure nobody knows how far the failed step came, so start looks first.
func TestStartAfterFailure(t *testing.T) {
	failed := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		step, j := scene(s)
		j.Failure = broken
		return step, j
	}
	steptest.Play(t, failed, []steptest.Case[job.Job, job.Job]{
		{
			Name: "stopped by the run: started again",
			Want: "DescribeInstances Reserve Slots StartInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("state", s.Cloud.State(s.Web), ec2.Pending)
				s.Same("back", j.Back, false)
			},
		},
		{
			Name: "still stopping: tried again once it is stopped",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Set(s.Web, ec2.Running)
				s.Must(s.StopWeb())
			},
			Want:    "DescribeInstances: NotYet | DescribeInstances Reserve Slots StartInstances: ok",
			Between: func(*steptest.Stage) { time.Sleep(2 * time.Minute) },
		},
		{
			Name:  "the claim was all that came to pass: running, nothing to start",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Set(s.Web, ec2.Running) },
			Want:  "DescribeInstances Claim: ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, true) },
		},
		{
			Name: "shown as running a moment after the stop may have been sent: not believed yet",
			Given: func(s *steptest.Stage, j *job.Job) {
				s.Set(s.Web, ec2.Running)
				claim := *s.Held(s.Web)
				claim.StopSent, claim.StopTried = j.Times.Claimed, time.Now().Add(-10*time.Second)
				s.Hold(claim)
			},
			Want:    "DescribeInstances Claim: NotYet | DescribeInstances Claim: ok",
			Between: func(*steptest.Stage) { time.Sleep(2 * time.Minute) },
			Then:    func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, true) },
		},
		{
			Name: "what was stopped before the run stays stopped, whatever failed",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Decision, j.Back, j.Source.WasRunning = job.ImageNow, true, false
			},
			Want: "DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("state", s.Cloud.State(s.Web), ec2.Stopped)
				s.Same("gone", j.Gone, false)
			},
		},
		{
			Name: "what was stopped before the run and somebody terminated is gone",
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Decision, j.Back, j.Source.WasRunning = job.ImageNow, true, false
				s.Set(s.Web, ec2.Terminated)
			},
			Want: "DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("gone", j.Gone, true) },
		},
		{
			Name: "EC2 cannot be asked about what was stopped before the run: not taken for gone",
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Decision, j.Back = job.ImageNow, true
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation"})
			},
			Want: "DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("gone", j.Gone, false) },
		},
		{
			Name: "what was stopped before the run and EC2 does not know any more is gone",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Decision, j.Back, j.Source.ID = job.ImageNow, true, "i-00000000000000bad"
			},
			Want: "DescribeInstances*2: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("gone", j.Gone, true) },
		},
		{
			Name: "a snapshot is no instance that could be gone",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Decision, j.Source.ID, j.Source.Kind = job.ImageNow, "snap-0123456789abcdef0", job.Snapshot
			},
			Want: ": ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("gone", j.Gone, false) },
		},
		{
			Name: "another run has its claim, and has sent a stop: nothing to start",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Set(s.Web, ec2.Running)
				claim := *s.Held(s.Web)
				claim.Run, claim.StopSent, claim.StopTried = "another", time.Now(), time.Now()
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
				s.Hold(claim)
			},
			Want: "DescribeInstances Claim: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, true) },
		},
		{
			Name:  "claim itself failed, before it decided: nothing was touched",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Decision, j.Source.WasRunning = "", false },
			Want:  ": ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, true) },
		},
		{
			Name:  "somebody terminated it: nothing is left to bring back",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Set(s.Web, ec2.Terminated) },
			Want:  "DescribeInstances: ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, true) },
		},
		{
			Name:  "EC2 does not know it any more: nothing is left to bring back",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Source.ID = "i-00000000000000bad" },
			Want:  "DescribeInstances*2 Claim Reserve Slots StartInstances DescribeInstances*2: ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, true) },
		},
		{
			Name: "EC2 says of a start that there is no such instance, and shows it as stopped: not taken for gone",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "InvalidInstanceID.NotFound"})
			},
			Want: "DescribeInstances Reserve Slots StartInstances DescribeInstances Claim Record: NotYet",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back || j.Gone, false) },
		},
		{
			Name:  "started by the step that failed, and pending: asked to start all the same, which changes nothing",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Must(s.StartWeb()) },
			Want:  "DescribeInstances Reserve Slots StartInstances: ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, false) },
		},
	})
}

// EC2's refusals, and what the state machine makes of each.
func TestStartRefused(t *testing.T) {
	refused := func(code string) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, _ *job.Job) {
			s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: code})
		}
	}
	steptest.Play(t, scene, []steptest.Case[job.Job, job.Job]{
		{
			Name:  "EC2 has no room: hours of patience",
			Given: refused("InsufficientInstanceCapacity"),
			Want:  "Reserve Slots StartInstances Claim Record: NoCapacity",
			Says:  []string{"starting web (i-", "InsufficientInstanceCapacity"},
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("taken back", s.Held(s.Web).TakenBack, time.Time{}) },
		},
		{
			Name:  "the dedicated host has no room",
			Given: refused("InsufficientHostCapacity"),
			Want:  "Reserve Slots StartInstances Claim Record: NoCapacity",
		},
		{
			Name:  "in no state to be started, for now",
			Given: refused("IncorrectInstanceState"),
			Want:  "Reserve Slots StartInstances DescribeInstances: NotYet",
		},
		{
			Name:  "EC2 is busy for longer than one call may take",
			Given: refused("RequestLimitExceeded"),
			Want:  "Reserve Slots StartInstances*6 Take Claim Record: Transient",
			Then: func(s *steptest.Stage, _ job.Job) {
				for slot, err := range s.Ledger.Kept.Slots(s.Context(), "") {
					s.Must(err)
					if slot.Kind != ledger.Places {
						s.Same("it waits in run", []any{slot.Source, slot.Run}, []any{s.Web, steptest.RunName})
					}
				}
			},
		},
		{
			Name: "somebody terminated it meanwhile",
			Given: func(s *steptest.Stage, j *job.Job) {
				refused("InvalidInstanceID.NotFound")(s, j)
				s.Set(s.Web, ec2.Terminated)
			},
			Want: "Reserve Slots StartInstances DescribeInstances: Failed",
			Says: []string{"web (i-", "was terminated during the run"},
		},
		{
			Name:  "EC2 says of a start that there is no such instance, and shows it: not taken for gone",
			Given: refused("InvalidInstanceID.NotFound"),
			Want:  "Reserve Slots StartInstances DescribeInstances Claim Record: NotYet",
			Says:  []string{"which EC2 shows as stopped"},
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("gone", j.Gone || j.Back, false) },
		},
		{
			Name:  "the function may not use the volume's key",
			Given: refused("UnauthorizedOperation"),
			Want:  "Reserve Slots StartInstances Claim Record Take: Failed",
			Says:  []string{"starting web (i-"},
		},
	})
}
