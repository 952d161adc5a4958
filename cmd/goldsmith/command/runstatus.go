package command

import (
	"context"
	"strings"

	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// runStatus is a run and what came of it so far.
type runStatus struct {
	Run       string       `json:"run"`
	Execution string       `json:"execution,omitempty"`
	Status    string       `json:"status,omitempty"`
	Outcome   plan.Outcome `json:"outcome,omitempty"`
	Problem   string       `json:"problem,omitempty"`
	Summary   string       `json:"summary,omitempty"`
	Results   []job.Result `json:"results"`
	// Retired is what became of old images.
	Retired []job.Retirement `json:"retired,omitempty"`
	// Working are the sources that a run which is still on is working on.
	Working []work `json:"working,omitempty"`

	record ledger.Run
	report report.Report
	closed bool
}

// runStatus reads a run from the ledger; nil when the ledger does not know it.
func (s site) runStatus(ctx context.Context, name string) (*runStatus, error) {
	run, ok, err := s.ledger.GetRun(ctx, name)
	if err != nil || !ok {
		return nil, wrap("reading run "+name, err)
	}
	t := &runStatus{Run: name, Execution: run.Execution, Problem: run.Problem, closed: !run.Ended.IsZero(),
		Results: []job.Result{}, record: run}
	if t.closed {
		if t.Results, err = report.ResultsOf(ctx, s.ledger, name); err != nil {
			return nil, err
		}
	} else {
		for r, err := range s.ledger.Results(ctx, name) {
			if err != nil {
				return nil, wrap("reading the results of run "+name, err)
			}
			t.Results = append(t.Results, r)
		}
	}
	retired, err := report.RetiredBy(ctx, s.ledger, run)
	if err != nil {
		return nil, err
	}
	t.report = report.Of(run, t.Results, plan.Plan{Name: run.Plan}).With(retired)
	t.Retired = retired
	t.Summary = t.report.Summary()
	switch {
	case t.closed:
		t.Outcome = plan.Outcome(run.Outcome)
	case len(t.Results) == 0:
		t.Summary = "nothing yet"
	}
	return t, nil
}

func (r runStatus) print(p *page) {
	if r.closed {
		text := r.report.Text()
		word, rest, _ := strings.Cut(text, "\n")
		p.line("%s", colorOf(p, r.Outcome, word))
		p.WriteString(rest)
		return
	}
	if r.Status == string(sfntypes.ExecutionStatusRunning) {
		p.line("%s  %s", p.in(bold, "RUNNING"), r.Run)
		p.line("so far: %s", r.Summary)
	} else {
		p.line("%s  %s", p.in(red, r.Status), r.Run)
		p.line("It was cut off before it could tell what came of it; so far: %s.", r.Summary)
		p.line("Goldsmith looks after what it left within minutes; ask again then.")
	}
	for _, each := range r.Results {
		p.line("  %s", clean(came(each)))
	}
	for _, w := range r.Working {
		p.line("  %s", clean(w.label()+": "+w.State))
	}
}

func colorOf(p *page, outcome plan.Outcome, words string) string {
	switch outcome {
	case plan.OK:
		return p.in(green, words)
	case plan.Partial:
		return p.in(yellow, words)
	case plan.Failed:
		return p.in(red, words)
	default:
		return words
	}
}
