package night_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/plan"
)

// An image that was disabled has its permissions back after the plan's next run once it is enabled, whether the plan
// keeps every image or not. Where no run has seen it disabled a person may have taken them away, and they stay so.
func TestAnEnabledImageIsSharedAgainWhateverThePlanKeeps(t *testing.T) {
	t.Parallel()
	for _, rules := range []bool{true, false} {
		for _, seen := range []bool{true, false} {
			t.Run(fmt.Sprintf("rules %t, seen %t", rules, seen), func(t *testing.T) {
				plans := nightly(func(p *plan.Plan) {
					p.Share = plan.Share{Accounts: accounts(consumerA, consumerB), Snapshots: true}
					p.Copies = []plan.Copy{{Region: virginia, Share: p.Share}}
					if rules {
						p.Keep.Last = 3
					}
				})
				play(t, afar(plans), func(n *night) {
					web := n.launch("web", "gp3")
					n.through(0)
					image, copied := n.imageOf(web), n.firstOf(web).Copies[0].ID
					launch := func() []int {
						return []int{len(n.launches(image, consumerA, consumerB)),
							len(n.launchesIn(virginia, copied, consumerA, consumerB))}
					}
					n.takeAway(homeRegion, image, true)
					n.takeAway(virginia, copied, true)
					if time.Sleep(time.Hour); seen {
						n.through(1)
					}
					must(n.cloud.EnableImage(n.ctx, &sdk.EnableImageInput{ImageId: aws.String(image)}))(n.t)
					must(n.abroad(virginia).EnableImage(n.ctx, &sdk.EnableImageInput{ImageId: aws.String(copied)}))(n.t)
					n.want("who launches them when they are enabled", launch(), []int{0, 0})
					n.through(2)
					want := map[bool]int{true: 2}[seen]
					n.want("who launches them after a run", launch(), []int{want, want})
					n.finish()
				})
			})
		}
	}
}
