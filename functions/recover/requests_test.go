package recovery_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/recover/executions"
	"goldsmith/functions/recover/requests"
	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/runs"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

func tagged(s *steptest.Stage, value string) {
	s.Helper()
	s.Must(s.Cloud.SetTags(s.Web, map[string]string{"Name": "web", tag.Plan: "nightly", tag.Request: value}))
}

func untagged(s *steptest.Stage) {
	s.Helper()
	_, err := s.EC2.DeleteTags(s.Context(), &sdk.DeleteTagsInput{
		Resources: []string{s.Web}, Tags: []types.Tag{{Key: aws.String(tag.Request)}},
	})
	s.Must(err)
}

// remembered is what is known of the request tag on web; nil when nothing is.
func remembered(s *steptest.Stage) *ledger.Request {
	s.Helper()
	r, ok, err := s.Ledger.Kept.GetRequest(s.Context(), s.Web)
	s.Must(err)
	if !ok {
		return nil
	}
	r.Revision = ""
	return &r
}

// asked puts the tag on and remembers what a trigger would have written down, an hour ago.
func asked(s *steptest.Stage, r ledger.Request) {
	s.Helper()
	tagged(s, "now")
	r.Source, r.Kind, r.Since, r.At = s.Web, job.Instance, time.Now(), time.Now()
	if r.Value == "" {
		r.Value = "now"
	}
	_, err := s.Ledger.Kept.PutRequest(s.Context(), r)
	s.Must(err)
	time.Sleep(time.Hour)
}

// over is an execution that has ended and was told an hour ago; with an answer it has a result of web.
func over(s *steptest.Stage, run string, answer bool) {
	s.Helper()
	s.Execute(run)
	ends(s, run, answer)
}

func ends(s *steptest.Stage, run string, answer bool) {
	s.Helper()
	s.Abort(executionARN + run)
	s.Must(s.Ledger.Kept.PutRun(s.Context(), ledger.Run{Name: run, Plan: "nightly"}))
	_, err := s.Ledger.Kept.Notified(s.Context(), run, time.Now())
	s.Must(err)
	if answer {
		s.Must(s.Ledger.Kept.PutResult(s.Context(), job.Result{Run: run, Source: s.Web, Ending: job.Broken}))
	}
	time.Sleep(time.Hour)
}

func sweptFor(names ...string) func(*steptest.Stage, recovery.Answer) {
	return func(s *steptest.Stage, _ recovery.Answer) {
		s.Helper()
		var got []string
		for _, e := range s.States.List(sfn.Filter{}) {
			got = append(got, e.Name)
		}
		s.Same("runs", len(got), len(names))
		for n := range min(len(got), len(names)) {
			s.Same("run", got[n], names[n])
		}
	}
}

const looked = "Claims Slots DescribeInstances Unsettled ListExecutions Since" + asks

