package notify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"goldsmith/shared/handler"
	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// Channel is one way by which people or programs hear. Neither method sends where nothing is set up for the channel, or
// where the plan does not want it: then sent is false, and err nil.
type Channel interface {
	// Report tells how a run ended.
	Report(ctx context.Context, r report.Report) (sent bool, err error)
	// Alert tells what should be known beside that.
	Alert(ctx context.Context, a report.Alert) (sent bool, err error)
}

// message is what is to be sent by each channel once. Its name is that of its record in the ledger.
type message struct {
	name, plan string
	notify     plan.Notify
	by         func(ctx context.Context, c Channel) (sent bool, err error)
}

// done is what became of a message: the channels that have it now, and those that did not take it.
type done struct{ sent, failed []plan.Channel }

// send sends a message by every channel that does not have it. A channel that fails is logged and counted, hides no
// other, and is told by those that do not.
func (t Notifier) send(ctx context.Context, m message) (d done) {
	problems := map[plan.Channel]error{}
	channels := m.notify.Channels()
	for i, name := range channels {
		sent, err := t.sendBy(ctx, name, m, len(channels)-i)
		if err != nil {
			handler.Log(ctx).ErrorContext(ctx, "message not sent", "channel", string(name), "message", m.name, "error", err)
			metric.Put(ctx, handler.Log(ctx), metric.NotifyFailed, m.plan, 1)
			d.failed, problems[name] = append(d.failed, name), err
			continue
		}
		handler.Log(ctx).InfoContext(ctx, "channel done", "channel", string(name), "message", m.name, "sent", sent)
		if sent {
			d.sent = append(d.sent, name)
		}
	}
	for _, name := range d.failed {
		t.alertOf(ctx, name, problems[name], m, d.sent)
	}
	return d
}

// sendBy sends a message by one channel, with left-1 others to come. Where there are others, what one of them has is
// marked: who tries again then leaves it out.
func (t Notifier) sendBy(ctx context.Context, name plan.Channel, m message, left int) (sent bool, err error) {
	c, ok := t.Channels[name]
	if !ok {
		return false, fmt.Errorf("this version knows no channel %s", name)
	}
	if len(m.notify.Channels()) == 1 {
		return m.by(ctx, c)
	}
	record := m.name + " by " + string(name) // No execution can have this name.
	known, _, err := t.Runs.GetRun(ctx, record)
	if err != nil {
		return false, fmt.Errorf("looking whether %s has it: %w", name, err)
	}
	if !known.Told.IsZero() {
		return true, nil
	}
	part, cancel := partOf(ctx, left)
	defer cancel()
	if sent, err = m.by(part, c); err != nil || !sent {
		return false, err
	}
	if _, err := t.Runs.Notified(ctx, record, t.Now().UTC()); err != nil {
		return true, fmt.Errorf("marking that %s has it: %w", name, err)
	}
	return true, nil
}

// partOf is a channel's part of the time that there is, so that one that hangs leaves some to the others, and to
// telling of it.
func partOf(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/time.Duration(left+1))
}

// alertOf tells by the channels that work of one that does not, once for each message. It is logged already: where this
// cannot be told there is nothing more to do.
func (t Notifier) alertOf(ctx context.Context, broken plan.Channel, problem error, m message, by []plan.Channel) {
	by = slices.DeleteFunc(slices.Clone(by), func(c plan.Channel) bool { return c == broken })
	if len(by) == 0 {
		return
	}
	record := m.name + " not by " + string(broken)
	if known, _, err := t.Runs.GetRun(ctx, record); err != nil || !known.Told.IsZero() {
		return
	}
	told := false
	for _, name := range by {
		sent, err := t.Channels[name].Alert(ctx, report.Alert{
			Key: record, Title: "A message could not be sent by " + string(broken), Notify: m.notify, At: t.Now().UTC(),
			Lines: []string{
				fmt.Sprintf("%s: it was not sent by %s: %v", m.name, broken, problem),
				"Goldsmith tries again at every sweep, by that channel alone, for five days.",
				"Now: Put right what the error says (operations guide, \"nobody-told-of-PLAN\").",
			},
		})
		if err != nil {
			handler.Log(ctx).ErrorContext(ctx, "message not sent", "channel", string(name), "message", record, "error", err)
		}
		told = told || sent
	}
	if told {
		if _, err := t.Runs.Notified(ctx, record, t.Now().UTC()); err != nil {
			handler.Log(ctx).WarnContext(ctx, "message sent, not marked", "message", record, "error", err)
		}
	}
}
