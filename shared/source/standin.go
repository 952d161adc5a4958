package source

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// StandIns are the members that stand for their Auto Scaling groups in a run whose plan picks one of each group, by
// the group's name; nil for any other run. chosen are those that it has on former pages: they stand whatever has become
// of them, so that of a group one is imaged. A group all of whose members are left alone anyhow has none.
func StandIns(run job.Run, p plan.Plan, now time.Time, selected []types.Instance, chosen map[string]string,
) map[string]string {
	if p.Groups.Pick == "" || run.Request != nil && run.Request.Source != "" {
		return nil
	}
	stand := map[string]types.Instance{}
	for _, i := range selected {
		group := Tags(i)[tag.Group]
		if group == "" || unfit(Facts{Run: run, Plan: p, Now: now}.Of(i)) {
			continue
		}
		if other, has := stand[group]; !has || before(p.Groups.Pick, i, other) {
			stand[group] = i
		}
	}
	ids := make(map[string]string, len(stand))
	for group, i := range stand {
		ids[group] = aws.ToString(i.InstanceId)
	}
	maps.Copy(ids, chosen)
	return ids
}

// unfit reports whether a member is left alone for what EC2 shows of it anyhow, now and later.
func unfit(f Facts) bool {
	reason, _ := f.judged()
	return reason != nil && reason.Code != job.ChangingState
}

// before reports whether a member stands for its group rather than another. One that is not running, such as in a warm
// pool, does so for want of one that is; of two that are alike it is the one with the lower id.
func before(pick plan.GroupPick, a, b types.Instance) bool {
	order := cmp.Compare(idle(a), idle(b))
	switch pick {
	case plan.PickOldest:
		order = cmp.Or(order, since(a).Compare(since(b)))
	case plan.PickNewest:
		order = cmp.Or(order, since(b).Compare(since(a)))
	case plan.PickAny:
	}
	return cmp.Or(order, cmp.Compare(aws.ToString(a.InstanceId), aws.ToString(b.InstanceId))) < 0
}

func idle(i types.Instance) int {
	if State(i) == types.InstanceStateNameRunning {
		return 0
	}
	return 1
}

// since is when an instance was made. LaunchTime is that of its last start, so that the member that was stopped for an
// image would be the newest of all from then on; its first network interface is attached for as long as it exists.
func since(i types.Instance) time.Time {
	at := slices.IndexFunc(i.NetworkInterfaces, func(n types.InstanceNetworkInterface) bool {
		return n.Attachment != nil && aws.ToInt32(n.Attachment.DeviceIndex) == 0 && n.Attachment.AttachTime != nil
	})
	if at >= 0 {
		return *i.NetworkInterfaces[at].Attachment.AttachTime
	}
	return aws.ToTime(i.LaunchTime)
}

// StoodFor is why a member is left alone for which another one of its group stands; nil for any other instance, and for
// one that is gone.
func StoodFor(p plan.Plan, i types.Instance, stand map[string]string) *job.Reason {
	group := Tags(i)[tag.Group]
	by, has := stand[group]
	if group == "" || !has || by == aws.ToString(i.InstanceId) || Ending(State(i)) {
		return nil
	}
	return &job.Reason{Code: job.AnotherStands, Text: by + " stands for Auto Scaling group " + group +
		" (groups.pick: " + string(p.Groups.Pick) + ")"}
}

// Standing are the instances without the members for which another one stands.
func Standing(p plan.Plan, all []types.Instance, stand map[string]string) []types.Instance {
	return slices.DeleteFunc(slices.Clone(all), func(i types.Instance) bool { return StoodFor(p, i, stand) != nil })
}

// Touched is how many of these instances a run may touch: EC2 shows one that was terminated for an hour more.
func Touched(all []types.Instance) (n int) {
	for _, i := range all {
		if !Ending(State(i)) {
			n++
		}
	}
	return n
}