// A request whose event was lost is answered, once.
func TestRequestsNobodyHeardOf(t *testing.T) {
	given := func(s *steptest.Stage, _ *json.RawMessage) { tagged(s, "now") }
	wait := func(*steptest.Stage) { time.Sleep(7 * time.Minute) }
	const (
		seen  = looked + " PutRequest: ok"
		begun = looked + " StartExecution PutRequest: ok"
	)
	late := func(s *steptest.Stage) string { return "request-" + s.Web + "-late-20000101T000000Z" }
	started := func(s *steptest.Stage, a recovery.Answer) { s.Helper(); sweptFor(late(s))(s, a) }
	steptest.Play(t, quiet, cases{
		{Name: "just seen: its event may still come", Given: given, Want: seen, Then: sweptFor()},
		{Name: "seen for a while: answered", Given: given, Want: seen + " | " + begun, Between: wait, Then: started},
		{
			Name: "its run goes on", Given: given, Between: wait,
			Want: seen + " | " + begun + " | " + looked + ": ok", Then: started,
		},
		{
			Name: "started, and the ledger could not be written: the same run", Given: given,
			Between: func(s *steptest.Stage) { wait(s); s.Ledger.Break("PutRequest", 1) },
			Want:    seen + " | " + looked + " StartExecution PutRequest: Transient | " + looked + ": ok", Then: started,
		},
		{
			Name: "the requests cannot be read: nothing is started, and the rest of the sweep goes on",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				given(s, in)
				s.Ledger.Break("Requests", 1)
			},
			Want: looked + ": Transient", Says: []string{"reading the requests"}, Then: sweptFor(),
		},
		{
			Name: "claimed: a run has it in hand", Given: func(s *steptest.Stage, in *json.RawMessage) {
				given(s, in)
				s.Execute("going-on")
				s.Hold(ledger.Claim{Source: s.Web, Run: "going-on", Execution: executionARN + "going-on", Since: time.Now()})
			},
			Want: "Claims DescribeExecution Slots DescribeInstances Unsettled ListExecutions Since" + asks +
				" PutRequest: ok | " +
				"Claims DescribeExecution Slots DescribeInstances Unsettled ListExecutions Since" + asks + ": ok",
			Between: wait, Then: sweptFor("going-on"),
		},
		{
			Name: "its run has ended, and is not told: its telling takes the tag off", Between: wait,
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				given(s, in)
				s.Execute("request-" + s.Web + "-v3")
				s.Abort(executionARN + "request-" + s.Web + "-v3")
				s.Must(s.Ledger.Kept.PutRun(s.Context(), ledger.Run{
					Name: "request-" + s.Web + "-v3", Plan: "nightly", Request: &job.Request{Source: s.Web, Value: "now"},
				}))
			},
			Want: seen + " | Claims Slots DescribeInstances Unsettled ListExecutions Since GetRun*2 Results Claims PutRun " +
				"GetRequest DeleteTags Notifying GetSecretValue Notified" + asks + " GetRun: ok",
			Then: func(s *steptest.Stage, _ recovery.Answer) { s.Same("tag", s.Tags(s.Web)[tag.Request], "") },
		},
		{
			Name: "no sweep came for an hour: the tag is as old as its first sight", Given: given,
			Want: seen + " | " + begun, Between: func(*steptest.Stage) { time.Sleep(time.Hour) }, Then: started,
		},
		{
			Name: "taken off before it was answered: forgotten", Given: given,
			Between: func(s *steptest.Stage) { wait(s); untagged(s) },
			Want:    seen + " | " + looked + " DropRequest: ok",
			Then:    func(s *steptest.Stage, _ recovery.Answer) { s.Same("known", remembered(s), (*ledger.Request)(nil)) },
		},
		{
			Name: "written down a moment ago, and not shown by EC2: it stays", Given: given,
			Between: untagged, Want: seen + " | " + looked + ": ok",
			Then: func(s *steptest.Stage, _ recovery.Answer) { s.Same("known", remembered(s) != nil, true) },
		},
		{
			Name: "its value was changed, and no event came: a new request", Given: given,
			Between: func(s *steptest.Stage) { wait(s); tagged(s, "nightly") }, Want: seen + " | " + looked + " PutRequest: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				sweptFor()(s, a)
				s.Same("known", *remembered(s), ledger.Request{
					Source: s.Web, Kind: job.Instance, Value: "nightly", Since: time.Now().UTC(), At: time.Now().UTC(),
				})
			},
		},
		{
			Name: "the instance is terminated", Given: given,
			Between: func(s *steptest.Stage) { wait(s); s.Set(s.Web, ec2.Terminated) }, Want: seen + " | " + looked +
				" DropRequest: ok",
			Then: sweptFor(),
		},
	})
}

// What is answered stays so while its tag cannot be taken off, however long.
func TestRequestsAreAnsweredOnce(t *testing.T) {
	run := func(s *steptest.Stage) string { return "request-" + s.Web + "-v4" }
	late := func(s *steptest.Stage) string { return "request-" + s.Web + "-late-20000101T000000Z" }
	day := func(*steptest.Stage) { time.Sleep(24 * time.Hour) }
	const told = "Claims Slots DescribeInstances Unsettled ListExecutions Since GetRun" + asks
	answered := func(s *steptest.Stage, want bool) {
		s.Helper()
		s.Same("answered", remembered(s).Answered, want)
	}
	steptest.Play(t, quiet, cases{
		{
			Name: "its run gave an answer, and the tag stays: remembered",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				asked(s, ledger.Request{Version: 4, Run: run(s)})
				over(s, run(s), true)
			},
			Between: day,
			Want:    told + " GetRun Results PutRequest: ok | " + told + " GetRun: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				answered(s, true)
				sweptFor(run(s))(s, a)
			},
		},
		{
			Name: "its run was cut off before it gave one: a second run, and no third",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				asked(s, ledger.Request{Version: 4, Run: run(s)})
				over(s, run(s), false)
			},
			Between: func(s *steptest.Stage) {
				ends(s, late(s), false)
			},
			Want: told + " GetRun Results DescribeExecution StartExecution PutRequest: ok | " +
				"Claims Slots DescribeInstances Unsettled ListExecutions Since GetRun*2 Heard" + asks +
				" GetRun*2 Results DescribeExecution PutRequest: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				answered(s, true)
				s.Same("runs", len(s.States.List(sfn.Filter{})), 2)
			},
		},
		{
			Name: "its run was never started: started by its own name",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				asked(s, ledger.Request{Version: 4, Run: run(s)})
			},
			Want: looked + " Results DescribeExecution StartExecution PutRequest: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				answered(s, false)
				sweptFor(run(s))(s, a)
			},
		},
		{
			Name: "it named no plan, and people were told: remembered",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				asked(s, ledger.Request{Version: 4, Run: run(s), Value: "weakly"})
				tagged(s, "weakly")
				over(s, run(s), false)
			},
			Want: told + " GetRun PutRequest: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				answered(s, true)
				sweptFor(run(s))(s, a)
			},
		},
		{
			Name: "nobody can say what became of its run: nothing is started",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				asked(s, ledger.Request{Version: 4, Run: run(s)})
				s.Refuse("DescribeExecution", "AccessDeniedException", 1)
			},
			Want: looked + " Results DescribeExecution" + noticed, Then: sweptFor(),
		},
		{
			Name: "the results cannot be read: nothing is started",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				asked(s, ledger.Request{Version: 4, Run: run(s)})
				s.Ledger.Break("Results", 1)
			},
			Want: looked + " Results: Transient", Says: []string{"reading the results"}, Then: sweptFor(),
		},
	})
}

