package hook_test

import (
	"testing"
	"time"

	"goldsmith/functions/hook"
	"goldsmith/local/ssm"
	"goldsmith/shared/handler"
	running "goldsmith/shared/hook"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

type cases = []steptest.Case[hook.Input, job.Job]

// before is a job whose command before is due.
func before(s *steptest.Stage) (handler.Func[hook.Input, job.Job], hook.Input) {
	s.Plan.Hooks = plan.Hooks{Before: "freeze", After: "thaw", Timeout: plan.Duration(time.Minute)}
	plans := plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": s.Plan}}
	step := hook.Step{
		Runner: running.Runner{EC2: s.EC2, SSM: s.SSM, Plans: plans, Claims: s.Ledger, Now: time.Now}, Claims: s.Ledger,
		Now: time.Now,
	}
	s.Plan = s.Plan.AsInput()
	j := s.Job()
	j.Hook = job.Hook{Before: true, Due: true}
	return step.Handle, hook.Input{Job: j, Do: hook.Before}
}

// after is a job whose command after is due.
func after(s *steptest.Stage) (handler.Func[hook.Input, job.Job], hook.Input) {
	step, in := before(s)
	_, _ = step(s.Context(), in)
	time.Sleep(15 * time.Second)
	j, err := step(s.Context(), in)
	s.Must(err)
	return step, hook.Input{Job: j, Do: hook.After}
}

// frozen is a job whose data stands still, and of which every volume has a snapshot.
func frozen(s *steptest.Stage) (handler.Func[hook.Input, job.Job], hook.Input) {
	s.Plan.Consistency = plan.Frozen
	plans := plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": s.Plan}}
	step := hook.Step{
		Runner: running.Runner{EC2: s.EC2, SSM: s.SSM, Plans: plans, Claims: s.Ledger, Now: time.Now}, Claims: s.Ledger,
		Now: time.Now,
	}
	j := s.Job()
	j.Decision, j.Hook = job.ImageNow, job.Hook{Before: true, Due: true}
	began := time.Now().UTC()
	_, _ = step.Handle(s.Context(), hook.Input{Job: j, Do: hook.Before})
	time.Sleep(4 * time.Second)
	j, err := step.Handle(s.Context(), hook.Input{Job: j, Do: hook.Before})
	s.Must(err)
	s.Same("hook", j.Hook, job.Hook{After: true, Due: true, Until: began.Add(time.Minute)})
	time.Sleep(4 * time.Second)
	j.Times.Snapshotted = time.Now().UTC()
	return step.Handle, hook.Input{Job: j, Do: hook.After}
}

// ends has each command end so.
func ends(ran ssm.Ran) func(*steptest.Stage, *hook.Input) {
	return func(s *steptest.Stage, _ *hook.Input) {
		s.Parameters.OnCommand(func(_, _ string) ssm.Ran { return ran })
	}
}

const (
	sent  = "Claim Record SendCommand: NotYet"
	looks = "Claim ListCommandInvocations: NotYet"
)

func TestBefore(t *testing.T) {
	soon := func(*steptest.Stage) { time.Sleep(6 * time.Second) }
	steptest.Play(t, before, cases{
		{
			Name: "sent once, after the claim says so, and over once it has ended", Between: soon,
			Want: sent + " | " + looks + " | Claim ListCommandInvocations Record: ok | Claim: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("hook", j.Hook, job.Hook{Due: true})
				s.Same("command", s.Parameters.Invocations()[0].Command, "freeze")
				s.Same("due", s.Held(s.Web).Hook.Due(), true)
			},
		},
		{
			Name:  "of what is not stopped the one after is due at once",
			Given: func(_ *steptest.Stage, in *hook.Input) { in.Job.Decision = job.ImageNow }, Between: soon,
			Want: sent + " | " + looks + " | Claim ListCommandInvocations Record: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("hook", j.Hook, job.Hook{After: true, Due: true}) },
		},
		{
			Name: "not sent once the window has closed: the next step says so",
			Given: func(_ *steptest.Stage, in *hook.Input) {
				in.Job.Run.Closes = time.Now().Add(-time.Second)
			},
			Want: "Claim: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("hook", j.Hook, job.Hook{}) },
		},
		{
			Name:  "not sent, nor the one after due, where another plan of the name was deployed",
			Given: func(_ *steptest.Stage, in *hook.Input) { in.Job.Plan.Hooks.After = "" }, Want: "Claim: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("reason", j.Skip.Code, job.BeforeFailed)
				s.Same("journal", s.Held(s.Web).Hook == nil, true)
			},
		},
		{
			Name: "not sent where the ledger has lost the claim, for it may have been: the one after is due",
			Given: func(s *steptest.Stage, _ *hook.Input) {
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
				time.Sleep(time.Second)
			},
			Want: "Claim Record: Failed", Says: []string{"the ledger does not have its claim any more", "Run the plan again"},
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("due", s.Held(s.Web).Hook.Due(), true) },
		},
		{
			Name:  "taken back where Systems Manager refuses it for certain",
			Given: func(s *steptest.Stage, _ *hook.Input) { s.Refuse("SendCommand", "AccessDeniedException", 1) },
			Want:  "Claim Record SendCommand Record: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.SkipIt)
				s.Same("due", j.Hook.Due, false)
				s.Same("journal", s.Held(s.Web).Hook == nil, true)
			},
		},
		{
			Name:  "nobody knows what it shall do",
			Given: func(_ *steptest.Stage, in *hook.Input) { in.Do = "admire" }, Want: ": Failed",
		},
	})
}

