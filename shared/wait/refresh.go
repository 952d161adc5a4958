package wait

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// forRefresh awaits the first that has not ended. The others are looked at when it has.
func forRefresh(j job.Job) (*job.Await, error) {
	i := slices.IndexFunc(j.Refreshes, job.Refresh.Going)
	if i < 0 {
		return nil, fmt.Errorf("no instance refresh of %s is open", j.Source.ID)
	}
	return &job.Await{Resource: j.Refreshes[i].ID, For: job.ForRefresh, Until: j.Times.Released.Add(refreshLimit)}, nil
}

// lookRefreshes brings the records up to date. However a refresh ended, the wait
// for it ends well: what was asked for is told, and concerns no source.
func lookRefreshes(
	ctx context.Context, api autoscaling.DescribeInstanceRefreshesAPIClient, j job.Job, now time.Time,
) (job.Job, bool, error) {
	j.Refreshes = slices.Clone(j.Refreshes)
	for i, r := range j.Refreshes {
		if !r.Going() {
			continue
		}
		r, err := lookRefresh(ctx, api, r, now)
		if err != nil {
			return j, false, err
		}
		if r.Going() && now.After(j.Await.Until) {
			r.Problem = fmt.Sprintf("The refresh is %s after %s. Auto Scaling goes on with it for up to 14 days; Goldsmith "+
				"waits for it no longer.",
				r.Status, now.Sub(j.Times.Released).Round(time.Minute))
		}
		j.Refreshes[i] = r
		if r.Going() && r.ID == j.Await.Resource {
			return j, false, nil
		}
	}
	return j, true, nil
}

// lookRefresh describes one refresh. What cannot be described for good, since
// its group was deleted or a permission is missing, is nothing to wait for.
func lookRefresh(
	ctx context.Context, api autoscaling.DescribeInstanceRefreshesAPIClient, r job.Refresh, now time.Time,
) (job.Refresh, error) {
	out, err := api.DescribeInstanceRefreshes(ctx, &autoscaling.DescribeInstanceRefreshesInput{
		AutoScalingGroupName: aws.String(r.Group), InstanceRefreshIds: []string{r.ID},
	})
	switch {
	case err == nil && len(out.InstanceRefreshes) > 0:
		return asg.Noted(r, out.InstanceRefreshes[0]), nil
	case err == nil && now.Sub(r.Began) <= appearing:
		return r, nil
	case err == nil:
		r.Problem = "Auto Scaling does not know refresh " + r.ID + " any more."
	case fault.IsTransient(err) || fault.IsNotYet(err):
		return r, fmt.Errorf("looking at instance refresh %s of group %s: %w", r.ID, r.Group, err)
	default:
		r.Problem = "How the refresh ended is not known: " + fault.Brief(err)
	}
	return r, nil
}
