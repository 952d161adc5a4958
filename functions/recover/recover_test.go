package recovery_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/recover/adoption"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/usage"
	"goldsmith/test/steptest"
)

// executionARN is where the ARNs of executions begin.
const executionARN = "arn:aws:states:eu-central-1:123456789012:execution:goldsmith:"

// scene is a sweep, ten minutes after an execution was aborted that had stopped the instance.
func scene(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
	left(s, s.Web, "web")
	s.Execute("aborted")
	s.Abort(executionARN + "aborted")
	time.Sleep(10 * time.Minute)
	rescue := recovery.Rescue{EC2: s.EC2, Executions: s.SFN, Claims: s.Ledger, Waits: s.Ledger, Results: s.Ledger,
		Now:  time.Now,
		Runs: s.Ledger, Notices: s.Notifier()}
	return func(ctx context.Context, _ json.RawMessage) (recovery.Answer, error) {
		answer, _, err := rescue.Sweep(ctx)
		return answer, err
	}, nil
}

// account is recover as it is deployed, with these plans.
func account(s *steptest.Stage, plans plan.Plans) recovery.Step {
	return recovery.New(accountOf(s, plans))
}

func accountOf(s *steptest.Stage, plans plan.Plans) recovery.Account {
	return recovery.Account{
		EC2: s.EC2, Executions: s.SFN, Schedules: s.Scheduler, Ledger: s.Ledger, Notifier: s.Notifier(), Plans: plans,
		Usage:   usage.Finder{EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM},
		Origins: adoption.Origins{EC2: s.EC2, Groups: s.AutoScaling},
		Machine: steptest.Machine + ":live", Home: steptest.Home, Now: time.Now,
	}
}

// whole is recover as it is deployed, on the same scene.
func whole(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
	scene(s)
	return account(s, nightlyOf(s)).Handle, s.Sample("sweep")
}

func nightlyOf(s *steptest.Stage) plan.Plans {
	return plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": s.Plan}}
}

// left is an instance stopped by an execution that is called aborted.
func left(s *steptest.Stage, id, name string) {
	s.Helper()
	s.Set(id, ec2.Stopped)
	s.Hold(ledger.Claim{
		Source: id, Kind: job.Instance, Name: name, Run: steptest.RunName, Plan: "nightly",
		Execution: executionARN + "aborted",
		Since:     time.Now(), WasRunning: true, Looked: true, StopSent: time.Now(),
	})
}

// with changes the claim that the scene has set.
func with(edit func(*ledger.Claim)) func(*steptest.Stage, *json.RawMessage) {
	return func(s *steptest.Stage, _ *json.RawMessage) {
		s.Helper()
		c := *s.Held(s.Web)
		edit(&c)
		s.Must(s.Ledger.Kept.Record(s.Context(), c))
	}
}

type cases = []steptest.Case[json.RawMessage, recovery.Answer]

const (
	looks  = "Claims DescribeExecution DescribeInstances"
	starts = " StartInstances Record Results PutResult"
	closes = " Waits Results PutResult Slots Drop"
)

// down checks the answer: how many claims there were and how many instances are down.
func down(s *steptest.Stage, a recovery.Answer, claims, down int) {
	s.Helper()
	s.Same("answer", a, recovery.Answer{Claims: claims, Down: down})
}

// closed checks that the claim is gone and what its result says.
func closed(problem string) func(*steptest.Stage, recovery.Answer) {
	return func(s *steptest.Stage, a recovery.Answer) {
		s.Helper()
		down(s, a, 1, 0)
		s.Same("claim dropped", s.Held(s.Web) == nil, true)
		r := s.Results(steptest.RunName)[0]
		s.Same("result", []any{r.Ending, r.Name, r.Problem}, []any{job.Broken, "web", problem})
	}
}

// terminated checks that the message does not speak of an instance that is there.
func terminated(s *steptest.Stage, a recovery.Answer) {
	s.Helper()
	closed("the run ended early; it was terminated")(s, a)
	s.Same("gone", s.Results(steptest.RunName)[0].Gone, true)
}

