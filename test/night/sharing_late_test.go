package night_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// launchedBy is an image that another account uses, in its Region.
type launchedBy struct {
	region, image string
	template      bool
	at            time.Time
}

// lateLaunches are plans that share what they make, each with the days that are played and how many worlds are drawn.
var lateLaunches = []struct {
	schedule string
	days     int
	worlds   uint64
}{
	{"rate(12 hours)", 12, 1}, {"cron(30 0 * * ? *)", 16, 1}, {"rate(2 days)", 24, 4}, {"cron(30 0 ? * SUN *)", 63, 1},
}

// Other accounts launch whatever they may at any moment, also just before its sharing is taken back. What they have
// launched is there as long as they run it, and so is what their launch templates named before it was deprecated;
// what none uses goes, however seldom the plan runs.
func TestOtherAccountsLaunchLate(t *testing.T) {
	t.Parallel()
	gone := map[string]int{}
	for _, c := range lateLaunches {
		for seed := range c.worlds {
			t.Run(fmt.Sprint(c.schedule, " ", seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, c.worlds))
				o := afar(nightly(func(p *plan.Plan) {
					share := plan.Share{Accounts: accounts(consumerA, consumerB)}
					p.Schedule, p.Share, p.Roll.Skip = c.schedule, share, true
					p.Keep = plan.Keep{Last: 1, Minimum: 1, Grace: plan.MinGrace}
					p.Copies = []plan.Copy{{Region: virginia, Share: share}}
				}))
				o.Seed, o.Sweep = seed+1, 6*time.Hour
				play(t, o, func(n *night) {
					n.launch("web", "gp3")
					n.begin()
					used := n.launchesLate(random, c.days)
					n.finish()
					gone[c.schedule] += n.thereOf(used)
				})
			})
		}
		if gone[c.schedule] == 0 {
			t.Errorf("nothing goes of a plan that is due %s", c.schedule)
		}
	}
}

// launchesLate lets days go by in which other accounts launch some of what they may, most of it just before it goes.
func (n *night) launchesLate(random *rand.Rand, days int) (used []launchedBy) {
	n.t.Helper()
	for end := time.Now().AddDate(0, 0, days); time.Now().Before(end); {
		time.Sleep(time.Duration(1+random.IntN(10*days/4)) * time.Hour / 2)
		region := []string{homeRegion, virginia}[random.IntN(2)]
		var may []types.Image
		for _, i := range n.ownIn(region) {
			if len(n.launchesIn(region, aws.ToString(i.ImageId), consumerA)) == 1 {
				may = append(may, i)
			}
		}
		if len(may) == 0 {
			continue
		}
		// The oldest is the next whose sharing is taken back.
		slices.SortFunc(may, func(a, b types.Image) int {
			return aws.ToTime(parsed(a.CreationDate)).Compare(aws.ToTime(parsed(b.CreationDate)))
		})
		i := may[0]
		if random.IntN(3) == 0 {
			i = may[random.IntN(len(may))]
		}
		u := launchedBy{region, aws.ToString(i.ImageId), random.IntN(4) == 0, time.Now()}
		if u.template && i.DeprecationTime != nil {
			continue // docs/sharing.md: such a template may be missing in EC2's report.
		}
		n.ok(n.EC2.In(region).UseBy(consumerA, u.image, u.template))
		used = append(used, u)
	}
	return used
}

func parsed(text *string) *time.Time {
	at, err := time.Parse(time.RFC3339, aws.ToString(text))
	if err != nil {
		return nil
	}
	return &at
}

// ownIn are the account's own images in a Region.
func (n *night) ownIn(region string) []types.Image {
	n.t.Helper()
	return must(n.abroad(region).DescribeImages(n.ctx, &sdk.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), IncludeDeprecated: aws.Bool(true),
	}))(n.t).Images
}

// thereOf wants what is used to be there, and is how many images are gone.
func (n *night) thereOf(used []launchedBy) (gone int) {
	n.t.Helper()
	there := map[string]bool{}
	for _, region := range []string{homeRegion, virginia} {
		for _, i := range n.ownIn(region) {
			there[aws.ToString(i.ImageId)] = true
		}
	}
	for _, u := range used {
		if !there[u.image] {
			n.t.Errorf("%s in %s was used from %s on, by a launch template %t, and is gone", u.image, u.region, u.at, u.template)
		}
	}
	for r, err := range n.Ledger.Retirements(n.ctx, "nightly") {
		n.ok(err)
		if r.Status == job.Retired && !there[r.Subject] {
			gone++
		}
	}
	return gone
}
