package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/ledger"
	"goldsmith/shared/page"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// WithPages is a suite that shows its runs to a browser as well: all of them at /, and each at /runs/NAME. A browser
// signs nothing, and no service of AWS takes what is not signed.
func WithPages(s *stack.Stack, now func() time.Time) http.Handler {
	p := pages{s, now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.all)
	mux.HandleFunc("GET /runs/{run}", p.one)
	mux.Handle("/", s)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.URL.Query().Has("X-Amz-Signature") {
			s.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// pages are what a browser is shown.
type pages struct {
	suite *stack.Stack
	now   func() time.Time
}

const (
	// reload is how many seconds a page that may change is shown for: as a person looks at a terminal.
	reload = "5"
	// mostRuns bounds what is read for a page over all.
	mostRuns = 200
)

func (p pages) all(w http.ResponseWriter, r *http.Request) {
	nights := page.Nights{Written: p.now(), Link: func(run string) string { return "/runs/" + run }}
	for _, e := range p.suite.States.List(sfn.Filter{Machine: p.suite.Machine}) {
		if len(nights.Runs) == mostRuns {
			break
		}
		run, err := p.run(r.Context(), e.Name)
		switch {
		case errors.Is(err, errNoRun): // It has just started.
		case err != nil:
			broke(w, err)
			return
		default:
			nights.Runs = append(nights.Runs, run)
		}
	}
	var text bytes.Buffer
	if err := page.WriteNights(&text, nights); err != nil {
		broke(w, err)
		return
	}
	w.Header().Set("Refresh", reload)
	show(w, text.Bytes())
}

func (p pages) one(w http.ResponseWriter, r *http.Request) {
	run, err := p.run(r.Context(), r.PathValue("run"))
	if errors.Is(err, errNoRun) {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	var text bytes.Buffer
	if err == nil {
		err = page.Write(&text, run)
	}
	if err != nil {
		broke(w, err)
		return
	}
	if run.Run.Ended.IsZero() {
		w.Header().Set("Refresh", reload)
	}
	show(w, text.Bytes())
}

func show(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text) // A browser that went away needs no answer.
}

func broke(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

var errNoRun = errors.New("there is no such run")

// run is all that is known of one.
func (p pages) run(ctx context.Context, name string) (page.Run, error) {
	record, ok, err := p.suite.Ledger.GetRun(ctx, name)
	if err == nil && !ok {
		err = errNoRun
	}
	if err != nil {
		return page.Run{}, fmt.Errorf("reading run %s: %w", name, err)
	}
	run := page.Run{Run: record, Plan: plan.Plan{Name: record.Plan}, Written: p.now()}
	if record.Ended.IsZero() {
		return p.going(ctx, run)
	}
	if run.Results, err = report.ResultsOf(ctx, p.suite.Ledger, name); err != nil {
		return run, err
	}
	for retired, err := range p.suite.Ledger.Retirements(ctx, record.Plan) {
		if err != nil {
			return run, fmt.Errorf("reading what was retired: %w", err)
		}
		if retired.Run == name {
			run.Retired = append(run.Retired, retired)
		}
	}
	return run, nil
}

// going adds what a run that is still on has done, and what it works on.
func (p pages) going(ctx context.Context, run page.Run) (page.Run, error) {
	ended := map[string]bool{}
	for result, err := range p.suite.Ledger.Results(ctx, run.Run.Name) {
		if err != nil {
			return run, fmt.Errorf("reading the results of run %s: %w", run.Run.Name, err)
		}
		run.Results, ended[result.Source] = append(run.Results, result), true
	}
	for c, err := range p.suite.Ledger.Claims(ctx) {
		if err != nil {
			return run, fmt.Errorf("reading who holds what: %w", err)
		}
		if c.Run == run.Run.Name && !ended[c.Source] {
			run.Working = append(run.Working, page.Working{ID: c.Source, Name: c.Name, Says: p.doing(c, run)})
		}
	}
	return run, nil
}

func (p pages) doing(c ledger.Claim, run page.Run) string {
	if c.StopSent.IsZero() {
		return "claimed"
	}
	return fmt.Sprintf("%s; its stop was sent at %s", p.suite.EC2.State(c.Source),
		c.StopSent.In(report.Zone(run.Run, run.Plan)).Format("15:04:05 MST"))
}
