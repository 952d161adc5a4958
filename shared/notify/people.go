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

// Alert tells them. One channel that took it is enough; what the others say is logged.
func (p People) Alert(ctx context.Context, a report.Alert) error {
	a.Notify = plan.Notify{Via: p.Via}
	var problems []error
	took := false
	for _, name := range a.Notify.Channels() {
		c, ok := p.Channels[name]
		if !ok {
			problems = append(problems, fmt.Errorf("this version knows no channel %s", name))
			continue
		}
		sent, err := c.Alert(ctx, a)
		if took = took || sent; err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	err := errors.Join(problems...)
	if err == nil || !took {
		return err
	}
	handler.Log(ctx).ErrorContext(ctx, "message not sent", "message", a.Title, "error", err)
	return nil
}
