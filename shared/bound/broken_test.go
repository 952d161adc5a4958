package bound_test

import (
	"context"
	"errors"
	"iter"

	"goldsmith/shared/ledger"
)

var errBroken = errors.New("slow down")

// broken is a ledger that cannot be read; what can has nothing in it.
type broken struct{ slots, claims bool }

func (b broken) Slots(context.Context, string) iter.Seq2[ledger.Slot, error] {
	return unread[ledger.Slot](b.slots)
}

func (b broken) Claims(context.Context) iter.Seq2[ledger.Claim, error] {
	return unread[ledger.Claim](b.claims)
}

func unread[T any](broken bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if broken {
			var none T
			yield(none, errBroken)
		}
	}
}
