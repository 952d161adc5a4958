package command

import (
	"context"
	"errors"
	"strings"
	"time"

	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/ledger"
	"goldsmith/shared/report"
)

// held is a source that is down beyond its patience, and what it keeps from being stopped.
type held struct {
	Source string    `json:"source"`
	Name   string    `json:"name,omitempty"`
	Plan   string    `json:"plan"`
	Run    string    `json:"run"`
	Since  time.Time `json:"since"`
	// Why is what keeps it down, and Holds what is not stopped meanwhile, as the subject of a sentence.
	Why   string `json:"why"`
	Holds string `json:"holds"`
	// Until is when it is stopped again, as the end of a sentence.
	Until string `json:"until"`
	// By is who has exempted it at At, so that nothing waits for it.
	By string     `json:"exemptedBy,omitempty"`
	At *time.Time `json:"exemptedAt,omitempty"`
}

// held are the open breakers, those that a person has exempted included.
func (s site) held(ctx context.Context) ([]held, error) {
	open, err := breaker.Open(ctx, s.ledger)
	if err != nil {
		return nil, err
	}
	all := []held{}
	for _, b := range open {
		h := held{
			Source: b.Claim.Source, Name: b.Claim.Name, Plan: b.Claim.Plan, Run: b.Claim.Run, Since: b.Claim.StopSent,
			Why: b.Why(), Holds: b.Held(), Until: b.Until(),
		}
		if b.Exempt != nil {
			h.By, h.At = b.Exempt.By, &b.Exempt.Since
		}
		all = append(all, h)
	}
	return all, nil
}

// turn is a source that waits until others of its plan are back.
type turn struct {
	Plan   string    `json:"plan"`
	Source string    `json:"source"`
	Name   string    `json:"name,omitempty"`
	Run    string    `json:"run"`
	Since  time.Time `json:"since"`
	// Behind are the sources of the plan that are down, or about to be, and Before how many wait in front of it.
	Behind []string `json:"behind"`
	Before int      `json:"before"`
}

// turns are the sources that wait, in the order in which it is their turn.
func (s site) turns(ctx context.Context, now time.Time) ([]turn, error) {
	places, waiting := map[string][]string{}, []ledger.Slot{}
	for slot, err := range s.ledger.Slots(ctx, "") {
		var unreadable *ledger.UnreadableError
		switch {
		case errors.As(err, &unreadable): // The sweep tells of it.
		case err != nil:
			return nil, wrap("reading who waits", err)
		case slot.Kind == ledger.Places:
			places[slot.Plan] = append(places[slot.Plan], report.Label(slot.Name, slot.Source))
		case slot.Kind == ledger.Turns && now.Sub(slot.Seen) < bound.Stale:
			waiting = append(waiting, slot)
		}
	}
	all, before := []turn{}, map[string]int{}
	for _, w := range waiting {
		all = append(all, turn{
			Plan: w.Plan, Source: w.Source, Name: w.Name, Run: w.Run, Since: w.Since, Behind: places[w.Plan],
			Before: before[w.Plan],
		})
		before[w.Plan]++
	}
	return all, nil
}

func (s status) printHeld(p *page) {
	s.printHolding(p, p.in(red, "The circuit breaker is open"), func(h held) bool { return h.At == nil }, func(h held) {
		p.fold("    ", "%s is stopped until %s. To have others not wait for it:", h.Holds, h.Until)
		p.line("  goldsmith exempt %s", h.Source)
	})
	s.printHolding(p, "Exempted: others do not wait for these", func(h held) bool { return h.At != nil }, func(h held) {
		p.fold("    ", "Exempted by %s at %s. To take that back:", h.By, stamp(*h.At))
		p.line("  goldsmith exempt --undo %s", h.Source)
	})
}

func (s status) printHolding(p *page, heading string, listed func(held) bool, more func(held)) {
	headed := false
	for _, h := range s.Held {
		if !listed(h) {
			continue
		}
		if !headed {
			p.heading("%s", heading)
			headed = true
		}
		p.fold("  ", "%s.", sentence(h.Why))
		more(h)
	}
}

// mostTurns is how many waiting sources are listed.
const mostTurns = 20

func (s status) printTurns(p *page) {
	if len(s.Turns) == 0 {
		return
	}
	p.heading("Waiting for their turn")
	for _, t := range s.Turns[:min(mostTurns, len(s.Turns))] {
		p.fold("  ", "%s of plan %s since %s", report.Label(t.Name, t.Source), t.Plan, stamp(t.Since))
		p.fold("    ", "%s", t.behind())
	}
	if more := len(s.Turns) - mostTurns; more > 0 {
		p.line("  and %d more", more)
	}
}

func (t turn) behind() string {
	text := "down before it: " + someOf(t.Behind)
	if t.Before > 0 {
		text += "; waiting before it: " + count(t.Before, "source")
	}
	return text
}

// someOf names the first few of many.
func someOf(names []string) string {
	const most = 3
	switch {
	case len(names) == 0:
		return "none any more"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + " and " + count(len(names)-most, "other")
	default:
		return strings.Join(names, ", ")
	}
}
