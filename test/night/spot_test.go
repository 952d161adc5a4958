package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// launchSpot launches one of a persistent Spot request that ends then.
func (n *night) launchSpot(ends time.Time) string {
	n.t.Helper()
	out := must(n.cloud.RunInstances(n.ctx, &sdk.RunInstancesInput{ImageId: aws.String(ec2.ImageX86),
		InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance,
			Tags: tag.List(map[string]string{"Name": "web", tag.Plan: "nightly"})}},
		InstanceMarketOptions: &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot,
			SpotOptions: &types.SpotMarketOptions{SpotInstanceType: types.SpotInstanceTypePersistent,
				InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorStop, ValidUntil: aws.Time(ends)}}}))(n.t)
	web := aws.ToString(out.Instances[0].InstanceId)
	n.as(web, ec2.Running)
	return web
}

// A Spot instance that is stopped when its request ends is not started again by EC2: it is not stopped before.
func TestSpotInstancesAreNotStoppedBeforeTheirRequestEnds(t *testing.T) {
	for _, left := range []time.Duration{15 * time.Second, 10 * time.Minute, 12 * time.Hour} {
		t.Run(left.String(), func(t *testing.T) {
			play(t, stack.Options{Plans: nightly()}, func(n *night) {
				web := n.launchSpot(due.Add(left))
				got := n.results(n.run()[0])[web]
				n.want("ending", got.Ending, job.Skipped)
				n.want("stops", len(n.stopsOf(web)), 0)
				if when := job.UTC(due.Add(left)); got.Skip == nil || !strings.Contains(got.Skip.Text, when) {
					t.Errorf("%+v does not tell the time, %s", got.Skip, when)
				}
			})
		})
	}
}

func TestSpotInstancesAreImagedLongBeforeTheirRequestEnds(t *testing.T) {
	play(t, stack.Options{Plans: nightly()}, func(n *night) {
		web := n.launchSpot(due.Add(48 * time.Hour))
		n.want("ending", n.results(n.run()[0])[web].Ending, job.Imaged)
	})
}

// spotLooks is how far apart the tries to start a Spot instance are within the first minute.
const spotLooks = 11 * time.Second

// EC2 starts a Spot instance once its request is disabled, which no event tells: it is down for a few seconds longer,
// and that is not found out by a call for each second.
func TestSpotInstancesAreStartedSoonAfterTheirRequestIsDisabled(t *testing.T) {
	for _, disabled := range []time.Duration{0, 4 * time.Second, 17 * time.Second, 41 * time.Second, time.Minute} {
		t.Run(disabled.String(), func(t *testing.T) {
			timing := ec2.DefaultTiming()
			timing.SpotDisabled = ec2.Span{Min: disabled, Max: disabled}
			play(t, stack.Options{Plans: nightly(), EC2: ec2.Options{Timing: timing}}, func(n *night) {
				web := n.launchSpot(due.Add(48 * time.Hour))
				r := n.run()[0]
				n.want("ending", n.results(r)[web].Ending, job.Imaged)
				if added := n.addedDowntime(r, web); added > disabled+spotLooks+3*time.Second {
					n.t.Errorf("down %s longer than EC2 needs, and its request is disabled after %s", added, disabled)
				}
				if starts := len(n.callsOf("StartInstances", web)); starts > 11 {
					n.t.Errorf("%d starts", starts)
				}
			})
		})
	}
}

// hashicorp/terraform-provider-aws#33399: what was just stopped cannot be started for a while.
func TestSpotInstancesWhoseRequestIsLateComeBack(t *testing.T) {
	timing := ec2.DefaultTiming()
	timing.SpotDisabled = ec2.Span{Min: 10 * time.Minute, Max: 10 * time.Minute}
	play(t, stack.Options{Plans: nightly(), EC2: ec2.Options{Timing: timing}}, func(n *night) {
		web := n.launchSpot(due.Add(48 * time.Hour))
		n.want("ending", n.results(n.run()[0])[web].Ending, job.Imaged)
	})
}
