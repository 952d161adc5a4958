package recovery_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// Runs that ended before the table was lost were told then. What fails afterwards is told once, also
// without a record.
func TestTheTableWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		for _, name := range []string{"nightly-20000101T003000Z", "request-i-0123456789abcdef0-v1"} {
			arn, _ := s.Execute(name)
			s.Abort(arn)
		}
		lost, _ := s.Execute("nightly-20000101T013000Z")
		time.Sleep(time.Hour)
		memory := ledger.NewMemory()
		notifier := s.Notifier()
		runs := executions.Runs{Executions: s.SFN, Ledger: memory, Notifier: notifier, Plans: nightlyOf(s),
			Machine: steptest.Machine,
			Now:     time.Now}
		sweep := func() {
			s.Helper()
			recent, err := runs.Recent(s.Context())
			s.Must(err)
			s.Must(runs.NotifyOfEnded(s.Context(), recent))
		}
		sweep()
		s.Same("messages after the loss", len(s.Slack.Messages()), 0)
		s.Abort(lost)
		time.Sleep(time.Hour)
		for range 2 {
			sweep()
		}
		s.Same("messages", len(s.Slack.Messages()), 1)
		all, err := s.SFN.ListExecutions(s.Context(), &sfn.ListExecutionsInput{StateMachineArn: aws.String(steptest.Machine)})
		s.Must(err)
		s.Same("runs", len(all.Executions), 3)
	})
}
