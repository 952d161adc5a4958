package ledger

import (
	"context"
	"fmt"
)

// Waiting is the ledger's waits.
type Waiting interface {
	Waits(ctx context.Context, resource string) ([]Wait, error)
	Done(ctx context.Context, w Wait) error
}

// Forget removes the waits of a run for a resource, whose steps have ended: their tokens are not used any more.
func Forget(ctx context.Context, l Waiting, resource, run string) error {
	waits, err := l.Waits(ctx, resource)
	if err != nil {
		return fmt.Errorf("looking for who waits for %s: %w", resource, err)
	}
	for _, w := range waits {
		if w.Run != run {
			continue
		}
		if err := l.Done(ctx, w); err != nil {
			return fmt.Errorf("forgetting the wait for %s: %w", resource, err)
		}
	}
	return nil
}
