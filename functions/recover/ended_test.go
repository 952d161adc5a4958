package recovery_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// Executions that end otherwise than well.
func TestExecutionEnded(t *testing.T) {
	const run = "nightly-20260322T020000Z"
	failed := func(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
		step, _ := whole(s)
		s.Must(s.Ledger.Kept.PutRun(s.Context(),
			ledger.Run{Name: run, Plan: "nightly", Execution: executionARN + run, Started: time.Now()}))
		return step, s.Sample("execution-aborted")
	}
	event := func(name string) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, in *json.RawMessage) { *in = s.Sample(name) }
	}
	said := func(messages int, parts ...string) func(*steptest.Stage, recovery.Answer) {
		return func(s *steptest.Stage, _ recovery.Answer) {
			s.Helper()
			s.Same("messages", len(s.Slack.Messages()), messages)
			for _, part := range parts {
				if text := s.Slack.Messages()[0].Terminal(false); !strings.Contains(text, part) {
					s.Errorf("the message does not say %q:\n%s", part, text)
				}
			}
		}
	}
	const tells = " Slots DescribeInstances GetRun*2 Results Claims PutRun Notifying GetSecretValue Notified: ok"
	steptest.Play(t, failed, cases{
		{
			Name: "aborted by a person: what it left stopped is started, and people are told",
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Results PutResult Slots " +
				"DescribeInstances GetRun*2 Results Claims PutRun Notifying GetSecretValue Notified: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				down(s, a, 1, 1)
				said(1, "The execution ended as ABORTED before the run was done", "nightly")(s, a)
			},
		},
		{Name: "failed", Given: event("execution-failed"), Want: looks + starts + tells, Then: said(1, "ended as FAILED")},
		{Name: "timed out", Given: event("execution-timed-out"), Want: looks + starts + tells,
			Then: said(1, "ended as TIMED_OUT")},
		{
			Name: "delivered twice: told once", Want: looks + starts + tells +
				" | Claims DescribeInstances Slots DescribeInstances GetRun: ok",
			Then: said(1),
		},
		{
			Name: "the run told of itself before: not told again",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				_, err := s.Ledger.Kept.Notified(s.Context(), run, time.Now())
				s.Must(err)
			},
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Results PutResult Slots " +
				"DescribeInstances GetRun: ok", Then: said(0),
		},
		{
			Name: "it broke before it was opened in the ledger: told all the same",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				*in = json.RawMessage(strings.ReplaceAll(string(*in), run, "nightly-20260323T020000Z"))
			},
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Results PutResult Slots " +
				"DescribeInstances GetRun DescribeExecution GetRun Results Claims PutRun Notifying GetSecretValue Notified: ok",
			Then: said(1, "ended as ABORTED"),
		},
		{
			Name: "one source's child was aborted: swept, and told by its run", Given: event("execution-child-aborted"),
			Want: looks + starts + " Slots DescribeInstances: ok", Then: said(0),
		},
		{
			Name:  "the claims cannot be read: people are told all the same",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Ledger.Break("Claims", 1) },
			Want:  "Claims DescribeInstances GetRun*2 Results Claims PutRun Notifying GetSecretValue Notified: Transient",
			Says:  []string{"reading the claims"},
			Then:  said(1),
		},
		{
			Name: "an instance cannot be started: people are told all the same",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "InsufficientInstanceCapacity"})
			},
			Want: "Claims DescribeExecution DescribeInstances StartInstances Record Slots DescribeInstances GetRun*2 Results " +
				"Claims PutRun Notifying GetSecretValue Notified: ok", Then: said(1),
		},
	})
}

// What is nothing to recover from.
func TestIgnored(t *testing.T) {
	var table cases
	for sample, why := range map[string]string{
		"execution-succeeded": "execution " + executionARN + "nightly-20260322T020000Z leaves nothing behind",
		"execution-foreign": "execution " +
			"arn:aws:states:eu-central-1:123456789012:execution:goldsmith-billing:nightly-20260322T020000Z leaves nothing " +
			"behind",
		"execution-running": "event.Ignored is nothing to recover from",
		"instance-stopped":  "event.InstanceChanged is nothing to recover from",
		"schedule":          "event.Scheduled is nothing to recover from",
	} {
		table = append(table, steptest.Case[json.RawMessage, recovery.Answer]{
			Name: sample, Want: ": ok",
			Given: func(s *steptest.Stage, in *json.RawMessage) { *in = s.Sample(sample) },
			Then:  func(s *steptest.Stage, a recovery.Answer) { s.Same("answer", a, recovery.Answer{Ignored: why}) },
		})
	}
	table = append(table, steptest.Case[json.RawMessage, recovery.Answer]{
		Name: "an event that is none", Want: ": Failed",
		Given:   func(_ *steptest.Stage, in *json.RawMessage) { *in = json.RawMessage(`{"goldsmith":"sweep"}`) },
		Message: `goldsmith event "sweep": version: missing, want "1"`,
	})
	steptest.Play(t, whole, table)
}
