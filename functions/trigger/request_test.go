package trigger_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"goldsmith/functions/trigger"
	"goldsmith/local/sfn"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

const (
	asking = "i-0a1b2c3d4e5f60718"
	first  = "request-" + asking + "-v4"
)

// change is the sample of a tag change with another version, so much later.
func change(s *steptest.Stage, version int, later time.Duration) json.RawMessage {
	text := strings.Replace(string(s.Sample("tag-request-plan")), `"version": 4`, fmt.Sprintf(`"version": %d`, version), 1)
	when := at("2026-03-22T02:00:07Z").Add(later).Format(time.RFC3339)
	return json.RawMessage(strings.Replace(text, "2026-03-22T02:00:07Z", when, 1))
}

func known(s *steptest.Stage) ledger.Request {
	s.Helper()
	r, _, err := s.Ledger.Kept.GetRequest(s.Context(), asking)
	s.Must(err)
	r.Revision, r.At = "", time.Time{}
	return r
}

func ran(s *steptest.Stage) int { return len(s.States.List(sfn.Filter{})) }

// A source has one run at a time, and one more for all that changes meanwhile.
func TestTriggerChanges(t *testing.T) {
	begun := func(s *steptest.Stage) (handler.Func[json.RawMessage, trigger.Answer], json.RawMessage) {
		step, _ := scene(s)
		_, err := step(s.Context(), change(s, 4, 0))
		s.Must(err)
		return step, change(s, 5, time.Minute)
	}
	starts := func(n int) func(*steptest.Stage, trigger.Answer) {
		return func(s *steptest.Stage, _ trigger.Answer) { s.Helper(); s.Same("runs", ran(s), n) }
	}
	ended := func(s *steptest.Stage, _ *json.RawMessage) { s.Abort(executions + first) }
	steptest.Play(t, begun, cases{
		{
			Name: "while the run goes on: written down, and nothing is started",
			Want: "GetRequest DescribeExecution PutRequest: ok",
			Then: func(s *steptest.Stage, a trigger.Answer) {
				s.Same("answer", a, trigger.Answer{Ignored: "run " + first + " answers an earlier change; one more run follows it"})
				s.Same("runs", ran(s), 1)
				s.Same("later", *known(s).Later, ledger.TagChange{Value: "nightly", Version: 5, At: at("2026-03-22T02:01:07Z")})
			},
		},
		{
			Name: "delivered twice while the run goes on: written down once",
			Want: "GetRequest DescribeExecution PutRequest: ok | GetRequest: ok",
			Then: starts(1),
		},
		{
			Name: "after the run: a new one", Given: ended, Want: "GetRequest DescribeExecution PutRequest StartExecution: ok",
			Then: func(s *steptest.Stage, a trigger.Answer) {
				s.Same("run", a.Run, "request-"+asking+"-v5")
				s.Same("known", known(s).Later, (*ledger.TagChange)(nil))
				s.Same("runs", ran(s), 2)
			},
		},
		{
			Name:  "an older change that comes late",
			Given: func(s *steptest.Stage, in *json.RawMessage) { *in = change(s, 3, -time.Minute) },
			Want:  "GetRequest: ok",
			Then: func(s *steptest.Stage, a trigger.Answer) {
				s.Same("answer", a, trigger.Answer{Ignored: "a newer change of the tag is known"})
			},
		},
		{
			Name:  "versions that begin anew: the later change counts",
			Given: func(s *steptest.Stage, in *json.RawMessage) { ended(s, in); *in = change(s, 1, time.Hour) },
			Want:  "GetRequest DescribeExecution PutRequest StartExecution: ok", Then: starts(2),
		},
		{
			Name:  "nobody can say whether the run goes on: tried again",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Refuse("DescribeExecution", "AccessDeniedException", 1) },
			Want:  "GetRequest DescribeExecution: Failed", Says: []string{"asking how run " + first + " is"}, Then: starts(1),
		},
		{
			Name:  "the ledger cannot be read: nothing is started",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Ledger.Break("GetRequest", 1) },
			Want:  "GetRequest: Transient | GetRequest DescribeExecution PutRequest: ok", Then: starts(1),
		},
		{
			Name:  "the ledger cannot be written: nothing is started",
			Given: func(s *steptest.Stage, in *json.RawMessage) { ended(s, in); s.Ledger.Break("PutRequest", 1) },
			Want: "GetRequest DescribeExecution PutRequest: Transient | GetRequest DescribeExecution PutRequest " +
				"StartExecution: ok",
			Then: starts(2),
		},
	})
}

