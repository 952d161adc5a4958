package standby

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/ledger"
	"goldsmith/shared/report"
)

// Slots are what there is a bounded number of, as far as members need them.
type Slots interface {
	Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error]
}

// Spare has an instance refresh that is about to begin wait for a member that a run has out of service, an hour at
// most, where it would terminate what is in Standby. said tells of that; "" when it changes nothing. A record that
// cannot be read may be of the group.
func Spare(ctx context.Context, l Slots, group string, wish *types.RefreshPreferences) (said string, err error) {
	if wish.StandbyInstances != types.StandbyInstancesTerminate {
		return "", nil
	}
	for s, err := range l.Slots(ctx, ledger.EveryPlan) {
		var unreadable *ledger.UnreadableError
		switch {
		case errors.As(err, &unreadable):
			s = ledger.Slot{Kind: ledger.Members, ID: group, Source: "a member"}
		case err != nil:
			return "", fmt.Errorf("looking which member of group %s is out of service: %w", group, err)
		}
		if s.Kind == ledger.Members && s.ID == group {
			wish.StandbyInstances = types.StandbyInstancesWait
			return "It terminates nothing in Standby, as the plan would have it, since " + report.Label(s.Name, s.Source) +
				" is there for an image: it waits an hour for that.", nil
		}
	}
	return "", nil
}
