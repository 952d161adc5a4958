package trigger_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"goldsmith/functions/trigger"
	"goldsmith/local/sfn"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/runs"
	"goldsmith/test/steptest"
)

// A person, or the command line, asks for a run now.
func TestTriggerNow(t *testing.T) {
	asked := func(s *steptest.Stage) (handler.Func[json.RawMessage, trigger.Answer], json.RawMessage) {
		step, _ := scene(s)
		return step, s.Sample("run-now-source")
	}
	const run = "nightly-now-4d6f1c52-9d0e-4f5b-8f0a-1a2b3c4d5e6f"
	long := strings.Repeat("x", 32)
	plans := func(s *steptest.Stage) plan.Plans {
		return plan.Plans{Default: long, Plans: map[string]plan.Plan{long: s.Plan}}
	}
	steptest.Play(t, asked, cases{
		{
			Name: "one source, named after the request's id; the window opens now",
			Want: "StartExecution: ok",
			Then: started(run, func(s *steptest.Stage, p job.Batch) {
				s.Same("run", p.Run, job.Run{
					Name: run, Plan: "nightly", Scheduled: at("2026-03-22T14:05:09Z"), Closes: at("2026-03-22T18:05:09Z"),
					Request: &job.Request{Source: "i-0a1b2c3d4e5f60718", Kind: job.Instance, By: "arn:aws:iam::123456789012:user/jo"},
				})
			}),
		},
		{Name: "sent twice under one id: the same run", Want: "StartExecution: ok | StartExecution: ok",
			Then: started(run, nil)},
		{
			Name:  "a snapshot",
			Given: text(`{"goldsmith":"run","version":"1","plan":"nightly","source":"snap-0c1d2e3f4a5b60718","id":"1"}`),
			Want:  "StartExecution: ok",
			Then: started("nightly-now-1", func(s *steptest.Stage, p job.Batch) {
				s.Same("request", *p.Run.Request, job.Request{Source: "snap-0c1d2e3f4a5b60718", Kind: job.Snapshot})
			}),
		},
		{
			Name:    "the whole plan, without an id: Lambda's own request id makes it happen once",
			Given:   event("run-now"),
			Want:    "StartExecution: ok | StartExecution: ok",
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then: func(s *steptest.Stage, a trigger.Answer) {
				s.Same("repeated", a.Repeated, true)
				started("nightly-now-00000000-0000-4000-8000-000000000001", func(s *steptest.Stage, p job.Batch) {
					s.Same("request", *p.Run.Request, job.Request{})
					s.Same("opens", p.Run.Scheduled, at("2000-01-01T00:00:00Z"))
				})(s, a)
			},
		},
		{
			Name:  "now is the default plan",
			Given: text(`{"goldsmith":"run","version":"1","plan":"now","id":"1"}`),
			Want:  "StartExecution: ok",
			Then:  started("nightly-now-1", nil),
		},
		{
			Name:    "a plan that does not exist",
			Given:   text(`{"goldsmith":"run","version":"1","plan":"monthly"}`),
			Want:    ": Failed",
			Message: `there is no plan "monthly"; there are: nightly, weekly. Nothing was started.`,
		},
	})
	t.Run("names longer than 80 characters", func(t *testing.T) {
		named := func(s *steptest.Stage) (handler.Func[json.RawMessage, trigger.Answer], json.RawMessage) {
			s.Plan.Name = long
			return trigger.Step{
				Starter: runs.Starter{Executions: s.SFN, Plans: plans(s), Machine: steptest.Machine},
				Ledger:  s.Ledger, SFN: s.SFN, Home: steptest.Home, Now: time.Now,
			}.Handle, nil
		}
		asks := func(id string) func(*steptest.Stage, *json.RawMessage) {
			return text(`{"goldsmith":"run","version":"1","plan":"` + long + `","id":"` + id + `"}`)
		}
		fits := func(s *steptest.Stage, a trigger.Answer) {
			s.Same("length", len(a.Run), 80)
			s.Same("executions", len(s.States.List(sfn.Filter{})), 1)
		}
		var first string
		steptest.Play(t, named, cases{
			{
				Name: "are cut to fit", Given: asks(strings.Repeat("a", 64)), Want: "StartExecution: ok | StartExecution: ok",
				Then: func(s *steptest.Stage, a trigger.Answer) { fits(s, a); first = a.Run },
			},
			{
				Name: "and still differ when the end does", Given: asks(strings.Repeat("a", 63) + "b"), Want: "StartExecution: ok",
				Then: func(s *steptest.Stage, a trigger.Answer) { fits(s, a); s.Same("the same name", a.Run == first, false) },
			},
			{
				Name: "80 characters are left as they are", Given: asks(strings.Repeat("a", 43)), Want: "StartExecution: ok",
				Then: func(s *steptest.Stage, a trigger.Answer) { s.Same("name", a.Run, long+"-now-"+strings.Repeat("a", 43)) },
			},
		})
	})
}