func TestAfter(t *testing.T) {
	steptest.Play(t, after, cases{
		{
			Name: "sent, and over once it has ended", Between: func(*steptest.Stage) { time.Sleep(15 * time.Second) },
			Want: sent + " | Claim ListCommandInvocations Record: ok | Claim: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("hook", j.Hook, job.Hook{})
				s.Same("command", s.Parameters.Invocations()[1].Command, "thaw")
				s.Same("due", s.Held(s.Web).Hook.Due(), false)
			},
		},
		{
			Name: "one that fails has run, and is told", Between: func(*steptest.Stage) { time.Sleep(15 * time.Second) },
			Given: ends(ssm.Ran{Status: "Failed", Code: 2, Output: "busy"}),
			Want:  sent + " | Claim ListCommandInvocations Record: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("warning", j.Warnings[0], job.Reason{Code: job.AfterFailed,
					Text: "hooks.after failed: the command ended as Failed with code 2, having printed: busy"})
			},
		},
		{
			Name:  "sent again where no agent has fetched it",
			Given: func(s *steptest.Stage, _ *hook.Input) { s.Parameters.Deaf(s.Web, true) },
			Between: func(s *steptest.Stage) {
				time.Sleep(3 * time.Minute)
				s.Parameters.Deaf(s.Web, false)
			},
			Want: sent + " | Claim ListCommandInvocations DescribeInstances Record SendCommand: NotYet | " +
				"Claim ListCommandInvocations Record: ok",
			Then: func(s *steptest.Stage, _ job.Job) {
				all := s.Parameters.Invocations()
				s.Same("begun", []bool{all[1].Begun.IsZero(), all[2].Begun.IsZero()}, []bool{true, false})
			},
		},
		{
			Name: "not waited for where it may not be looked at", Want: sent + " | Claim ListCommandInvocations: ok",
			Given: func(s *steptest.Stage, _ *hook.Input) { s.Refuse("ListCommandInvocations", "AccessDeniedException", 9) },
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("hook", j.Hook, job.Hook{Due: true}) },
		},
		{
			Name:    "not waited for without end",
			Given:   func(s *steptest.Stage, _ *hook.Input) { s.Refuse("SendCommand", "InvalidInstanceId", 9) },
			Between: func(*steptest.Stage) { time.Sleep(13 * time.Minute) },
			Want: "Claim Record SendCommand Record DescribeInstances: NotYet | " +
				"Claim Record SendCommand Record DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("hook", j.Hook, job.Hook{Due: true}) },
		},
	})
}

// What is not known to have stood still until each snapshot was seen does not count as frozen.
func TestThaw(t *testing.T) {
	soon := func(*steptest.Stage) { time.Sleep(4 * time.Second) }
	const over = "Claim ListCommandInvocations Record: "
	// says looks at what is told where the plan has it imaged all the same.
	says := func(what string) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) {
			last := j.Warnings[len(j.Warnings)-1]
			s.Same("warning", last, job.Reason{Code: job.BeforeFailed,
				Text: "it may not have stood still for its image: " + what})
		}
	}
	allTheSame := func(in *hook.Input) { in.Job.Plan.Freeze.OnFailure = plan.HookIgnore }
	early := func(s *steptest.Stage, _ *hook.Input) { s.Parameters.LetGo(s.Web) }
	steptest.Play(t, frozen, cases{
		{
			Name: "all stood still", Between: soon, Want: sent + " | " + over + "ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 0) },
		},
		{Name: "something let it go on before", Between: soon, Given: early, Want: sent + " | " + over + "Failed"},
		{
			Name: "something let it go on before, and it is imaged all the same", Between: soon,
			Given: func(s *steptest.Stage, in *hook.Input) { early(s, in); allTheSame(in) },
			Want:  sent + " | " + over + "ok",
			Then: says("the thaw failed: the command ended as Failed with code 1, having printed: it did not all stand still any " +
				"more: something else let it go on before"),
		},
		{
			Name: "the watchdog let it go on once its limit was over", Between: soon, Want: sent + " | " + over + "ok",
			Given: func(*steptest.Stage, *hook.Input) { time.Sleep(time.Minute) },
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 0) },
		},
		{
			Name: "a sweep may have thawed it before its snapshots were begun", Want: "Claim: Failed",
			Given: func(s *steptest.Stage, in *hook.Input) {
				claim := *s.Held(s.Web)
				claim.Hook.Begun = in.Job.Times.Snapshotted.Add(-time.Second)
				claim.Hook.Done = in.Job.Times.Snapshotted
				s.Hold(claim)
			},
		},
		{
			Name: "another run has it", Want: "Claim: Failed",
			Given: func(s *steptest.Stage, _ *hook.Input) {
				claim := *s.Held(s.Web)
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, claim.Run))
				claim.Run, claim.Execution = "weekly-20000101T000000Z", ""
				s.Hold(claim)
			},
		},
		{
			Name: "the ledger has lost its claim", Want: "Claim: Failed",
			Given: func(s *steptest.Stage, _ *hook.Input) {
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
			},
		},
		{
			Name: "the ledger has lost its claim, and it is imaged all the same", Want: "Claim: ok",
			Given: func(s *steptest.Stage, in *hook.Input) {
				allTheSame(in)
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
			},
			Then: says("the ledger does not have its claim any more"),
		},
	})
}
