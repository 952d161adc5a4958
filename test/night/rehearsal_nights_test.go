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

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// rest is from one run to the next; a day would only be more sweeps.
const rest = 2 * time.Hour

// What the rehearsal says of old images is what the night does with them, while
// they come, are used, are in nobody's way any more, and go.
func TestRehearsalsOfSeveralNights(t *testing.T) {
	t.Parallel()
	met, afarMet := map[job.Status]int{}, []string{}
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random, more := rand.New(rand.NewPCG(seed, 0x901d)), rand.New(rand.NewPCG(seed, 0xafa5))
			plans := nightly(func(p *plan.Plan) {
				p.Keep.Last, p.Keep.Minimum, p.Keep.Disable = 1+random.IntN(2), 1+random.IntN(2), random.IntN(2) == 0
				// Not a multiple of the rest: the night ends some minutes after it was rehearsed.
				p.Keep.Grace = plan.Duration(time.Duration(90+60*random.IntN(3)) * time.Minute)
				p.Schedule = "cron(30 0/2 * * ? *)"
				if random.IntN(3) == 0 {
					p.Share = plan.Share{Accounts: accounts(consumerA), Snapshots: random.IntN(2) == 0}
				}
			}, anyCopies(more))
			o := afar(plans)
			o.Seed = seed + 1
			play(t, o, func(n *night) {
				n.excused.slack, n.excused.afar = true, true // rollbacks are told as well
				for i := range 3 {
					n.launch(fmt.Sprintf("server-%d", i), "private")
				}
				n.anyTemplates(random)
				n.anyAfar(more)
				n.begin()
				for round := range 6 {
					at := due.Add(rest * time.Duration(round))
					afarMet = append(afarMet, problemsAfar(n.rehearsedNight(plans.Plans["nightly"], at, random, met))...)
					n.meddleAfar(more)
				}
			})
		})
	}
	for _, status := range []job.Status{job.Deprecated, job.Disabled, job.Retired, job.InUse} {
		if met[status] == 0 {
			t.Errorf("no night met %q: %v", status, met)
		}
	}
	wantAfar(t, afarMet, "held", "its instance type", "it takes its image from resolve:")
}

// rehearsedNight rehearses a night just before it is due; afterwards somebody may use one of its images.
func (n *night) rehearsedNight(p plan.Plan, at time.Time, random *rand.Rand, met map[job.Status]int,
) rehearsal.Night {
	n.t.Helper()
	time.Sleep(time.Until(at.Add(-time.Millisecond)))
	said := n.rehearse(rehearsal.Scheduled(p, at), p)
	for _, r := range n.finishAfter(at) {
		if r.Name == job.RunName(p.Name, at) {
			n.equals(said, r)
		}
	}
	for each, err := range n.Ledger.Retirements(n.ctx, p.Name) {
		n.ok(err)
		if each.Run == job.RunName(p.Name, at) {
			met[each.Status]++
		}
	}
	images := slices.DeleteFunc(n.images(), func(i types.Image) bool { return i.State != types.ImageStateAvailable })
	if random.IntN(2) == 0 && len(images) > 0 {
		one := aws.Int32(1)
		must(n.cloud.RunInstances(n.ctx, &sdk.RunInstancesInput{
			ImageId: images[random.IntN(len(images))].ImageId, InstanceType: "t3.micro", MinCount: one, MaxCount: one,
		}))(n.t)
	}
	return said
}
