package notify

import (
	"context"
	"fmt"

	"goldsmith/shared/handler"
	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
	"goldsmith/shared/slack"
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

// Notice tells people, once. It returns Sent when they were told now or before, and Failed when another person is about
// to tell them.
func (t Notifier) Notice(ctx context.Context, n Notice) (slack.Delivery, error) {
	name := "notice: " + n.Key // No execution can have this name.
	known, _, err := t.Runs.GetRun(ctx, name)
	if err != nil {
		return slack.Failed, fmt.Errorf("looking whether people know of %s: %w", n.Key, err)
	}
	if !known.Told.IsZero() {
		return slack.Sent, nil
	}
	mine, err := t.Runs.Telling(ctx, name, t.Now().UTC())
	if err != nil {
		return slack.Failed, fmt.Errorf("taking the right to tell of %s: %w", n.Key, err)
	}
	if !mine {
		return slack.Failed, nil
	}
	log := handler.Log(ctx)
	delivery, err := t.Slack.Send(ctx, slack.Alert(n.Title, n.Lines, n.Notify.Channel, n.Notify.Mention))
	if err != nil {
		log.ErrorContext(ctx, "notice not sent", "notice", n.Key, "error", err)
		metric.Put(ctx, log, metric.NotifyFailed, "all", 1)
		return slack.Failed, nil
	}
	log.InfoContext(ctx, "told", "notice", n.Key, "delivery", string(delivery))
	if delivery != slack.Sent {
		return delivery, nil
	}
	if _, err := t.Runs.Tell(ctx, name, t.Now().UTC()); err != nil {
		return slack.Failed, fmt.Errorf("marking %s as told: %w", n.Key, err)
	}
	return slack.Sent, nil
}
