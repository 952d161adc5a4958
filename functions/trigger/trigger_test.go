package trigger_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/trigger"
	"goldsmith/local/sfn"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/runs"
	"goldsmith/test/steptest"
)

// scene is a schedule that fired, in an account with plans nightly and weekly.
func scene(s *steptest.Stage) (handler.Func[json.RawMessage, trigger.Answer], json.RawMessage) {
	weekly := s.Plan
	weekly.Name, weekly.Window = "weekly", plan.Duration(time.Hour)
	plans := plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": s.Plan, "weekly": weekly}}
	return trigger.Step{
		Starter: runs.Starter{Executions: s.SFN, Plans: plans, Machine: steptest.Machine},
		Ledger:  s.Ledger, SFN: s.SFN, Home: steptest.Home, Now: time.Now,
	}.Handle, s.Sample("schedule")
}

type (
	raw   = json.RawMessage
	cases = []steptest.Case[raw, trigger.Answer]
)

// executions is where the ARNs of runs begin.
const executions = "arn:aws:states:eu-central-1:123456789012:execution:goldsmith:"

func event(name string) func(*steptest.Stage, *json.RawMessage) {
	return func(s *steptest.Stage, in *json.RawMessage) { *in = s.Sample(name) }
}

func text(event string) func(*steptest.Stage, *json.RawMessage) {
	return func(_ *steptest.Stage, in *json.RawMessage) { *in = json.RawMessage(event) }
}

// started checks that this one run was started, and hands its input on.
func started(name string, check func(s *steptest.Stage, p job.Batch)) func(*steptest.Stage, trigger.Answer) {
	return func(s *steptest.Stage, a trigger.Answer) {
		s.Helper()
		s.Same("answer", []string{a.Run, a.Execution, a.Ignored}, []string{name, executions + name, ""})
		s.Same("executions", len(s.States.List(sfn.Filter{})), 1)
		out, err := s.SFN.DescribeExecution(s.Context(), &sdk.DescribeExecutionInput{ExecutionArn: aws.String(a.Execution)})
		s.Must(err)
		var p job.Batch
		s.Must(json.Unmarshal([]byte(aws.ToString(out.Input)), &p))
		s.Same("run", []string{p.Run.Name, p.Execution}, []string{name, a.Execution})
		if check != nil {
			check(s, p)
		}
	}
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTriggerSchedule(t *testing.T) {
	const run = "nightly-20260322T020000Z"
	steptest.Play(t, scene, cases{
		{
			Name: "a schedule fired: one run, named after the plan and the time it was due",
			Want: "StartExecution: ok",
			Then: started(run, func(s *steptest.Stage, p job.Batch) {
				s.Same("page", p, job.Batch{
					Run: job.Run{
						Name: run, Plan: "nightly", Scheduled: at("2026-03-22T02:00:00Z"), Closes: at("2026-03-22T06:00:00Z"),
						Since: at("2026-03-22T02:00:00Z"),
					},
					Plan:    s.Plan,
					Sources: []job.Source{}, Execution: executions + run,
				})
				s.Same("counted", strings.Count(s.Logs.String(), `"RunsStarted":1`), 1)
			}),
		},
		{
			Name:    "delivered twice, the second late: the same run",
			Want:    "StartExecution: ok | StartExecution: ok",
			Between: func(*steptest.Stage) { time.Sleep(10 * time.Minute) },
			Then:    started(run, nil),
		},
		{
			Name:    "delivered again after the run has ended: no second one",
			Want:    "StartExecution: ok | StartExecution: ok",
			Between: func(s *steptest.Stage) { s.Abort(executions + run) },
			Then: func(s *steptest.Stage, a trigger.Answer) {
				s.Same("repeated", a.Repeated, true)
				started(run, nil)(s, a)
				s.Same("counted", strings.Count(s.Logs.String(), `"RunsStarted":1`), 1)
			},
		},
		{
			Name:  "the answer is lost on its way: the same run",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.LoseAnswers("StartExecution", 1) },
			Want:  "StartExecution*2: ok",
			Then:  started(run, nil),
		},
		{
			Name: "Step Functions is busy: the event is tried again",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Refuse("StartExecution", "ThrottlingException", steptest.Attempts)
			},
			Want: "StartExecution*6: Transient | StartExecution: ok",
			Then: started(run, nil),
		},
		{
			Name:  "the state machine was deleted",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Refuse("StartExecution", "StateMachineDoesNotExist", 1) },
			Want:  "StartExecution: Failed",
			Says:  []string{"starting run " + run},
		},
		{
			Name:  "the window is the plan's own",
			Given: text(`{"goldsmith":"schedule","version":"1","plan":"weekly","time":"2026-03-22T03:00:00+01:00"}`),
			Want:  "StartExecution: ok",
			Then: started("weekly-20260322T020000Z", func(s *steptest.Stage, p job.Batch) {
				s.Same("closes", p.Run.Closes, at("2026-03-22T03:00:00Z"))
			}),
		},
		{
			Name:    "its plan was removed, the schedule was not",
			Given:   text(`{"goldsmith":"schedule","version":"1","plan":"monthly","time":"2026-03-22T02:00:00Z","schedule":"arn:aws:scheduler:eu-central-1:123456789012:schedule/default/goldsmith-monthly"}`),
			Want:    ": Failed",
			Message: `schedule arn:aws:scheduler:eu-central-1:123456789012:schedule/default/goldsmith-monthly: there is no plan "monthly"; there are: nightly, weekly. Deploy the suite again, so that schedules and plans agree.`,
		},
	})
}