func TestSweep(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "an aborted execution left it stopped: started, and the claim stays until it runs",
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Results PutResult Slots: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				down(s, a, 1, 1)
				s.Same("state", s.Cloud.State(s.Web), ec2.Pending)
				s.Same("left", s.Held(s.Web).Left, time.Now().UTC())
				r := s.Results(steptest.RunName)[0]
				s.Same("result", []any{r.Ending, r.Problem, r.Shows, r.Restarted},
					[]any{job.LeftStopped, "the run ended early", "pending", time.Now().UTC()})
				s.Same("counted", strings.Contains(s.Logs.String(), `"InstancesLeftStopped":1`) &&
					strings.Contains(s.Logs.String(), `"OldestClaim":600`), true)
			},
		},
		{
			Name: "the next sweeps see it pending, then running, and let it go",
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Results PutResult Slots: ok | Claims " +
				"DescribeInstances Slots: ok | Claims DescribeInstances Waits Results PutResult Slots Free Drop Slots GetRun: " +
				"ok | Claims Slots: ok",
			Between: wakeSlowly(),
			Then: func(s *steptest.Stage, a recovery.Answer) {
				down(s, a, 0, 0)
				s.Same("state", s.Cloud.State(s.Web), ec2.Running)
				s.Same("starts sent", len(s.Sent("StartInstances")), 1)
			},
		},
		{
			Name: "started by a sweep a moment ago, and EC2 shows it as it was stopped: no start that was taken back",
			Given: with(func(c *ledger.Claim) {
				c.Left, c.Started = time.Now(), time.Now().Add(-time.Second)
			}),
			Want: "Claims DescribeInstances StartInstances Record GetRun Results Slots: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				down(s, a, 1, 1)
				s.Same("problem", s.Held(s.Web).Problem, "")
				s.Same("started first", s.Held(s.Web).Started, time.Now().Add(-time.Second).UTC())
			},
		},
		{
			Name:  "its run goes on: nobody's business",
			Given: func(s *steptest.Stage, in *json.RawMessage) { s.Execute("going-on"); with(by("going-on"))(s, in) },
			Want:  "Claims DescribeExecution Slots: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				down(s, a, 1, 0)
				s.Same("state", s.Cloud.State(s.Web), ec2.Stopped)
			},
		},
		{
			Name:  "Step Functions has forgotten the execution: it has ended long ago",
			Given: with(by("unheard-of")),
			Want:  "Claims DescribeExecution DescribeInstances StartInstances Record Results PutResult Slots: ok",
		},
		{
			Name: "a claim left behind is nobody's, while the rest of its run goes on",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				s.Execute("going-on")
				with(func(c *ledger.Claim) { by("going-on")(c); c.Left = time.Now() })(s, in)
				s.Must(s.Ledger.Kept.PutResult(s.Context(),
					job.Result{Run: steptest.RunName, Source: s.Web, Name: "web", Ending: job.LeftStopped,
						Problem: "the image failed"}))
			},
			Want: "Claims DescribeInstances StartInstances Record GetRun Results PutResult Slots: ok | Claims " +
				"DescribeInstances Waits Results PutResult Slots Free Drop Slots GetRun: ok",
			Between: func(*steptest.Stage) { time.Sleep(5 * time.Minute) },
			Then:    closed("the image failed"),
		},
		{
			Name:  "the stop was sent a moment ago: what a describe says may be older",
			Given: with(func(c *ledger.Claim) { c.StopSent = time.Now().Add(-30 * time.Second) }),
			Want:  "Claims DescribeExecution DescribeInstances Results PutResult Slots: ok",
			Then:  func(s *steptest.Stage, a recovery.Answer) { down(s, a, 1, 1) },
		},
		{
			Name: "still stopping: the next sweep starts it",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Set(s.Web, ec2.Running)
				s.Must(s.StopWeb())
			},
			Want: "Claims DescribeExecution DescribeInstances Results PutResult Slots: ok | Claims DescribeExecution " +
				"DescribeInstances StartInstances Record Results PutResult Slots: ok",
			Between: func(*steptest.Stage) { time.Sleep(5 * time.Minute) },
		},
		{
			Name:  "somebody has started it already",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Set(s.Web, ec2.Running) },
			Want:  "Claims DescribeExecution DescribeInstances Waits Results PutResult Slots Free Drop Slots GetRun: ok",
			Then:  closed("the run ended early; it is running again"),
		},
		{
			Name:  "somebody terminated it",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Set(s.Web, ec2.Terminated) },
			Want:  "Claims DescribeExecution DescribeInstances Waits Results PutResult Slots Free Drop Slots GetRun: ok",
			Then:  terminated,
		},
		{
			Name:  "EC2 does not know it any more",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Set(s.Web, ec2.Terminated); time.Sleep(2 * time.Hour) },
			Want: "Claims DescribeExecution DescribeInstances*2 StartInstances Waits Results PutResult Slots Free Drop " +
				"Slots GetRun: ok",
			Then: terminated,
		},
		{
			Name:  "what was stopped before the run stays stopped",
			Given: with(func(c *ledger.Claim) { c.WasRunning, c.StopSent = false, time.Time{} }),
			Want:  "Claims DescribeExecution DescribeInstances Waits Results PutResult DropUnstopped Slots*2: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				closed("the run ended before its image was done")(s, a)
				s.Same("state", s.Cloud.State(s.Web), ec2.Stopped)
			},
		},
		{
			Name:  "the run ended before it sent a stop: who stopped it was somebody else",
			Given: with(func(c *ledger.Claim) { c.StopSent = time.Time{} }),
			Want:  "Claims DescribeExecution DescribeInstances Waits Results PutResult DropUnstopped Slots*2: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				closed("the run ended before its image was done")(s, a)
				s.Same("state", s.Cloud.State(s.Web), ec2.Stopped)
			},
		},
		{
			Name: "its job has written its result and could not drop the claim: the result stands",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Set(s.Web, ec2.Running)
				s.Must(s.Ledger.Kept.PutResult(s.Context(),
					job.Result{Run: steptest.RunName, Source: s.Web, Name: "web", Ending: job.Imaged}))
			},
			Want: "Claims DescribeExecution DescribeInstances Waits Results Slots Free Drop Slots: ok",
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				s.Same("result", s.Results(steptest.RunName)[0].Ending, job.Imaged)
			},
		},
		{
			Name: "nothing is claimed",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
			},
			Want: "Claims Slots: ok",
		},
	})
}

