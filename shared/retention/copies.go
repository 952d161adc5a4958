package retention

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/ledger"
)

// Seen is how long after it was asked for a copy is left to the run that asked: that waits for less.
const Seen = 48 * time.Hour

// lost are the copies that no run looks at any more, and that came to nothing or were never answered.
func (o *Review) lost(region string, now time.Time) {
	young := func(r ledger.Registration) bool { return !r.Known() || now.Sub(r.Begun) < Seen }
	o.Unanswered = slices.DeleteFunc(o.Unanswered, young)
	if region == "" {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(o.Images)) {
		switch o.Images[id].State {
		case types.ImageStateFailed, types.ImageStateError, types.ImageStateInvalid:
			if r := o.Registered[id]; !young(r) {
				o.Lost = append(o.Lost, r)
			}
		default:
		}
	}
}
