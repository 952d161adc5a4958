package notify

import (
	"context"
	"errors"
	"fmt"

	"goldsmith/shared/handler"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// People hear of what is no plan's matter, such as what a person had done: by every channel that a plan is told by.
type People struct {
	Channels map[plan.Channel]Channel
	Via      []plan.Channel
}

// Alert tells them. One channel that took it is enough: what the others say is logged, and told by those that took it.
func (p People) Alert(ctx context.Context, a report.Alert) error {
	a.Notify = plan.Notify{Via: p.Via}
	var problems []error
	var took []Channel
	for _, name := range a.Notify.Channels() {
		c, ok := p.Channels[name]
		if !ok {
			problems = append(problems, fmt.Errorf("this version knows no channel %s", name))
			continue
		}
		sent, err := c.Alert(ctx, a)
		if sent {
			took = append(took, c)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	err := errors.Join(problems...)
	if err == nil || len(took) == 0 {
		return err
	}
	handler.Log(ctx).ErrorContext(ctx, "message not sent", "message", a.Title, "error", err)
	for _, c := range took {
		if _, err := c.Alert(ctx, unheard(a, err)); err != nil {
			handler.Log(ctx).ErrorContext(ctx, "message not sent", "message", a.Title, "error", err)
		}
	}
	return nil
}

// unheard tells of channels that did not take a message, which is not tried again.
func unheard(a report.Alert, err error) report.Alert {
	return report.Alert{
		Key: a.Key + " not by all", Title: "A message could not be sent by every channel", Notify: a.Notify, At: a.At,
		Lines: []string{
			fmt.Sprintf("%s: %v", a.Title, err),
			"Goldsmith does not send this one again.",
			"Now: Tell who hears by that channel, and put right what the error says " +
				"(operations guide, \"nobody-told-of-PLAN\").",
		},
	}
}
