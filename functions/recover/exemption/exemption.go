// Package exemption is how a person keeps a source that is down from holding others back.
package exemption

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// Exemption is how a person keeps a source that is down from holding others back.
type Exemption struct {
	Ledger  exemptLedger
	Notices executions.Noticer
	Notify  plan.Notify
	Now     func() time.Time
}

// exemptLedger is the ledger as far as exempting needs it.
type exemptLedger interface {
	breaker.Reader
	breaker.Freer
	Take(ctx context.Context, s ledger.Slot, before time.Time) (bool, error)
}

// Exempted is a source that others do not wait for, or wait for again when Undone.
type Exempted struct {
	Source string `json:"source"`
	Name   string `json:"name"`
	Run    string `json:"run"`
	// Why is what keeps it down; Holds what is not stopped while it is not exempted.
	Why    string `json:"why"`
	Holds  string `json:"holds"`
	Undone bool   `json:"undone,omitempty"`
}

// Exempt writes down who has exempted a source and when, or takes that back. It lasts until the source is back.
func (x Exemption) Exempt(ctx context.Context, e event.Exempt) (*Exempted, error) {
	block, err := x.find(ctx, e.Source)
	if err != nil {
		return nil, err
	}
	now := x.Now().UTC()
	switch {
	case e.Undo:
		err = x.undo(ctx, block)
	case block.Denied:
		err = breaker.Lift(ctx, x.Ledger, block)
	default:
		err = x.exempt(ctx, block.Exemption(e.By, now))
	}
	if err != nil {
		return nil, err
	}
	handler.Log(ctx).WarnContext(ctx, "exempted a source", "source", block.Claim.Source, "run", block.Claim.Run, "by",
		e.By, "undone", e.Undo)
	made := &Exempted{
		Source: block.Claim.Source, Name: block.Claim.Name, Run: block.Claim.Run,
		Why: block.Why(), Holds: string(block.Holds), Undone: e.Undo,
	}
	x.notify(ctx, *made, block, e.By, now)
	return made, nil
}

// find is the one source of that id or name that holds the breaker open.
func (x Exemption) find(ctx context.Context, wanted string) (breaker.Block, error) {
	open, err := breaker.Open(ctx, x.Ledger)
	if err != nil {
		return breaker.Block{}, err
	}
	var found []breaker.Block
	var ids []string
	for _, b := range open {
		if b.Claim.Source == wanted || b.Claim.Name == wanted {
			found, ids = append(found, b), append(ids, b.Claim.Source)
		}
	}
	switch len(found) {
	case 0:
		return breaker.Block{}, fault.Failure("goldsmith status shows what is down and what it keeps from being stopped.",
			"%s keeps nothing from being stopped", wanted)
	case 1:
		return found[0], nil
	default:
		return breaker.Block{}, fault.Failure("Name the one that is meant by its id.",
			"%d sources that are down are called %s: %s",
			len(found), wanted, strings.Join(ids, ", "))
	}
}

// exempt writes it down, and gives up the place that the source has among those of its plan that may be down: with a
// concurrency of one the others would wait for that.
func (x Exemption) exempt(ctx context.Context, s ledger.Slot) error {
	if _, err := x.Ledger.Take(ctx, s, s.Since); err != nil { // One of an earlier run gives way.
		return fmt.Errorf("exempting %s: %w", s.Source, err)
	}
	var places []ledger.Slot
	for each, err := range x.Ledger.Slots(ctx, "") {
		var unreadable *ledger.UnreadableError
		switch {
		case errors.As(err, &unreadable):
		case err != nil:
			return fmt.Errorf("reading the bounds of plans: %w", err)
		case each.Kind == ledger.Places && each.Source == s.Source && each.Run == s.Run:
			places = append(places, each)
		}
	}
	for _, place := range places {
		if err := x.Ledger.Free(ctx, place); err != nil {
			return fmt.Errorf("giving up the place of %s: %w", s.Source, err)
		}
	}
	return nil
}

// undo has the source count again: it is down, and so it has a place again.
func (x Exemption) undo(ctx context.Context, b breaker.Block) error {
	if b.Exempt == nil {
		return fault.Failure("There is nothing to take back.", "%s is not exempted",
			report.Label(b.Claim.Name, b.Claim.Source))
	}
	if err := bound.PlaceBack(ctx, x.Ledger, b.Claim); err != nil {
		return err
	}
	return x.Ledger.Free(ctx, *b.Exempt)
}

// notify lets people know. A notice that cannot be sent does not undo it.
func (x Exemption) notify(ctx context.Context, e Exempted, b breaker.Block, by string, now time.Time) {
	label := report.Label(e.Name, e.Source)
	n := notify.Notice{
		Key: fmt.Sprintf("exempt %s %s %t %d", e.Source, e.Run, e.Undone, now.UnixMilli()), Notify: x.Notify,
		Title: by + " has exempted " + label,
		Lines: []string{e.Why + ".",
			"Others do not wait for it any more, and it does not count among those that its plan may have down at once. " +
				"Goldsmith goes on trying to start it every few minutes.",
			"It ends when " + label + " is back, or by: goldsmith exempt --undo " + e.Source,
			"Now: " + b.Remedy()},
	}
	if b.Denied {
		n.Title, n.Lines = by+" has others stopped again, though function start was denied to start "+label, []string{
			e.Why + ".", "Now: " + b.Remedy() + " Should it be denied a start again, nothing more is stopped.",
		}
	}
	if e.Undone {
		n.Title, n.Lines = by+" has taken back that "+label+" is exempted", []string{
			e.Why + ". " + b.Held() + " is stopped until " + b.Until() + ".", "Now: " + b.Remedy() + " " + b.Otherwise(),
		}
	}
	if _, err := x.Notices.Notice(ctx, n); err != nil {
		handler.Log(ctx).ErrorContext(ctx, "exemption notice not sent", "source", e.Source, "error", err)
	}
}
