package ledger

import (
	"context"
	"time"
)

// beginning is when a ledger began.
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
