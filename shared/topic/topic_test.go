package topic_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"pgregory.net/rapid"

	"goldsmith/local/account"
	"goldsmith/local/clock"
	"goldsmith/local/inject"
	"goldsmith/local/query"
	"goldsmith/local/sns"
	"goldsmith/shared/awsclient"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/settings"
	"goldsmith/shared/topic"
)

// begin is the embedded SNS, and a channel to its topic.
func begin() (*sns.Service, topic.Topic) {
	s := sns.New(sns.Options{Clock: clock.Real(), Region: "eu-central-1", Account: "123456789012"})
	arn := s.Create("goldsmith-runs")
	return s, wired(s, arn)
}

func wired(s http.Handler, arn string) topic.Topic {
	return topic.Wire(settings.Settings{
		AWS: aws.Config{
			Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
			BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(s),
			Retryer: func() aws.Retryer { return awsclient.Retryer() },
		},
		Now: time.Now, Values: map[settings.Name]string{settings.Topic: arn},
	})
}

func night(problem string) report.Report {
	scheduled := time.Date(2026, 5, 1, 2, 30, 0, 0, time.UTC)
	return report.Of(ledger.Run{Name: "nightly-1", Plan: "nightly", Scheduled: scheduled, Problem: problem},
		[]job.Result{{Source: "i-1", Name: "wéb", Ending: job.Imaged, Image: job.Image{ID: "ami-1"}}},
		plan.Plan{Name: "nightly"})
}

func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := begin()
		var faults inject.Set
		faults.Inject(inject.Fault{Action: "Publish", Code: "Throttled", Status: http.StatusTooManyRequests, Times: 1})
		channel := wired(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			account.Strike(faults.Strike(inject.Call{Action: account.Operation(r), At: time.Now()}), s, w, r)
		}), s.Create("goldsmith-runs"))
		if sent, err := channel.Report(t.Context(), night("")); !sent || err != nil {
			t.Fatal(sent, err)
		}
		m := s.Messages()
		if len(m) != 1 || m[0].Subject != "Goldsmith OK: nightly: 1 imaged" || !strings.Contains(m[0].Text,
			"wéb (i-1): ami-1") {
			t.Errorf("%+v", m)
		}
	})
}

// A plan whose people want to hear nothing, and a deployment without a topic, have nothing sent.
func TestNothingIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, channel := begin()
		quiet := night("")
		quiet.Notify.On = []plan.Outcome{plan.Failed}
		if sent, err := channel.Report(t.Context(), quiet); sent || err != nil {
			t.Error(sent, err)
		}
		if sent, err := wired(s, settings.Off).Report(t.Context(), night("")); sent || err != nil {
			t.Error(sent, err)
		}
		if len(s.Messages()) != 0 {
			t.Errorf("%+v", s.Messages())
		}
	})
}

// A topic that is gone is an error that says so.
func TestTopicGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := begin()
		sent, err := wired(s, "arn:aws:sns:eu-central-1:123456789012:gone").Alert(t.Context(), report.Alert{Title: "a"})
		if sent || err == nil || !strings.Contains(err.Error(), "NotFound: Topic does not exist") {
			t.Error(sent, err)
		}
	})
}

// Whatever is told, SNS takes it.
func TestSNSTakesEverything(t *testing.T) {
	outer := t
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.OneOf(rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.Map(rapid.IntRange(0, 100_000), func(n int) string { return strings.Repeat("äé\n", n) }))
		problem, lines := text.Draw(r, "problem"), rapid.SliceOfN(text, 0, 4).Draw(r, "lines")
		title := text.Draw(r, "title")
		synctest.Test(outer, func(t *testing.T) {
			s, channel := begin()
			for _, send := range []func() (bool, error){
				func() (bool, error) { return channel.Report(t.Context(), night(problem)) },
				func() (bool, error) {
					return channel.Alert(t.Context(), report.Alert{Title: title, Lines: lines})
				},
			} {
				if sent, err := send(); !sent || err != nil {
					t.Errorf("%q, %q, %q: %v", problem, title, lines, err)
				}
			}
			if len(s.Messages()) != 2 {
				t.Errorf("%d messages", len(s.Messages()))
			}
		})
	})
}
