package night_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/sfn"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// One member stands for its group in each run, night after night the same one, and the others are left alone for that:
// a stop makes no member a newer one. The rehearsal says so before.
func TestOneMemberStandsForItsGroup(t *testing.T) {
	for pick, which := range map[plan.GroupPick]func(members []string) string{
		plan.PickOldest: func(m []string) string { return m[0] },
		plan.PickNewest: func(m []string) string { return m[len(m)-1] },
		plan.PickAny:    func(m []string) string { return slices.Min(m) },
	} {
		t.Run(string(pick), func(t *testing.T) {
			play(t, shrinking(func(p *plan.Plan) {
				p.Groups.Pick, p.Limit = pick, plan.Limit{Count: 2}
			}), func(n *night) {
				web := n.launch("web", "")
				n.serving()
				members := n.grows(3)
				n.enrol(members...)
				n.begin()
				for night := range 2 {
					at := due.AddDate(0, 0, night)
					time.Sleep(time.Until(at.Add(-time.Millisecond)))
					p := n.plans.Plans["nightly"]
					said := n.rehearse(rehearsal.Scheduled(p, at), p)
					runs := n.finishAfter(at)
					r := runs[slices.IndexFunc(runs, func(r sfn.Execution) bool { return r.Name == job.RunName(p.Name, at) })]
					n.equals(said, r)
					for _, id := range members {
						want := map[bool]job.Ending{true: job.Imaged, false: job.Skipped}[id == which(members)]
						result := n.results(r)[id]
						n.want("ending of "+id, result.Ending, want)
						if want == job.Skipped {
							n.want("why", fmt.Sprint(result.Skip), fmt.Sprint(&job.Reason{Code: job.AnotherStands, Text: which(members) +
								" stands for Auto Scaling group web (groups.pick: " + string(pick) + ")"}))
						}
					}
					n.want("ending of web", n.results(r)[web].Ending, job.Imaged)
					n.saysOf(r, "OK: ")
				}
				n.serves(members)
			})
		})
	}
}

// grows has a group of n.serving launch more, one after the other, and gives its members, the oldest first.
func (n *night) grows(to int32) []string {
	n.t.Helper()
	n.resized(func(in *updating) { in.MinSize, in.DesiredCapacity = aws.Int32(0), aws.Int32(0) })
	time.Sleep(3 * time.Minute)
	for size := range to {
		n.resized(func(in *updating) { in.DesiredCapacity = aws.Int32(size + 1) })
		time.Sleep(3 * time.Minute)
	}
	var members []string
	for _, i := range n.groupOf("web").Instances {
		members = append(members, aws.ToString(i.InstanceId))
	}
	return members
}

// A request for one member is of that member, whichever stands for its group.
func TestARequestForAMemberThatDoesNotStand(t *testing.T) {
	play(t, shrinking(func(p *plan.Plan) {
		p.Groups.Pick, p.Schedule = plan.PickOldest, "cron(30 12 * * ? *)"
	}), func(n *night) {
		n.serving()
		members := n.grows(3)
		n.enrol(members...)
		n.begin()
		n.want("ending", n.results(n.request(members[2]))[members[2]].Ending, job.Imaged)
		n.serves(members)
	})
}

type updating = autoscaling.UpdateAutoScalingGroupInput
