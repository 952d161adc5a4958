package source

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// Selected are the instances that a run is about, in id order.
func Selected(ctx context.Context, api Lister, run job.Run, s plan.Selector) ([]types.Instance, error) {
	if r := run.Request; r != nil && r.Source != "" {
		return requested(ctx, api, r.Source)
	}
	enrolled, err := FleetOf(ctx, api, run.Plan)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(enrolled, func(i types.Instance) bool {
		return !Chosen(Tags(i), aws.ToString(i.InstanceId), s)
	}), nil
}

// requested is the one source of a request. What EC2 does not show yet, or is no
// instance, goes on as a bare id: claim looks again and gives the reason.
func requested(ctx context.Context, api Lister, id string) ([]types.Instance, error) {
	instance, ok, err := Find(ctx, api, id)
	if err != nil || ok {
		return []types.Instance{instance}, err
	}
	return []types.Instance{{InstanceId: aws.String(id),
		State: &types.InstanceState{Name: types.InstanceStateNameRunning}}}, nil
}

// WithinLimit refuses a run that would touch more than its plan allows, and gives the
// limit as a number of sources; 0 when there is none.
func WithinLimit(ctx context.Context, api Lister, run job.Run, limit plan.Limit, selected int) (int, error) {
	total := 0
	if limit.Percent > 0 {
		var err error
		if total, err = Count(ctx, api); err != nil {
			return 0, err
		}
	}
	most, limited := limit.Most(total)
	if limited && selected > most {
		return most, fault.Failure("Nothing was touched. Raise the plan's limit, or narrow its sources.",
			"plan %s selects %d sources, its limit is %s", run.Plan, selected, bounded(limit, most))
	}
	return most, nil
}

// bounded is a limit as a number, and as what it was given as where that is a percentage.
func bounded(limit plan.Limit, most int) string {
	if limit.Percent > 0 {
		return fmt.Sprintf("%s (%d)", limit, most)
	}
	return fmt.Sprint(most)
}

// Unenrolled are the ids that a plan names and a run of all its sources does not select, with the reason.
func Unenrolled(run job.Run, s plan.Selector, selected []types.Instance) (ids []string, why job.Reason) {
	for _, id := range s.IDs {
		if run.Request == nil && !slices.ContainsFunc(selected,
			func(i types.Instance) bool { return aws.ToString(i.InstanceId) == id }) {
			ids = append(ids, id)
		}
	}
	return ids, job.Reason{Code: job.NotEnrolled, Text: "the plan names it, but its tag " + tag.Plan +
		" does not name the plan"}
}
