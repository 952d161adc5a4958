// Package pace keeps all runs of an account's Region together within the rates at which EC2 lets it make images and
// start instances: what is stopped faster than it can be started stays down for longer, and calls that are refused keep
// everybody else in the account from theirs.
package pace

import (
	"context"
	"fmt"
	"time"

	"goldsmith/shared/ledger"
)

// rate is a token bucket of EC2's.
type rate struct {
	row    string
	burst  int
	second float64 // tokens that come back
}

// EC2's documented rates of an account in a Region (Developer Guide, "Request throttling for the Amazon EC2 API"). Of
// the bursts a fifth is left to others. StopInstances has the rate of CreateImage, and comes before it.
var (
	images = rate{"CreateImage", 40, 5}
	// starting are calls of StartInstances, started the instances that they name.
	starting = rate{"StartInstances", 4, 2}
	started  = rate{"StartInstances resources", 800, 2}
)

func (r rate) moments() ledger.Row {
	return ledger.Row{
		Name: r.row, Every: time.Duration(float64(time.Second) / r.second), Burst: r.burst,
	}
}

// Ledger is the ledger as far as a pace needs it.
type Ledger interface {
	Reserve(ctx context.Context, r ledger.Row, now time.Time, patience time.Duration) (time.Time, bool, error)
}

// farthest is after which time no source begins: 170,000 begin within a day. A row that is taken for longer was taken
// by a wrong clock, and holds up none.
const farthest = 24 * time.Hour

// forever is longer than a run's sources need at any pace.
const forever = 30 * 24 * time.Hour

// Begin is when a source may begin: its image can be made then, and the instance be started again where it is stopped.
func Begin(ctx context.Context, l Ledger, now time.Time, stops bool) (at time.Time, err error) {
	rates := []rate{images}
	if stops {
		rates = append(rates, started)
	}
	for _, r := range rates {
		moment, _, err := l.Reserve(ctx, r.moments(), now, forever)
		if err != nil {
			return at, fmt.Errorf("asking when a source may begin: %w", err)
		}
		if moment.After(at) && moment.Sub(now) < farthest {
			at = moment
		}
	}
	return at, nil
}

// Over is how long it takes until so many sources have begun that are stopped.
func Over(sources int) (over time.Duration) {
	for _, r := range []rate{images, started} {
		over = max(over, time.Duration(max(0, sources-r.burst))*r.moments().Every)
	}
	return over
}