// The machine may be named by its alias or a version, its executions never are.
func TestTriggerQualified(t *testing.T) {
	for _, qualifier := range []string{"live", "1"} {
		qualified := func(s *steptest.Stage) (handler.Func[json.RawMessage, trigger.Answer], json.RawMessage) {
			plans := plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": s.Plan}}
			return trigger.Step{
				Starter: runs.Starter{Executions: s.SFN, Plans: plans, Machine: steptest.Machine + ":" + qualifier},
				Ledger:  s.Ledger, SFN: s.SFN, Home: steptest.Home, Now: time.Now,
			}.Handle, s.Sample("schedule")
		}
		steptest.Play(t, qualified, cases{{Name: qualifier, Want: "StartExecution: ok",
			Then: started("nightly-20260322T020000Z", nil)}})
	}
}

func TestTriggerTag(t *testing.T) {
	const run = "request-i-0a1b2c3d4e5f60718-v4"
	request := func(value string) job.Request {
		return job.Request{Source: "i-0a1b2c3d4e5f60718", Kind: job.Instance, Value: value}
	}
	tagged := func(s *steptest.Stage) (handler.Func[json.RawMessage, trigger.Answer], json.RawMessage) {
		step, _ := scene(s)
		return step, s.Sample("tag-request-plan")
	}
	valued := func(value string) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, in *json.RawMessage) {
			*in = json.RawMessage(strings.ReplaceAll(string(s.Sample("tag-request-plan")), `"goldsmith:image": "nightly"`,
				`"goldsmith:image": "`+value+`"`))
		}
	}
	wrong := func(value, problem string) func(*steptest.Stage, trigger.Answer) {
		return started(run, func(s *steptest.Stage, p job.Batch) {
			s.Same("problem", p.Problem, problem)
			s.Same("request", *p.Run.Request, request(value))
			s.Same("told as plan", []string{p.Run.Plan, p.Plan.Name}, []string{"nightly", "nightly"})
		})
	}
	steptest.Play(t, tagged, cases{
		{
			Name: "the tag names a plan: one run for this instance, named after the change",
			Want: "GetRequest PutRequest StartExecution: ok",
			Then: started(run, func(s *steptest.Stage, p job.Batch) {
				s.Same("page", p, job.Batch{
					Run: job.Run{
						Name: run, Plan: "nightly", Scheduled: at("2026-03-22T02:00:07Z"), Closes: at("2026-03-22T06:00:07Z"),
						Request: new(request("nightly")),
					},
					Plan:    s.Plan,
					Sources: []job.Source{}, Execution: executions + run,
				})
			}),
		},
		{Name: "delivered twice: the same run",
			Want: "GetRequest PutRequest StartExecution: ok | GetRequest StartExecution: ok", Then: started(run, nil)},
		{
			Name: "now is the default plan", Given: event("tag-request-now"), Want: "GetRequest PutRequest StartExecution: ok",
			Then: started("request-i-0a1b2c3d4e5f60718-v5", func(s *steptest.Stage, p job.Batch) {
				s.Same("plan", []string{p.Run.Plan, p.Run.Request.Value, p.Problem}, []string{"nightly", "now", ""})
			}),
		},
		{
			Name: "no value is the default plan", Given: valued(""), Want: "GetRequest PutRequest StartExecution: ok",
			Then: started(run, func(s *steptest.Stage, p job.Batch) {
				s.Same("plan", []string{p.Run.Plan, p.Problem}, []string{"nightly", ""})
			}),
		},
		{
			Name: "on a snapshot", Given: event("tag-request-snapshot"), Want: "GetRequest PutRequest StartExecution: ok",
			Then: started("request-snap-0c1d2e3f4a5b60718-v1", func(s *steptest.Stage, p job.Batch) {
				s.Same("kind", p.Run.Request.Kind, job.Snapshot)
			}),
		},
		{
			Name: "a plan that does not exist: a run that only says so", Given: valued("nightli"),
			Want: "GetRequest PutRequest StartExecution: ok",
			Then: wrong("nightli",
				`Tag goldsmith:image=nightli on i-0a1b2c3d4e5f60718: there is no plan "nightli"; there are: nightly, weekly. Put the tag on again with one of them, or with "now"`),
		},
		{
			Name: "a plan in capitals is another plan", Given: valued("Nightly"),
			Want: "GetRequest PutRequest StartExecution: ok",
			Then: wrong("Nightly",
				`Tag goldsmith:image=Nightly on i-0a1b2c3d4e5f60718: there is no plan "Nightly"; there are: nightly, weekly. Put the tag on again with one of them, or with "now"`),
		},
		{
			Name: "yes is no plan", Given: valued("yes"), Want: "GetRequest PutRequest StartExecution: ok",
			Then: wrong("yes",
				`Tag goldsmith:image=yes on i-0a1b2c3d4e5f60718: there is no plan "yes"; there are: nightly, weekly. Put the tag on again with one of them, or with "now"`),
		},
		{
			Name: "a space too many", Given: valued("nightly "), Want: "GetRequest PutRequest StartExecution: ok",
			Then: wrong("nightly ",
				`Tag goldsmith:image=nightly  on i-0a1b2c3d4e5f60718: there is no plan "nightly "; there are: nightly, weekly. Put the tag on again with one of them, or with "now"`),
		},
	})
}
