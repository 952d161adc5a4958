// Package breaker knows when nothing more may be stopped: while a source is down beyond
// its patience. The ledger's marks say which to look at, their claims say why; a mark
// without its claim counts for nothing, so the breaker closes when the source is back.
package breaker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Reader is the ledger as far as looking needs it.
type Reader interface {
	Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error]
	Claims(ctx context.Context) iter.Seq2[ledger.Claim, error]
}

// Book is the ledger as far as marking needs it.
type Book interface {
	Record(ctx context.Context, c ledger.Claim) error
	Take(ctx context.Context, s ledger.Slot, before time.Time) (bool, error)
}

// Freer gives slots up.
type Freer interface {
	Free(ctx context.Context, s ledger.Slot) error
}

// Block is a source that is down beyond its patience.
type Block struct {
	Claim ledger.Claim
	// Holds is what must not be stopped meanwhile.
	Holds Scope
	// Exempt is who has said that others need not wait for it; empty when nobody has.
	Exempt string
}

// Open are the sources that are down beyond their patience. Mostly there is none, and one
// small read says so.
func Open(ctx context.Context, book Reader) ([]Block, error) {
	marks, exempt, err := marked(ctx, book)
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	var open []Block
	for c, err := range book.Claims(ctx) {
		var unreadable *ledger.Unreadable
		mark, down := marks[c.Source]
		switch {
		case errors.As(err, &unreadable):
			// What it says cannot be read; that the source is down, its mark says.
			c = ledger.Claim{Source: c.Source, Name: mark.Name, Run: mark.Run, StopSent: mark.Since, Problem: "its claim cannot be read"}
		case err != nil:
			return nil, fmt.Errorf("reading why it is down: %w", err)
		}
		if down && c.Run == mark.Run {
			open = append(open, Block{Claim: c, Holds: scopeOf(c), Exempt: exempt[c.Source+" "+c.Run]})
		}
	}
	return open, nil
}

// marked are the sources that are marked as down, and by source and run who has exempted one.
func marked(ctx context.Context, book Reader) (marks map[string]ledger.Slot, exempt map[string]string, err error) {
	marks, exempt = map[string]ledger.Slot{}, map[string]string{}
	for s, err := range book.Slots(ctx, ledger.EveryPlan) {
		if err != nil {
			return nil, nil, fmt.Errorf("reading who is down: %w", err)
		}
		switch s.Kind {
		case ledger.Downs:
			marks[s.Source] = s
		case ledger.Exempt:
			exempt[s.Source+" "+s.Run] = s.By
		case ledger.Places, ledger.Turns, ledger.Stops: // These say nothing of who is down.
		}
	}
	return marks, exempt, nil
}

// Against is the open breaker that forbids to stop the job's source; nil when none does.
func Against(ctx context.Context, book Reader, j job.Job) (*job.Reason, error) {
	open, err := Open(ctx, book)
	if err != nil {
		return nil, err
	}
	for _, b := range open {
		if b.Exempt == "" && b.Claim.Source != j.Source.ID && b.stands(j) {
			return &job.Reason{Code: job.BreakerOpen, Text: b.Why() + ". It was not touched. " + b.Do()}, nil
		}
	}
	return nil, nil
}

func (b Block) stands(j job.Job) bool {
	c := b.Claim
	switch b.Holds {
	case Account:
		return true
	case Pool:
		return c.InstanceType == j.Source.InstanceType && c.Zone == j.Source.Zone
	case Host:
		return c.Host == j.Source.Host
	default:
		return c.Plan == "" || c.Plan == j.Run.Plan
	}
}

// Why names the source that is down, and the reason.
func (b Block) Why() string {
	c := b.Claim
	name := c.Source
	if c.Name != "" && c.Name != c.Source {
		name = c.Name + " (" + c.Source + ")"
	}
	why := c.Problem
	if why == "" {
		why = "it does not come back"
	}
	since := c.StopSent.UTC().Format("2006-01-02 15:04 UTC")
	return fmt.Sprintf("%s of plan %s is down since %s: %s", name, c.Plan, since, strings.TrimSuffix(why, "."))
}

// Do is what a person does about it.
func (b Block) Do() string {
	return fmt.Sprintf("%s is stopped until it runs again: see to %s", b.Holds.nothing(b.Claim), b.Claim.Source)
}

const (
	// patience is how long EC2 may refuse a start before others are kept from being stopped.
	patience = 5 * time.Minute
)

// Refused notes in the claim that EC2 does not start its source, with EC2's code, and opens
// the breaker once that has lasted, or at once when trying again cannot help.
func Refused(ctx context.Context, book Book, c ledger.Claim, code, problem string, now time.Time) (ledger.Claim, error) {
	if c.Refused.IsZero() {
		c.Refused = now
	}
	if c.RefusedBy != code || c.Problem != problem || c.Refused.Equal(now) {
		c.RefusedBy, c.Problem = code, problem
		if err := book.Record(ctx, c); err != nil {
			return c, fmt.Errorf("recording what keeps it down: %w", err)
		}
	}
	if !lasts(code) && now.Sub(c.Refused) < patience {
		return c, nil
	}
	return c, Mark(ctx, book, c)
}

// Mark opens the breaker for a claim's source.
func Mark(ctx context.Context, book Book, c ledger.Claim) error {
	if _, err := book.Take(ctx, mark(c.Source, c.Run, c.Name, c.StopSent), c.Since); err != nil {
		return fmt.Errorf("marking %s as down: %w", c.Source, err)
	}
	return nil
}

// Clear closes the breaker for a source that was seen running, or gone.
func Clear(ctx context.Context, book Freer, source, run string) error {
	if err := book.Free(ctx, mark(source, run, "", time.Time{})); err != nil {
		return fmt.Errorf("clearing the mark of %s: %w", source, err)
	}
	return nil
}

func mark(source, run, name string, since time.Time) ledger.Slot {
	return ledger.Slot{Plan: ledger.EveryPlan, Kind: ledger.Downs, ID: source, Source: source, Name: name, Run: run, Since: since}
}
