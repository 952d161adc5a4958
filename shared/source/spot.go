package source

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

const (
	// downFor is how long a source may be down: a slow shutdown, snapshots that are long in coming and a start take
	// less. One that is started only with its image may be down for as long as EC2 may take for that, which wait bounds
	// with 30 hours.
	downFor         = 30 * time.Minute
	downForItsImage = 31 * time.Hour
	// StartsWithoutRoom is how long a start is tried for which EC2 has no room: the state machine's noCapacity, 150
	// starts, five minutes apart at most.
	StartsWithoutRoom = 13 * time.Hour
)

// DownFor is how long a source of the plan may be down that EC2 starts when it is asked to.
func DownFor(p plan.Plan) time.Duration {
	if p.Restart == plan.Available {
		return downForItsImage
	}
	return downFor
}

// A persistent request remains active until its ValidUntil (API reference, SpotMarketOptions), and is cancelled then
// (User Guide, "Spot Instance request states"): what is stopped by that time cannot be started any more. Room for a
// Spot instance may be hours in coming.
func spotEnds(f Facts) string {
	if f.SpotCancelled && f.Stops() {
		return "its Spot request is cancelled: EC2 would not start it again after a stop. " +
			"Image it with consistency none or reboot, or launch it anew"
	}
	if f.SpotEnds.IsZero() || !f.Stops() || f.SpotEnds.After(f.Now.Add(DownFor(f.Plan)+StartsWithoutRoom)) {
		return ""
	}
	return fmt.Sprintf("its Spot request ends at %s: if it were still stopped then, EC2 would not start it again. "+
		"Image it with consistency none or reboot, or launch it with a later end", job.UTC(f.SpotEnds))
}

// spotNow are the facts with what a Spot instance's request says now: it may have been cancelled since select looked.
func spotNow(ctx context.Context, api ec2.DescribeSpotInstanceRequestsAPIClient, f Facts) (Facts, error) {
	one := []Facts{f}
	err := askSpot(ctx, api, one)
	return one[0], err
}

func askSpot(ctx context.Context, api ec2.DescribeSpotInstanceRequestsAPIClient, facts []Facts) error {
	requests := map[string][]int{}
	for i, f := range facts {
		if f.Instance.InstanceLifecycle == types.InstanceLifecycleTypeSpot {
			// What cannot be shown to be persistent is taken for one-time: stopping it would fail.
			facts[i].OneTimeSpot = true
			id := aws.ToString(f.Instance.SpotInstanceRequestId)
			requests[id] = append(requests[id], i)
		}
	}
	if len(requests) == 0 {
		return nil
	}
	var ids []string
	for id := range requests {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out, err := api.DescribeSpotInstanceRequests(ctx, &ec2.DescribeSpotInstanceRequestsInput{
		Filters: []types.Filter{{Name: aws.String("spot-instance-request-id"), Values: ids}},
	})
	if err != nil {
		return fmt.Errorf("looking up Spot requests: %w", err)
	}
	for _, r := range out.SpotInstanceRequests {
		for _, i := range requests[aws.ToString(r.SpotInstanceRequestId)] {
			facts[i].OneTimeSpot, facts[i].SpotEnds = r.Type != types.SpotInstanceTypePersistent, aws.ToTime(r.ValidUntil)
			facts[i].SpotCancelled = r.State == types.SpotInstanceStateCancelled
		}
	}
	return nil
}
