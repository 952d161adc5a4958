package rollback

import (
	"cmp"
	"context"
	"fmt"

	"goldsmith/shared/event"
	"goldsmith/shared/handler"
	"goldsmith/shared/report"
	"goldsmith/shared/slack"
)

// tell sends one message of a rollback, and marks what it told of, so that who
// asks again is not heard twice. A message that Slack does not take is logged: the
// person who asked sees the answer.
func (s Step) tell(ctx context.Context, asked event.Rollback, targets []*target) error {
	var lines []string
	var untold []*target
	for _, t := range targets {
		switch {
		case t.Problem != "":
			lines = append(lines, t.line()+": "+t.Problem)
		case t.known.Back == nil && !t.There:
			untold = append(untold, t)
			lines = append(lines, t.line()+": "+report.Roll{Rolled: t.Rolled}.Change()+", and follows again")
		case t.known.Back != nil && t.known.Back.Told.IsZero() && t.known.Back.Image == t.To:
			untold = append(untold, t)
			lines = append(lines, t.line()+": "+report.Roll{Rolled: t.Rolled}.Change())
		}
	}
	if len(untold) == 0 {
		return nil
	}
	title := fmt.Sprintf("%s is rolled back by %s", asked.Name, cmp.Or(asked.By, "somebody"))
	lines = append(lines, "New images are not rolled into what was rolled back until somebody lets it follow again; the next run says how.")
	if _, err := s.slack.Send(ctx, slack.Alert(title, lines, "", "")); err != nil {
		handler.Log(ctx).ErrorContext(ctx, "not told", "name", asked.Name, "error", err)
		return nil
	}
	for _, t := range untold {
		if t.known.Back == nil {
			continue
		}
		told := t.known
		back := *told.Back
		back.Told = s.now().UTC()
		told.Back = &back
		if err := s.put(ctx, t, told); err != nil {
			return err
		}
	}
	return nil
}

func (t *target) line() string { return report.Label(t.Name, t.Rolled.Target) }
