package ledger

import (
	"context"
	"time"
)

// Sighting is when something that the ledger does not hold itself was seen first, and last.
type Sighting struct {
	Key   string    `json:"key"`
	First time.Time `json:"first"`
	// Last is not the last look of all: it moves on often enough that what is looked at is remembered.
	Last time.Time `json:"last"`
}

func sightingKey(name string) key { return key{"sighting#" + name, "sighting"} }

// sight is the sighting of what is seen now.
func sight(ctx context.Context, s rows, name string, now time.Time) (Sighting, error) {
	toUTC(&now)
	k, seen := sightingKey(name), Sighting{Key: name, First: now, Last: now}
	doc, ok, err := s.read(ctx, k)
	if err == nil && !ok {
		doc, ok, err = addSighting(ctx, s, k, seen)
	}
	if err != nil {
		return Sighting{}, err
	}
	if ok {
		if seen, err = decode[Sighting](doc); err != nil || now.Sub(seen.Last) < Remembered/2 {
			return seen, err
		}
		seen.Last = now
	}
	if doc, err = encode(seen); err != nil {
		return Sighting{}, err
	}
	return seen, s.set(ctx, k, name, doc, now.Add(Remembered))
}

// addSighting notes the first sighting; another's that came before is given with ok.
func addSighting(ctx context.Context, s rows, k key, seen Sighting) (existing string, ok bool, err error) {
	doc, err := encode(seen)
	if err != nil {
		return "", false, err
	}
	existing, added, err := s.add(ctx, k, seen.Key, doc)
	return existing, !added, err
}
