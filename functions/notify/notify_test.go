package notify_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"goldsmith/functions/notify"
	"goldsmith/local/slack"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// scene is the end of a run that imaged one source.
func scene(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
	s.Must(s.Ledger.Kept.PutRun(s.Context(), ledger.Run{Name: steptest.RunName, Plan: "nightly", Started: time.Now()}))
	ends(s, "web", job.Imaged)
	p := job.Batch{Run: s.Run(), Plan: s.Plan,
		Execution: "arn:aws:states:eu-central-1:123456789012:execution:goldsmith:" + steptest.RunName}
	p.Sources = []job.Source{{ID: s.Web, Kind: job.Instance}}
	time.Sleep(time.Hour)
	return notify.Step{Notifier: s.Notifier()}.Handle, p
}

func ends(s *steptest.Stage, name string, how job.Ending) {
	s.Helper()
	r := job.Result{Run: steptest.RunName, Source: "i-of-" + name, Kind: job.Instance, Name: name, Plan: "nightly",
		Ending: how, At: time.Now()}
	switch how {
	case job.Imaged:
		r.Image.ID = "ami-0abcdef1234567890"
	case job.Skipped:
		r.Skip = &job.Reason{Code: job.StopProtected, Text: "stop protection is on"}
	case job.Broken, job.LeftStopped:
		r.Problem = "the image failed"
	}
	s.Must(s.Ledger.Kept.PutResult(s.Context(), r))
}

type cases = []steptest.Case[job.Batch, job.Batch]

const (
	adds  = "GetRun Results Claims PutRun Notifying"
	tells = adds + " GetSecretValue Notified"
)

// told checks the run's outcome, and how many messages say all of the parts.
func told(outcome plan.Outcome, messages int, parts ...string) func(*steptest.Stage, job.Batch) {
	return func(s *steptest.Stage, p job.Batch) {
		s.Helper()
		s.Same("outcome", p.Outcome, outcome)
		run, _, err := s.Ledger.Kept.GetRun(s.Context(), steptest.RunName)
		s.Must(err)
		s.Same("recorded", []any{run.Outcome, run.Ended.IsZero()}, []any{string(outcome), false})
		s.Same("messages", len(s.Slack.Messages()), messages)
		s.Same("refused", len(s.Slack.Refused()), 0)
		for _, m := range s.Slack.Messages() {
			for _, part := range parts {
				if text := m.Terminal(false); !strings.Contains(text, part) {
					s.Errorf("the message does not say %q:\n%s", part, text)
				}
			}
		}
	}
}

