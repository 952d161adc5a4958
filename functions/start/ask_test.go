package start_test

import (
	"testing"
	"time"

	"goldsmith/functions/start"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// page is a page of which all sources are to be stopped.
func page(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
	step := start.Step{EC2: s.EC2, Claims: s.Ledger, Results: s.Ledger, Marks: s.Ledger, Now: time.Now}
	p := job.Batch{Run: s.Run(), Plan: s.Plan, Sources: []job.Source{}}
	for _, id := range []string{s.Web, s.Launch("api", nil), s.Launch("db", nil)} {
		p.Sources, p.Ask = append(p.Sources, job.Source{ID: id, Kind: job.Instance}), append(p.Ask, id)
	}
	return step.Ask, p
}

// refusing has EC2 refuse starts of the page's first sources.
func refusing(n int, code string) func(*steptest.Stage, *job.Batch) {
	return func(s *steptest.Stage, p *job.Batch) {
		for _, src := range p.Sources[:n] {
			s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Resource: src.ID, Code: code, Status: 403})
		}
	}
}

// What EC2 would not start again under this function's role is left out, with the reason; the others are stopped.
func TestAskWhatWouldStart(t *testing.T) {
	left := func(n int) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, p job.Batch) {
			s.Helper()
			s.Same("sources", len(p.Sources), 3-n)
			s.Same("to be asked about", len(p.Ask), 0)
			s.Same("asked", p.Run.Asked.Equal(time.Now().UTC()), true)
			results := s.Results(p.Run.Name)
			s.Same("left out", len(results), n)
			for _, r := range results {
				s.Same("reason", r.Skip.Code, job.CannotStart)
				s.Same("named", r.Name != r.Source, true)
			}
		}
	}
	steptest.Play(t, page, []steptest.Case[job.Batch, job.Batch]{
		{Name: "all would start", Want: "Slots StartInstances: ok", Then: left(0)},
		{Name: "one would not", Given: refusing(1, "UnauthorizedOperation"),
			Want: "Slots StartInstances*3 DescribeInstances PutResult: ok", Then: left(1)},
		{Name: "none would", Given: refusing(3, "UnauthorizedOperation"),
			Want: "Slots StartInstances*5 DescribeInstances PutResult*3: ok", Then: left(3)},
		{Name: "one that is gone is for claim", Given: refusing(1, "InvalidInstanceID.NotFound"),
			Want: "Slots StartInstances*3: ok", Then: left(0)},
		{
			Name: "EC2 is busy: asked again", Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Nth: []int{1, 2, 3, 4, 5, 6}, Code: "Unavailable"})
			},
			Want: "Slots StartInstances*6: Transient | Slots StartInstances: ok", Then: left(0),
		},
		{
			Name: "nothing is to be stopped", Given: func(_ *steptest.Stage, p *job.Batch) { p.Ask = nil }, Want: ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("asked", []any{p.Run.Asked.IsZero(), len(p.Sources)}, []any{true, 3})
			},
		},
		{
			Name: "what was asked for alone goes to claim, with the reason",
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance}
				p.Sources, p.Ask = p.Sources[:1], p.Ask[:1]
				refusing(1, "UnauthorizedOperation")(s, p)
			},
			Want: "Slots StartInstances: ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("reason", p.Sources[0].Refused.Code, job.CannotStart) },
		},
	})
}

// The mark of what this function was denied to start is taken away once it may start that, and stays until then.
func TestAskLiftsDenials(t *testing.T) {
	marked := func(s *steptest.Stage, _ *job.Batch) {
		_, err := s.Ledger.Kept.Take(s.Context(), ledger.Slot{
			Plan: ledger.EveryPlan, Kind: ledger.Downs, ID: "start " + s.Web, Source: s.Web, Run: "earlier", By: "start",
			Since: time.Now(),
		}, time.Time{})
		s.Must(err)
	}
	marks := func(want int) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, _ job.Batch) {
			s.Helper()
			all := 0
			for _, err := range s.Ledger.Kept.Slots(s.Context(), ledger.EveryPlan) {
				s.Must(err)
				all++
			}
			s.Same("marks", all, want)
		}
	}
	steptest.Play(t, page, []steptest.Case[job.Batch, job.Batch]{
		{Name: "it may", Given: marked, Want: "Slots StartInstances Free StartInstances: ok", Then: marks(0)},
		{
			Name: "it may not", Given: func(s *steptest.Stage, p *job.Batch) {
				marked(s, p)
				refusing(1, "UnauthorizedOperation")(s, p)
			},
			Want: "Slots StartInstances*4 DescribeInstances PutResult: ok", Then: marks(1),
		},
	})
}