// by makes a claim the work of another execution.
func by(execution string) func(*ledger.Claim) {
	return func(c *ledger.Claim) { c.Execution = executionARN + execution }
}

// wakeSlowly lets a second pass first, so that the instance is seen pending, and then minutes.
func wakeSlowly() func(*steptest.Stage) {
	pause := time.Second
	return func(*steptest.Stage) {
		time.Sleep(pause)
		pause = 5 * time.Minute
	}
}

// What stands in the way of one claim does not stand in the way of the others.
func TestSweepFails(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "EC2 has no room: said, and tried again by every sweep",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Nth: []int{1}, Code: "InsufficientInstanceCapacity"})
			},
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Slots: ok | Claims DescribeExecution " +
				"DescribeInstances StartInstances Record Results PutResult Slots: ok",
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				s.Same("logged", strings.Contains(s.Logs.String(), "an instance is down and cannot be started"), true)
			},
		},
		{
			Name: "a dozen instances without room do not keep the last one down",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				for range 12 {
					id := s.Launch("more", nil)
					left(s, id, "more")
					s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Resource: id, Code: "InsufficientInstanceCapacity"})
				}
				last := s.Launch("last", nil)
				left(s, last, "last")
				time.Sleep(10 * time.Minute)
			},
			Want: "Claims DescribeExecution DescribeInstances DescribeExecution DescribeInstances StartInstances Record " +
				"DescribeExecution DescribeInstances StartInstances Record DescribeExecution DescribeInstances StartInstances " +
				"Record Results PutResult DescribeExecution DescribeInstances StartInstances Record DescribeExecution " +
				"DescribeInstances StartInstances Record DescribeExecution DescribeInstances StartInstances Record " +
				"DescribeExecution DescribeInstances StartInstances Record DescribeExecution DescribeInstances StartInstances " +
				"DescribeExecution Record DescribeInstances DescribeExecution DescribeInstances StartInstances Record " +
				"DescribeExecution DescribeInstances StartInstances Record Results PutResult DescribeExecution " +
				"DescribeInstances StartInstances Record DescribeExecution DescribeInstances StartInstances Record " +
				"StartInstances Record StartInstances Record Slots: ok",
			Unordered: true,
		},
		{
			Name: "Step Functions cannot say: not touched",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Refuse("DescribeExecution", "ThrottlingException", steptest.Attempts)
			},
			Want: "Claims DescribeExecution*6 Slots: Transient | Claims DescribeExecution DescribeInstances StartInstances " +
				"Record Results PutResult Slots: ok",
		},
		{
			Name: "EC2 cannot be asked: not touched",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Nth: []int{1, 2, 3, 4, 5, 6}, Code: "Unavailable"})
			},
			Want: "Claims DescribeExecution DescribeInstances*6 Slots: Transient | Claims DescribeExecution " +
				"DescribeInstances StartInstances Record Results PutResult Slots: ok",
		},
		{
			Name: "EC2 cannot be asked for long: started without a look, sure of it with one start more, and believed when " +
				"it is seen running",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				with(func(c *ledger.Claim) { c.StopSent = time.Now().Add(-20 * time.Minute) })(s, in)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Nth: []int{1, 2, 3}, Code: "UnauthorizedOperation"})
			},
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Slots: Failed | " +
				"Claims DescribeExecution DescribeInstances StartInstances Record Slots: Failed | " +
				"Claims DescribeExecution DescribeInstances Slots: Failed | " +
				"Claims DescribeExecution DescribeInstances Waits Results PutResult Slots Free Drop Slots GetRun: ok",
			Between: func(*steptest.Stage) { time.Sleep(5 * time.Minute) },
			Then:    closed("the run ended early; it is running again"),
		},
		{
			Name:  "EC2 cannot be asked, and the job's start was accepted: what a person stopped since stays so",
			Given: unseen(true),
			Want:  "Claims DescribeInstances Results Slots: Failed",
		},
		{
			Name:  "EC2 cannot be asked, and the job's starts were refused: started without a look, and once more",
			Given: unseen(false),
			Want: "Claims DescribeInstances Results StartInstances Record Slots: Failed | " +
				"Claims DescribeInstances StartInstances Record Slots: Failed | Claims DescribeInstances Slots: Failed",
			Between: func(*steptest.Stage) { time.Sleep(5 * time.Minute) },
		},
		{
			Name:  "the claims cannot be read",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Ledger.Break("Claims", 1) },
			Want:  "Claims: Transient",
			Says:  []string{"reading the claims"},
		},
		{
			Name:  "the start cannot be recorded: the next sweep goes on from what EC2 says",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Ledger.Break("Record", 1) },
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Slots: Transient | Claims " +
				"DescribeExecution DescribeInstances Waits Results PutResult Slots Free Drop Slots GetRun: ok",
			Between: func(*steptest.Stage) { time.Sleep(5 * time.Minute) },
			Then:    closed("the run ended early; it is running again"),
		},
		{
			Name:  "the claim cannot be dropped: dropped by the next sweep",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Set(s.Web, ec2.Running); s.Ledger.Break("Drop", 1) },
			Want: "Claims DescribeExecution DescribeInstances Waits Results PutResult Slots Free Drop Slots: Transient | " +
				"Claims DescribeExecution DescribeInstances Waits Results Slots Free Drop Slots: ok",
			Then: closed("the run ended early; it is running again"),
		},
	})
}

// unseen is a source that its job could not bring back, whose last start was accepted or not, and of which EC2
// says nothing.
func unseen(accepted bool) func(*steptest.Stage, *json.RawMessage) {
	return func(s *steptest.Stage, in *json.RawMessage) {
		s.Helper()
		with(func(c *ledger.Claim) {
			c.StopSent, c.Left = time.Now().Add(-20*time.Minute), time.Now()
			result := job.Result{Run: c.Run, Source: c.Source, Plan: c.Plan, Ending: job.LeftStopped}
			if accepted {
				result.Times.StartSent = c.StopSent.Add(time.Minute)
			}
			s.Must(s.Ledger.Kept.PutResult(s.Context(), result))
		})(s, in)
		s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation"})
	}
}
