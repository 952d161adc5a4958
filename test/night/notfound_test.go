package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// An instance that describes do not know for a while after its stop comes back, and no message says that it was
// terminated: a describe may lag.
func TestAStoppedInstanceIsNotFoundForAWhile(t *testing.T) {
	for _, step := range []string{"stop", "image", "start"} {
		for _, aborted := range []bool{false, true} {
			for _, long := range []time.Duration{20 * time.Second, 3 * time.Minute, 12 * time.Minute, 40 * time.Minute} {
				t.Run(fmt.Sprint("after ", step, " for ", long, ", aborted ", aborted), func(t *testing.T) {
					t.Parallel()
					play(t, stack.Options{Plans: few(), History: true}, func(n *night) {
						n.excused.dead = true
						web := n.launch("web", "")
						n.begin()
						n.after(step, web, func(work) { n.forgets(web, long, aborted) })
						time.Sleep(time.Until(due.Add(2 * time.Hour)))
						n.want("state", n.EC2.State(web), ec2.Running)
						n.want("told that it was terminated", strings.Contains(n.said(), "was terminated"), false)
					})
				})
			}
		}
	}
}

// forgets has describes not know an instance for as long, and aborts its run or not.
func (n *night) forgets(id string, long time.Duration, aborted bool) {
	n.EC2.Inject(ec2.Fault{
		Action: "DescribeInstances", Resource: id, Code: "InvalidInstanceID.NotFound", Until: time.Now().Add(long),
	})
	if aborted {
		n.abortAll()
	}
}

// The place and the mark of what is down stay its own while describes do not know it, though its claim is lost: else
// more of its plan would be stopped than may be down.
func TestAPlaceOfWhatIsNotFoundForAWhile(t *testing.T) {
	for _, claimed := range []bool{true, false} {
		for _, long := range []time.Duration{12 * time.Minute, 3 * time.Hour, 9 * time.Hour} {
			t.Run(fmt.Sprint("for ", long, ", claimed ", claimed), func(t *testing.T) {
				t.Parallel()
				plans := demand(func(p *plan.Plan) { p.Concurrency = 1; p.Roll.Skip = true })
				play(t, stack.Options{Plans: plans, History: true}, func(n *night) {
					n.excused.dead = true
					web, api := n.launch("web", ""), n.launch("api", "")
					n.begin()
					n.after("stop", web, func(work) {
						n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: "UnsupportedOperation"})
					})
					n.ask(web, "now")
					time.Sleep(2 * time.Hour)
					if !claimed {
						n.losesClaims()
						must(n.cloud.DeleteTags(n.ctx, &sdk.DeleteTagsInput{
							Resources: []string{web}, Tags: []types.Tag{{Key: aws.String(tag.Stopped)}},
						}))(n.t)
					}
					n.forgets(web, long, false)
					time.Sleep(30 * time.Minute)
					n.ask(api, "now")
					time.Sleep(10 * time.Hour)
					n.want("stops of api", len(n.stopsOf(api)), 0)
					n.excused.stopped[web] = true
				})
			})
		}
	}
}

// losesClaims drops all claims, as a person who removes their records.
func (n *night) losesClaims() {
	n.t.Helper()
	for c, err := range n.Ledger.Claims(n.ctx) {
		n.ok(err)
		n.ok(n.Ledger.(*ledger.Memory).Drop(n.ctx, c.Source, c.Run))
	}
}
