package breaker

import (
	"context"
	"fmt"
	"time"

	"goldsmith/shared/ledger"
)

// Denial is how long such a mark stays where no run asks function start whether it may start its source by now.
const Denial = 12 * time.Hour

// byStart is who writes such a mark.
const byStart = "start"

// Deny opens the breaker for everything, since function start was denied to start a source that is back by now.
func Deny(ctx context.Context, l Ledger, c ledger.Claim, now time.Time) error {
	s := mark(c.Source, c.Run, c.Name, now)
	s.ID, s.By = byStart+" "+c.Source, byStart
	if _, err := l.Take(ctx, s, now); err != nil {
		return fmt.Errorf("noting that function start may not start %s: %w", c.Source, err)
	}
	return nil
}

// Denials are what function start was denied to start.
func Denials(ctx context.Context, l Marks) ([]Block, error) {
	_, _, denied, err := marked(ctx, l)
	return denied, err
}

// IsDenial reports whether a slot is such a mark.
func IsDenial(s ledger.Slot) bool { return s.Kind == ledger.Downs && s.By == byStart }

// deniedBy is what such a mark holds back. Its code is EC2's for a caller that may not make the call.
func deniedBy(s ledger.Slot) Block {
	return Block{Denied: true, Holds: Account, Claim: ledger.Claim{
		Source: s.Source, Name: s.Name, Run: s.Run, StopSent: s.Since, RefusedBy: "UnauthorizedOperation",
	}}
}

// Lift takes such a mark away.
func Lift(ctx context.Context, l Freer, b Block) error {
	s := mark(b.Claim.Source, b.Claim.Run, b.Claim.Name, b.Claim.StopSent)
	s.ID, s.By = byStart+" "+b.Claim.Source, byStart
	if err := l.Free(ctx, s); err != nil {
		return fmt.Errorf("forgetting that function start was denied to start %s: %w", b.Claim.Source, err)
	}
	return nil
}
