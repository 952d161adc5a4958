package source_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// fleet draws instances of which some are members of groups, in id order.
func fleet(t *rapid.T) (all []types.Instance) {
	states := []types.InstanceStateName{types.InstanceStateNameRunning, types.InstanceStateNameRunning,
		types.InstanceStateNameStopped, types.InstanceStateNameTerminated}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range rapid.IntRange(0, 12).Draw(t, "instances") {
		tags := []types.Tag{{Key: aws.String(tag.Plan), Value: aws.String("nightly")}}
		if group := rapid.SampledFrom([]string{"", "web", "api"}).Draw(t, "group"); group != "" {
			tags = append(tags, types.Tag{Key: aws.String(tag.Group), Value: aws.String(group)})
		}
		made := start.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "made")) * time.Hour)
		all = append(all, types.Instance{
			InstanceId: aws.String(fmt.Sprintf("i-%017d", i)), Tags: tags, LaunchTime: aws.Time(start.AddDate(0, 0, 100-i)),
			State: &types.InstanceState{Name: rapid.SampledFrom(states).Draw(t, "state")},
			NetworkInterfaces: []types.InstanceNetworkInterface{{Attachment: &types.InstanceNetworkInterfaceAttachment{
				DeviceIndex: aws.Int32(0), AttachTime: &made}}},
		})
	}
	return all
}

func picking(pick plan.GroupPick) plan.Plan {
	p := plan.Default()
	p.Name, p.Consistency, p.Groups.Pick = "nightly", plan.Reboot, pick
	return p
}

func made(i types.Instance) time.Time { return *i.NetworkInterfaces[0].Attachment.AttachTime }

// Of each group with a member that may be imaged exactly one is not left alone, in whatever order EC2 gives them. It
// is running if any is, and as old or new as the plan says; what is no member is never left alone for one.
func TestStandIns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := fleet(t)
		p := picking(rapid.SampledFrom(plan.GroupPicks).Draw(t, "pick"))
		run := job.Run{Plan: "nightly"}
		stand := source.StandIns(run, p, time.Now(), all, nil)
		shuffled := rapid.Permutation(all).Draw(t, "order")
		if other := source.StandIns(run, p, time.Now(), shuffled, nil); !maps.Equal(stand, other) {
			t.Fatalf("%v, and in another order %v", stand, other)
		}
		stands := map[string]types.Instance{}
		for _, i := range source.Standing(p, all, stand) {
			group := source.Tags(i)[tag.Group]
			if source.Ending(source.State(i)) || group == "" {
				continue
			}
			if _, second := stands[group]; second {
				t.Fatalf("two of group %s are imaged", group)
			}
			stands[group] = i
		}
		for _, i := range all {
			if group := source.Tags(i)[tag.Group]; group != "" && !source.Ending(source.State(i)) {
				holdsBefore(t, p.Groups.Pick, stands[group], i)
			}
		}
	})
}

// holdsBefore holds that the member that stands does so rightly rather than another.
func holdsBefore(t *rapid.T, pick plan.GroupPick, stands, other types.Instance) {
	running := source.State(stands) == types.InstanceStateNameRunning
	switch {
	case stands.InstanceId == nil:
		t.Fatalf("nobody stands for the group of %s", *other.InstanceId)
	case running != (source.State(other) == types.InstanceStateNameRunning):
		if !running {
			t.Fatalf("%s stands, and %s runs", *stands.InstanceId, *other.InstanceId)
		}
	case pick == plan.PickOldest && made(stands).After(made(other)),
		pick == plan.PickNewest && made(stands).Before(made(other)),
		pick == plan.PickAny && *stands.InstanceId > *other.InstanceId:
		t.Fatalf("%s stands as the %s, and not %s", *stands.InstanceId, pick, *other.InstanceId)
	}
}

// Who was chosen on an earlier page stands, whatever has become of the group since; a request for one source and a plan
// that does not pick have nobody stand for another.
func TestStandInsOfLaterPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, p := fleet(t), picking(rapid.SampledFrom(plan.GroupPicks).Draw(t, "pick"))
		chosen := source.StandIns(job.Run{Plan: "nightly"}, p, time.Now(), before, nil)
		after := slices.DeleteFunc(slices.Clone(before), func(types.Instance) bool { return rapid.Bool().Draw(t, "gone") })
		for group, id := range source.StandIns(job.Run{Plan: "nightly"}, p, time.Now(), after, chosen) {
			if was, had := chosen[group]; had && was != id {
				t.Fatalf("%s stands for group %s after %s", id, group, was)
			}
		}
		one := job.Run{Plan: "nightly", Request: &job.Request{Source: "i-1"}}
		if got := source.StandIns(one, p, time.Now(), before, nil); got != nil {
			t.Fatalf("a request for one: %v", got)
		}
		if got := source.StandIns(job.Run{Plan: "nightly"}, picking(""), time.Now(), before, nil); got != nil {
			t.Fatalf("a plan that does not pick: %v", got)
		}
	})
}
