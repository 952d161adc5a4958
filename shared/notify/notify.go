// Package notify knows how people and programs hear of a run: one message by each channel, whatever ends the
// run, and never a run that fails because the message could not be sent.
package notify

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/request"
)

// runs is the ledger's runs as far as telling needs them.
type runs interface {
	PutRun(ctx context.Context, r ledger.Run) error
	GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error)
	Notifying(ctx context.Context, run string, at time.Time) (bool, error)
	Notified(ctx context.Context, run string, at time.Time) (bool, error)
}

// pages leads to the pages of runs; the link is empty where there is none.
type pages interface {
	Link(ctx context.Context, run string, how plan.Link) (string, error)
}

// Notifier tells people how runs ended.
type Notifier struct {
	Runs     runs
	Results  report.Ledger
	Requests request.Ledger
	// Channels are all there are; a plan says which of them it is told by.
	Channels map[plan.Channel]Channel
	// Pages leads to the pages of runs; nil where no page is written.
	Pages pages
	Tags  request.Untagger
	Now   func() time.Time
}

// Notify closes the run in the ledger and sends its message by every channel of its plan, unless it was sent
// already or somebody is about to send it. A message that cannot be sent is logged
// and counted, not an error: recover finds the run untold, and tries again what was not sent.
func (t Notifier) Notify(ctx context.Context, run ledger.Run, p plan.Plan) (plan.Outcome, error) {
	known, ok, err := t.Runs.GetRun(ctx, run.Name)
	if err != nil {
		return "", fmt.Errorf("reading run %s: %w", run.Name, err)
	}
	if ok && !known.Told.IsZero() {
		return plan.Outcome(known.Outcome), nil
	}
	if ok {
		run.Started = known.Started
	}
	run.Timezone = cmp.Or(p.Timezone, known.Timezone)
	r, err := t.closed(ctx, &run, p)
	if err != nil {
		return "", err
	}
	if known.Ended.IsZero() {
		count(ctx, run)
	}
	if err := t.answer(ctx, run, r); err != nil {
		return "", err
	}
	r.Link = t.link(ctx, run.Name, p.Notify.Link)
	return r.Outcome, t.speak(ctx, run.Name, r)
}

// link leads to the run's page. A message goes out without it rather than not at all.
func (t Notifier) link(ctx context.Context, run string, how plan.Link) string {
	if t.Pages == nil {
		return ""
	}
	link, err := t.Pages.Link(ctx, run, how)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "no link to the run's page", "error", err)
	}
	return link
}

// closed is the run's report, with which it is closed in the ledger.
func (t Notifier) closed(ctx context.Context, run *ledger.Run, p plan.Plan) (report.Report, error) {
	r, err := t.report(ctx, run, p)
	if err != nil {
		return r, err
	}
	if err := t.Runs.PutRun(ctx, *run); err != nil {
		return r, fmt.Errorf("closing run %s: %w", run.Name, err)
	}
	return r, nil
}

// speak sends the message, unless somebody else is about to.
func (t Notifier) speak(ctx context.Context, run string, r report.Report) error {
	mine, err := t.Runs.Notifying(ctx, run, t.Now().UTC())
	if err != nil {
		return fmt.Errorf("taking the right to tell of run %s: %w", run, err)
	}
	if !mine {
		return nil
	}
	handler.Log(ctx).InfoContext(ctx, "run ended", "outcome", string(r.Outcome), "summary", r.Summary())
	done := t.send(ctx, message{
		name: run, plan: r.Plan, notify: r.Notify,
		by: func(ctx context.Context, c Channel) (bool, error) { return c.Report(ctx, r) },
	})
	if len(done.failed) > 0 {
		return nil
	}
	// Marked after it is sent: a crash in between tells twice, which is better than never.
	if _, err := t.Runs.Notified(ctx, run, t.Now().UTC()); err != nil {
		return fmt.Errorf("marking run %s as told: %w", run, err)
	}
	return nil
}

func (t Notifier) report(ctx context.Context, run *ledger.Run, p plan.Plan) (report.Report, error) {
	results, err := report.ResultsOf(ctx, t.Results, run.Name)
	if err != nil {
		return report.Report{}, err
	}
	run.Ended = t.Now().UTC()
	var retired []job.Retirement
	if p.Keep.Rules() {
		if retired, err = report.RetiredBy(ctx, t.Results, *run); err != nil {
			return report.Report{}, err
		}
	}
	r := report.Of(*run, results, p).With(retired)
	run.Outcome = string(r.Outcome)
	return r, nil
}

// answer takes the request off a source whose run may not have done so: it was cut
// off, or failed before it had the source in hand. What lasts is logged: a tag is
// not worth a message that never goes out.
func (t Notifier) answer(ctx context.Context, run ledger.Run, r report.Report) error {
	asked := run.Request
	if asked == nil || asked.Source == "" || asked.By != "" || r.Outcome == plan.OK {
		return nil
	}
	err := request.TakeOff(ctx, t.Tags, t.Requests, *asked, run.Name)
	if fault.IsTransient(err) || fault.IsNotYet(err) {
		return err
	}
	if fault.IgnoreNotFound(err) != nil {
		handler.Log(ctx).WarnContext(ctx, "request tag not removed", "source", asked.Source, "error", err)
	}
	return nil
}

func count(ctx context.Context, run ledger.Run) {
	m := map[plan.Outcome]metric.Metric{
		plan.OK: metric.RunsOK, plan.Partial: metric.RunsPartial, plan.Failed: metric.RunsFailed,
	}[plan.Outcome(run.Outcome)]
	metric.Put(ctx, handler.Log(ctx), m, run.Plan, 1)
}
