package bound

import (
	"time"

	"goldsmith/shared/ledger"
)

// row is who has places and who waits, seen by one who asks.
type row struct {
	own    []ledger.Slot   // its own places: one at most
	turns  []ledger.Slot   // its own
	places map[string]bool // those of others
	before int             // others who wait and have asked before
}

func (a Ask) row(slots []ledger.Slot) row {
	r := row{places: map[string]bool{}}
	for _, s := range slots {
		if s.Source == a.Source && s.Run == a.Run {
			r.mine(s)
		} else {
			r.other(s, a.Now)
		}
	}
	return r
}

func (r *row) mine(s ledger.Slot) {
	switch s.Kind {
	case ledger.Places:
		r.own = append(r.own, s)
	case ledger.Turns:
		r.turns = append(r.turns, s)
	case ledger.Stops, ledger.Downs, ledger.Exempt, ledger.Members, ledger.Starts: // No bound of those at once.
	}
}

// other counts what another source has. Turns are listed in the order of asking, so those after its own are behind it.
func (r *row) other(s ledger.Slot, now time.Time) {
	switch s.Kind {
	case ledger.Places:
		r.places[s.ID] = true
	case ledger.Turns:
		if len(r.turns) == 0 && now.Sub(s.Seen) < Stale {
			r.before++
		}
	case ledger.Stops, ledger.Downs, ledger.Exempt, ledger.Members, ledger.Starts: // No bound of those at once.
	}
}
