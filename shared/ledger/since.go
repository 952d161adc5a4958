package ledger

import (
	"context"
	"time"
)

// beginning is from when on a ledger is to tell of runs.
type beginning struct {
	At time.Time `json:"at"`
}

var sinceKey = key{"ledger", "since"}

func since(ctx context.Context, s rows, now time.Time) (time.Time, error) {
	toUTC(&now)
	doc, ok, err := s.read(ctx, sinceKey)
	if err != nil {
		return time.Time{}, err
	}
	if !ok {
		begun, err := encode(beginning{now})
		if err != nil {
			return time.Time{}, err
		}
		existing, added, err := s.add(ctx, sinceKey, "since", begun)
		if err != nil || added {
			return now, err
		}
		doc = existing
	}
	b, err := decode[beginning](doc)
	return b.At, err
}

// heard moves the beginning on. Of two at the same time the earlier moment may stay, which is as true.
func heard(ctx context.Context, s rows, until time.Time) error {
	toUTC(&until)
	known, ok, err := s.read(ctx, sinceKey)
	if err != nil || !ok {
		return err
	}
	b, err := decode[beginning](known)
	if err != nil || !b.At.Before(until) {
		return err
	}
	doc, err := encode(beginning{until})
	if err != nil {
		return err
	}
	return s.set(ctx, sinceKey, "since", doc, time.Time{})
}