// The first change of a tag, and what may go wrong around it.
func TestTriggerFirstChange(t *testing.T) {
	fresh := func(s *steptest.Stage) (handler.Func[json.RawMessage, trigger.Answer], json.RawMessage) {
		step, _ := scene(s)
		return step, change(s, 4, 0)
	}
	put := func(s *steptest.Stage, r ledger.Request) {
		s.Helper()
		r.Source, r.Value = asking, "nightly"
		_, err := s.Ledger.Kept.PutRequest(s.Context(), r)
		s.Must(err)
	}
	steptest.Play(t, fresh, cases{
		{
			Name:  "written down, and the start refused: the second delivery starts the run",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Refuse("StartExecution", "AccessDeniedException", 1) },
			Want:  "GetRequest PutRequest StartExecution: Failed | GetRequest StartExecution: ok",
			Then:  func(s *steptest.Stage, _ trigger.Answer) { s.Same("runs", ran(s), 1) },
		},
		{
			Name: "a sweep has answered this tag already: the event that comes late starts nothing",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				put(s, ledger.Request{Run: "request-" + asking + "-late-1", Answered: true, Since: at("2026-03-22T02:05:00Z")})
			},
			Want: "GetRequest: ok",
			Then: func(s *steptest.Stage, a trigger.Answer) { s.Same("run", a.Run, "") },
		},
		{
			Name: "a sweep has seen this tag before its event, and no run answers it yet: answered at once",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				put(s, ledger.Request{Since: at("2026-03-22T02:00:09Z")})
			},
			Want: "GetRequest PutRequest StartExecution: ok | GetRequest StartExecution: ok",
			Then: func(s *steptest.Stage, a trigger.Answer) {
				s.Same("run", a.Run, first)
				s.Same("runs", ran(s), 1)
			},
		},
		{
			Name: "a sweep knew of an older tag: a new request",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				put(s, ledger.Request{Run: "request-" + asking + "-late-1", Answered: true, Since: at("2026-03-22T01:00:00Z")})
			},
			Want: "GetRequest PutRequest StartExecution: ok",
		},
		{
			Name: "another change is about to start its run: this one follows",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				put(s, ledger.Request{Run: "request-" + asking + "-v3", Version: 3, Since: at("2026-03-22T02:00:00Z"),
					At: time.Now()})
			},
			Want: "GetRequest DescribeExecution PutRequest: ok",
			Then: func(s *steptest.Stage, _ trigger.Answer) { s.Same("later", known(s).Later.Version, int64(4)) },
		},
		{
			Name: "another change was to start its run and never did: this one starts",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				put(s, ledger.Request{Run: "request-" + asking + "-v3", Version: 3, Since: at("2026-03-22T02:00:00Z"),
					At: time.Now()})
				time.Sleep(2 * time.Minute)
			},
			Want: "GetRequest DescribeExecution PutRequest StartExecution: ok",
			Then: func(s *steptest.Stage, a trigger.Answer) { s.Same("run", a.Run, first) },
		},
		{
			Name: "of another account on our bus",
			Given: func(_ *steptest.Stage, in *json.RawMessage) {
				*in = json.RawMessage(strings.ReplaceAll(string(*in), steptest.Account, "210987654321"))
			},
			Want: ": ok",
			Then: func(s *steptest.Stage, a trigger.Answer) { s.Same("run", a.Run, ""); s.Same("runs", ran(s), 0) },
		},
		{
			Name: "of another Region on our bus",
			Given: func(_ *steptest.Stage, in *json.RawMessage) {
				*in = json.RawMessage(strings.ReplaceAll(string(*in), steptest.Region, "us-east-1"))
			},
			Want: ": ok",
			Then: func(s *steptest.Stage, a trigger.Answer) { s.Same("run", a.Run, ""); s.Same("runs", ran(s), 0) },
		},
	})
}

// Three hundred changes at once start one run, and one more is to follow for the last of them.
func TestTriggerManyChangesAtOnce(t *testing.T) {
	const changes = 300
	steptest.Play(t, scene, cases{{
		Name: "300 changes",
		Given: func(s *steptest.Stage, in *json.RawMessage) {
			step, _ := scene(s)
			var all sync.WaitGroup
			for n := range changes {
				all.Go(func() {
					_, err := step(s.Context(), change(s, n+1, time.Duration(n)*time.Second))
					s.Must(err)
				})
			}
			all.Wait()
			s.Same("runs", ran(s), 1)
			r := known(s)
			newest := r.Version
			if r.Later != nil {
				newest = r.Later.Version
			}
			s.Same("newest", newest, int64(changes))
			*in = s.Sample("sweep") // starts nothing
		},
		Want: ": ok",
	}})
}
