package notify

import (
	"context"
	"fmt"

	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// Notice is what people should know beside what runs tell.
type Notice struct {
	// Key says what it is about. Whatever has the same key is told once, as long as the ledger remembers it.
	Key   string
	Title string
	// Lines say what happened, what Goldsmith did and what to do now.
	Lines []string
	// Notify is who hears of it.
	Notify plan.Notify
}

// Delivery says what became of a notice.
type Delivery string

const (
	// Sent means that a channel has taken it, now or before.
	Sent Delivery = "sent"
	// Off means that no channel is set up: nobody hears.
	Off Delivery = "off"
	// Failed means that no channel took it, or that another person is about to tell.
	Failed Delivery = "failed"
)

// Notice tells people, once.
func (t Notifier) Notice(ctx context.Context, n Notice) (Delivery, error) {
	name := "notice: " + n.Key // No execution can have this name.
	known, _, err := t.Runs.GetRun(ctx, name)
	if err != nil {
		return Failed, fmt.Errorf("looking whether people know of %s: %w", n.Key, err)
	}
	if !known.Told.IsZero() {
		return Sent, nil
	}
	mine, err := t.Runs.Notifying(ctx, name, t.Now().UTC())
	if err != nil {
		return Failed, fmt.Errorf("taking the right to tell of %s: %w", n.Key, err)
	}
	if !mine {
		return Failed, nil
	}
	alert := report.Alert{Key: n.Key, Title: n.Title, Lines: n.Lines, Notify: n.Notify, At: t.Now().UTC()}
	done := t.send(ctx, message{
		name: name, plan: "all", notify: n.Notify,
		by: func(ctx context.Context, c Channel) (bool, error) { return c.Alert(ctx, alert) },
	})
	return t.marked(ctx, name, n.Key, done)
}

// marked is what became of a notice, which is marked as told once no channel is left that did not take it.
func (t Notifier) marked(ctx context.Context, name, key string, d done) (Delivery, error) {
	switch {
	case len(d.sent) == 0 && len(d.failed) > 0:
		return Failed, nil
	case len(d.sent) == 0:
		return Off, nil
	case len(d.failed) > 0:
		return Sent, nil
	}
	if _, err := t.Runs.Notified(ctx, name, t.Now().UTC()); err != nil {
		return Failed, fmt.Errorf("marking %s as told: %w", key, err)
	}
	return Sent, nil
}
