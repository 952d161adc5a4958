package asg

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Judge says what a plan has done about a group that uses what was rolled, and what a report says of it; a run and
// its rehearsal ask alike. A refresh is begun when the decision is Plain or Desired.
func Judge(g types.AutoScalingGroup, rolled Rolled, images Images, want plan.Refresh) (Decision, job.Refresh) {
	r := job.Refresh{Group: aws.ToString(g.AutoScalingGroupName)}
	if owner := OwnerOf(g); owner != "" && !slices.Contains(want.Groups, r.Group) {
		r.Note = leftTo(owner)
		return Decision{Do: Left}, r
	}
	d := Decide(g, rolled, images)
	r.From, r.To = d.From, d.To
	switch d.Do {
	case Nothing:
		r.Problem = d.Why
	case Settled, Left:
		r.Note = d.Why
	case Plain, Desired:
		r.Note = join(d.Why, waits(g, want))
	}
	return d, r
}

// PinnedWarning names the groups that go on launching an older version of what was rolled, for a plan that refreshes
// none; nil when there are none.
func PinnedWarning(groups []types.AutoScalingGroup, rolled Rolled) *job.Reason {
	var pinned []string
	for _, g := range groups {
		for _, spec := range Pinned(g, rolled) {
			pinned = append(pinned, fmt.Sprintf("%s (%s)", aws.ToString(g.AutoScalingGroupName), spec))
		}
	}
	if len(pinned) == 0 {
		return nil
	}
	return &job.Reason{Code: job.PinnedGroup, Text: fmt.Sprintf(
		"Groups that name an older version go on launching it: %s. Update them, let them name $Default, or set "+
			"roll.refresh.enabled.",
		job.Few(pinned, job.MaxRefreshes))}
}

// Beyond is what is said of groups that a source has beyond job.MaxRefreshes.
func Beyond(groups int) job.Refresh {
	return job.Refresh{
		Group:   fmt.Sprintf("%d more groups", groups),
		Problem: fmt.Sprintf("At most %d groups of a source are refreshed: refresh these yourself.", job.MaxRefreshes),
	}
}