func TestNotify(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "all went well: told once, and the page carries nothing on",
			Want: tells + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				told(plan.OK, 1, "nightly", "web", "ami-0abcdef1234567890")(s, p)
				s.Same("sources", len(p.Sources), 0)
			},
		},
		{
			Name: "told once, however often the step runs",
			Want: tells + ": ok | GetRun: ok",
			Then: told(plan.OK, 1),
		},
		{
			Name:  "the mark that it was told is lost: not told twice",
			Given: func(s *steptest.Stage, _ *job.Batch) { s.Ledger.Lose("Notified", 1) },
			Want:  tells + ": Transient | GetRun: ok",
			Then:  told(plan.OK, 1),
		},
		{
			Name:    "nobody marked that it was told: not told again at once, and recover sees to it",
			Given:   func(s *steptest.Stage, _ *job.Batch) { s.Ledger.Break("Notified", 1) },
			Want:    tells + ": Transient | " + adds + ": ok",
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then:    told(plan.OK, 1),
		},
		{
			Name:  "one failed",
			Given: func(s *steptest.Stage, _ *job.Batch) { ends(s, "db", job.Broken) },
			Want:  tells + ": ok",
			Then:  told(plan.Partial, 1, "db", "the image failed"),
		},
		{
			Name:  "one is still down",
			Given: func(s *steptest.Stage, _ *job.Batch) { ends(s, "db", job.LeftStopped) },
			Want:  tells + ": ok",
			Then:  told(plan.Partial, 1, "db"),
		},
		{
			Name:  "one was skipped, as was to be expected",
			Given: func(s *steptest.Stage, _ *job.Batch) { ends(s, "db", job.Skipped) },
			Want:  tells + ": ok",
			Then:  told(plan.OK, 1, "db", "stop protection is on"),
		},
		{
			Name: "the run itself broke",
			Given: func(_ *steptest.Stage, p *job.Batch) {
				p.Failure = &job.Failure{Error: "Failed",
					Cause: `{"errorMessage":"plan nightly selects 3 sources, its limit is 2 (2). Nothing was touched.","errorType":"Failed"}`}
			},
			Want: tells + ": ok",
			Then: told(plan.Failed, 1, "plan nightly selects 3 sources, its limit is 2 (2). Nothing was touched."),
		},
		{
			Name:  "the plan does not want to hear of what went well",
			Given: func(_ *steptest.Stage, p *job.Batch) { p.Plan.Notify.On = []plan.Outcome{plan.Failed} },
			Want:  adds + " Notified: ok",
			Then:  told(plan.OK, 0),
		},
		{
			Name: "Slack refuses the message: the run does not fail, and it shows",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Slack.Inject(slack.Failure{Status: 400, Code: "invalid_blocks"})
			},
			Want: adds + " GetSecretValue: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				told(plan.OK, 0)(s, p)
				s.Same("counted", strings.Count(s.Logs.String(), `"NotificationsFailed":1`), 1)
			},
		},
		{
			Name:  "the secret cannot be read: the run does not fail",
			Given: func(s *steptest.Stage, _ *job.Batch) { s.Refuse("GetSecretValue", "AccessDeniedException", 1) },
			Want:  adds + " GetSecretValue: ok",
			Then:  told(plan.OK, 0),
		},
		{
			Name:  "the results cannot be read: tried again before anybody is told half",
			Given: func(s *steptest.Stage, _ *job.Batch) { s.Ledger.Break("Results", 1) },
			Want:  "GetRun Results: Transient | " + tells + ": ok",
			Then:  told(plan.OK, 1),
		},
		{
			Name: "an instance whose job was cut off is told by its claim",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Hold(ledger.Claim{Source: s.Web, Name: "shop", Run: steptest.RunName, Plan: "nightly", WasRunning: true,
					Looked: true, StopSent: time.Now()})
			},
			Want: tells + ": ok",
			Then: told(plan.Partial, 1, "shop", "its execution ended before its work was done"),
		},
	})
}

// A message leads to the run's page where its plan says so.
func TestLinks(t *testing.T) {
	linked := func(how plan.Link) func(*steptest.Stage, *job.Batch) {
		return func(_ *steptest.Stage, p *job.Batch) { p.Plan.Notify.Link = how }
	}
	with := func(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
		_, p := scene(s)
		notifier := s.Notifier()
		notifier.Pages = s.Pages()
		return notify.Step{Notifier: notifier}.Handle, p
	}
	// link is where the message leads to.
	link := func(s *steptest.Stage) string {
		s.Helper()
		s.Same("messages", len(s.Slack.Messages()), 1)
		for _, block := range s.Slack.Messages()[0].Blocks {
			for _, text := range block.Elements {
				for _, span := range slices.Concat(text.Spans()...) {
					if span.Text == "Page" {
						return span.URL
					}
				}
			}
		}
		return ""
	}
	key := "runs%2F" + steptest.RunName + ".html"
	steptest.Play(t, with, cases{
		{Name: "no link", Want: tells + ": ok", Then: func(s *steptest.Stage, _ job.Batch) { s.Same("link", link(s), "") }},
		{
			Name: "by the console", Given: linked(plan.Console), Want: tells + ": ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("link", link(s), "https://eu-central-1.console.aws.amazon.com/s3/object/goldsmith-pages?region=eu-central-1"+
					"&prefix="+key)
			},
		},
		{
			Name: "presigned: for everybody who has it, until it expires", Given: linked(plan.Presigned), Want: tells + ": ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Must(s.Pages().Put(s.Context(), steptest.RunName, []byte("the page")))
				status, text := s.Get(link(s))
				s.Same("opened", []any{status, text}, []any{200, "the page"})
				time.Sleep(7*24*time.Hour + time.Minute)
				status, text = s.Get(link(s))
				s.Same("later", []any{status, strings.Contains(text, "expired")}, []any{403, true})
				s.Same("logged", strings.Contains(s.Logs.String(), "X-Amz-Signature"), false)
			},
		},
	})
}
