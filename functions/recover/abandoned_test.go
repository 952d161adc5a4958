package recovery_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/shared/breaker"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// Whose stop it was, where others start and stop the instance as well.
func TestWhoHasStoppedIt(t *testing.T) {
	state := func(want ec2.State) func(*steptest.Stage, recovery.Answer) {
		return func(s *steptest.Stage, _ recovery.Answer) { s.Helper(); s.Same("state", s.Cloud.State(s.Web), want) }
	}
	// since has web stopped that long after the run's journal entry, by who has started it five seconds after that.
	since := func(stop time.Duration) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, in *json.RawMessage) {
			with(func(c *ledger.Claim) { c.StopSent = time.Now() })(s, in)
			time.Sleep(5 * time.Second)
			s.Must(s.StartWeb())
			s.Set(s.Web, ec2.Running)
			time.Sleep(stop - 5*time.Second)
			s.Must(s.StopWeb())
			time.Sleep(10 * time.Minute)
		}
	}
	steptest.Play(t, scene, cases{
		{
			Name:  "it was started as the run's stop was on its way: the stop may be the run's",
			Given: since(59 * time.Second), Anything: true, Then: state(ec2.Pending),
		},
		{
			Name:  "no run sends its stop as late as that: it was stopped by other hands",
			Given: since(time.Minute), Anything: true, Then: state(ec2.Stopped),
		},
		{
			Name: "stopped by other hands, and its claim could not be dropped before it was started again: the result stands",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				since(time.Minute)(s, in)
				s.Ledger.Break("Drop", 1)
			},
			Between: func(s *steptest.Stage) { s.Must(s.StartWeb()) },
			Want: "Claims DescribeExecution DescribeInstances Waits Results PutResult DeleteTags Slots Free Drop Slots: " +
				"Transient | Claims DescribeExecution DescribeInstances Results Slots: ok",
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				r := s.Results(steptest.RunName)[0]
				s.Same("result", []any{r.Ending, r.Problem, r.Shows}, []any{job.Broken,
					"the run ended early; it was started again, and was stopped since by other hands", "stopped"})
			},
		},
	})
}

// An instance that its run has stopped, and that describes do not know: they may lag.
func TestAStoppedInstanceThatEC2DoesNotKnow(t *testing.T) {
	unknown := func(s *steptest.Stage, _ *json.RawMessage) {
		s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "InvalidInstanceID.NotFound",
			Until: time.Now().Add(100 * time.Minute)})
	}
	steptest.Play(t, scene, cases{
		{
			Name: "it is there: started, and once more when EC2 would not know a terminated one either", Given: unknown,
			Between: func(*steptest.Stage) { time.Sleep(45 * time.Minute) },
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Slots: ok | " +
				"Claims DescribeExecution DescribeInstances Slots: ok | Claims DescribeExecution DescribeInstances Slots: ok | " +
				"Claims DescribeExecution DescribeInstances Waits Results PutResult Slots Free Drop Slots GetRun: ok",
			Then: closed("the run ended early; it is running again"),
		},
		{
			Name: "it may not be started: that is an error, and the claim stays",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				unknown(s, in)
				s.Refuse("StartInstances", "UnauthorizedOperation", 1)
			},
			Want: "Claims DescribeExecution DescribeInstances StartInstances Slots: Failed",
			Says: []string{"starting it without a look: "},
		},
		{
			Name: "its stop may still land",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				unknown(s, in)
				with(func(c *ledger.Claim) { c.StopSent = time.Now() })(s, in)
			},
			Want: "Claims DescribeExecution DescribeInstances Slots: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) { down(s, a, 1, 1) },
		},
	})
}

// What the ledger does not take of what a sweep has seen fails the sweep.
func TestWhatIsSeenAndNotWritten(t *testing.T) {
	broken := func(edit func(*ledger.Claim), result *job.Result) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, in *json.RawMessage) {
			with(edit)(s, in)
			if result != nil {
				result.Run, result.Source, result.Name = steptest.RunName, s.Web, "web"
				s.Must(s.Ledger.Kept.PutResult(s.Context(), *result))
			}
			s.Ledger.Break("PutResult", 1)
		}
	}
	steptest.Play(t, scene, cases{
		{
			Name: "that it is stopping", Given: broken(func(c *ledger.Claim) { c.StopSent = time.Now() }, nil),
			Want: "Claims DescribeExecution DescribeInstances Results PutResult Slots: Transient",
		},
		{
			Name: "that it is started", Given: broken(func(*ledger.Claim) {}, nil),
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Results PutResult Slots: Transient",
		},
		{
			Name: "that it is started though its job had left it stopped",
			Given: broken(func(c *ledger.Claim) { c.Left = time.Now() },
				&job.Result{Ending: job.LeftStopped, Problem: "the image failed"}),
			Want: "Claims DescribeInstances StartInstances Record GetRun Results PutResult Slots: Transient",
		},
	})
}

// Where function start was denied the start that the sweep is allowed at its first try, no more is stopped: what
// function start may not start would be down until a sweep comes.
func TestOnlyFunctionStartIsDenied(t *testing.T) {
	for name, c := range map[string]struct {
		ago   time.Duration
		code  string
		opens bool
	}{
		"just before the sweep":       {ago: 5*time.Minute - time.Second, code: "UnauthorizedOperation", opens: true},
		"by a sweep's time ago":       {ago: 5 * time.Minute, code: "UnauthorizedOperation"},
		"no denial: there is no room": {ago: time.Minute, code: "InsufficientInstanceCapacity"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				step, in := scene(s)
				with(func(claim *ledger.Claim) { claim.Refused, claim.RefusedBy = time.Now().Add(-c.ago), c.code })(s, nil)
				_, err := step(s.Context(), in)
				s.Must(err)
				denied, err := breaker.Denials(s.Context(), s.Ledger.Kept)
				s.Must(err)
				s.Same("opens", len(denied) == 1, c.opens)
			})
		})
	}
	steptest.Play(t, scene, cases{{
		Name: "that cannot be written down",
		Given: func(s *steptest.Stage, in *json.RawMessage) {
			with(func(c *ledger.Claim) { c.Refused, c.RefusedBy = time.Now(), "UnauthorizedOperation" })(s, in)
			s.Ledger.Break("Take", 1)
		},
		Want: "Claims DescribeExecution DescribeInstances StartInstances Take Slots: Transient",
	}})
}

// That function start may not start something is believed for half a day where no run asks it.
func TestHowLongADenialIsBelieved(t *testing.T) {
	for age, believed := range map[time.Duration]bool{12*time.Hour - time.Second: true, 12 * time.Hour: false} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			s.Must(breaker.Deny(s.Context(), s.Ledger.Kept, ledger.Claim{Source: s.Web, Name: "web", Run: "r"}, time.Now()))
			time.Sleep(age)
			sweeps(s)
			s.Same("believed after "+age.String(), len(held(s, ledger.Downs)) == 1, believed)
		})
	}
}
