package asg

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/plan"
)

// leftTo is a sentence about a group that another AWS service owns.
func leftTo(owner string) string {
	return fmt.Sprintf("It belongs to %s, which repairs it: left alone. "+
		"List it in roll.refresh.groups to have it refreshed all the same.", owner)
}

// ProtectedAs is the plan's word as Auto Scaling has it; empty is Auto Scaling's default, Wait.
func ProtectedAs(p plan.Protected) types.ScaleInProtectedInstances {
	return map[plan.Protected]types.ScaleInProtectedInstances{
		plan.ProtectedWait:    types.ScaleInProtectedInstancesWait,
		plan.ProtectedIgnore:  types.ScaleInProtectedInstancesIgnore,
		plan.ProtectedRefresh: types.ScaleInProtectedInstancesRefresh,
	}[p]
}

// StandbyAs is the plan's word as Auto Scaling has it; empty is Auto Scaling's default, Wait.
func StandbyAs(s plan.Standby) types.StandbyInstances {
	return map[plan.Standby]types.StandbyInstances{
		plan.StandbyWait:      types.StandbyInstancesWait,
		plan.StandbyIgnore:    types.StandbyInstancesIgnore,
		plan.StandbyTerminate: types.StandbyInstancesTerminate,
	}[s]
}

// waits is a sentence about members that a refresh waits for, an hour at most, and then fails (API reference,
// RefreshPreferences); empty when there are none, or the plan does otherwise.
func waits(g types.AutoScalingGroup, want plan.Refresh) string {
	protected, standby := Waiting(g)
	said := ""
	if protected > 0 && (want.Protected == "" || want.Protected == plan.ProtectedWait) {
		said = fmt.Sprintf("%d of its members are protected from scale-in: the refresh waits an hour for them and fails, "+
			"unless roll.refresh.protected says ignore or refresh.", protected)
	}
	if standby > 0 && (want.Standby == "" || want.Standby == plan.StandbyWait) {
		said = join(said, fmt.Sprintf("%d of its members are in Standby: the refresh waits an hour for them and fails, "+
			"unless roll.refresh.standby says ignore or terminate.", standby))
	}
	return said
}

// Waiting are how many members a refresh waits for unless it is told otherwise: those that are protected from
// scale-in, and those in Standby.
func Waiting(g types.AutoScalingGroup) (protected, standby int) {
	protected = count(g.Instances, func(i types.Instance) bool { return aws.ToBool(i.ProtectedFromScaleIn) })
	return protected, count(g.Instances, away)
}

func count(members []types.Instance, is func(types.Instance) bool) (n int) {
	for _, i := range members {
		if is(i) {
			n++
		}
	}
	return n
}