// The tag changed while its run went on: one more run when that has ended.
func TestRequestsThatChangedMeanwhile(t *testing.T) {
	run := func(s *steptest.Stage) string { return "request-" + s.Web + "-v4" }
	next := func(s *steptest.Stage) string { return "request-" + s.Web + "-v9" }
	later := func(s *steptest.Stage) ledger.Request {
		return ledger.Request{Version: 4, Run: run(s), Later: &ledger.TagChange{Value: "now", Version: 9, At: time.Now()}}
	}
	const told = "Claims Slots DescribeInstances Unsettled ListExecutions Since GetRun" + asks
	steptest.Play(t, quiet, cases{
		{
			Name: "the run goes on",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Execute(run(s))
				asked(s, later(s))
			},
			Want: looked + ": ok", Then: func(s *steptest.Stage, a recovery.Answer) { sweptFor(run(s))(s, a) },
		},
		{
			Name: "the run has ended: one more, which answers the last change",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				asked(s, later(s))
				over(s, run(s), true)
			},
			Want: told + " GetRun DescribeExecution StartExecution PutRequest: ok | " +
				strings.Replace(told, "GetRun", "GetRun Heard", 1) + ": ok",
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				s.Same("runs", len(s.States.List(sfn.Filter{})), 2)
				r := remembered(s)
				s.Same("known", []any{r.Run, r.Version, r.Later == nil, r.Answered}, []any{next(s), int64(9), true, false})
			},
		},
		{
			Name: "the tag is off again: nothing is asked for",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				asked(s, later(s))
				over(s, run(s), true)
				untagged(s)
			},
			Want: told + " GetRun DropRequest: ok", Then: func(s *steptest.Stage, a recovery.Answer) { sweptFor(run(s))(s, a) },
		},
	})
}

// ListExecutions is eventually consistent: a run that goes on and is not listed is asked about by its name.
func TestRequestsWhoseRunIsNotListed(t *testing.T) {
	unlisted := func(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
		starter := runs.Starter{Executions: s.SFN, Plans: nightlyOf(s), Machine: steptest.Machine}
		requests := requests.Requests{
			EC2: s.EC2, Ledger: s.Ledger, Starter: starter,
			Runs: executions.Runs{Executions: s.SFN, Ledger: s.Ledger, Plans: nightlyOf(s), Machine: steptest.Machine,
				Now: time.Now},
		}
		return func(ctx context.Context, _ json.RawMessage) (recovery.Answer, error) {
			return recovery.Answer{}, requests.Answer(ctx, nil, nil)
		}, nil
	}
	given := func(s *steptest.Stage, _ *json.RawMessage) {
		run := "request-" + s.Web + "-v4"
		s.Execute(run)
		asked(s, ledger.Request{Version: 4, Run: run, Later: &ledger.TagChange{Value: "now", Version: 9, At: time.Now()}})
	}
	steptest.Play(t, unlisted, cases{
		{
			Name: "it goes on", Given: given, Want: "DescribeInstances DescribeSnapshots Requests DescribeExecution: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) { sweptFor("request-"+s.Web+"-v4")(s, a) },
		},
		{
			Name: "nobody can say whether it goes on",
			Want: "DescribeInstances DescribeSnapshots Requests DescribeExecution: Failed",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				given(s, in)
				s.Refuse("DescribeExecution", "AccessDeniedException", 1)
			},
			Says: []string{"asking how run"},
			Then: func(s *steptest.Stage, a recovery.Answer) { sweptFor("request-"+s.Web+"-v4")(s, a) },
		},
	})
}
