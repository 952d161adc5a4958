package rehearsal

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// asked is how many instances one call asks for: a page of DescribeInstanceInformation holds 50.
const asked = 50

// hooks sees on which sources the plan's commands could not be run now: Systems Manager does not reach their agents.
// What would be done then is what the plan says. Where Systems Manager may not be asked, nothing is said of it.
func (s Stage) hooks(ctx context.Context, p plan.Plan, sources []Source) error {
	if !p.Commanded() || s.Agents == nil {
		return nil
	}
	var ids []string
	for _, src := range sources {
		if hooked(src) {
			ids = append(ids, src.ID)
		}
	}
	reached, err := s.reached(ctx, ids)
	if fault.IsDenied(err) {
		return nil
	}
	for i, src := range sources {
		if err == nil && hooked(src) && !reached[src.ID] {
			sources[i] = unreached(src, p)
		}
	}
	return err
}

// reached are the instances that take commands.
func (s Stage) reached(ctx context.Context, ids []string) (map[string]bool, error) {
	reached := map[string]bool{}
	for part := range slices.Chunk(ids, asked) {
		out, err := s.Agents.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{
			Filters:    []types.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: part}},
			MaxResults: aws.Int32(asked),
		})
		if err != nil {
			return nil, fmt.Errorf("asking Systems Manager for agents: %w", err)
		}
		for _, i := range out.InstanceInformationList {
			reached[aws.ToString(i.InstanceId)] = i.PingStatus == types.PingStatusOnline
		}
	}
	return reached, nil
}

// hooked reports whether commands would be run on a source.
func hooked(s Source) bool {
	return s.Running && (s.Decision == job.StopFirst || s.Decision == job.ImageNow)
}

// unreached is a source whose agent Systems Manager does not reach, with what would come of that.
func unreached(src Source, p plan.Plan) Source {
	frozen := p.Consistency == plan.Frozen
	why := "Systems Manager does not reach its agent: it needs the agent, an instance profile with " +
		"AmazonSSMManagedInstanceCore, and a way to Systems Manager"
	before := job.Reason{Code: job.BeforeFailed, Text: job.BeforeOf(frozen) + " could not be run now: " + why}
	switch {
	case !frozen && p.Hooks.Before == "":
		src.Warnings = append(slices.Clone(src.Warnings),
			job.Reason{Code: job.AfterFailed, Text: job.AfterOf(frozen) + " could not be run now: " + why})
	case p.Failing() == plan.HookIgnore:
		before.Text = job.BeforeOf(frozen) + " could not be run now, and it would be imaged all the same: " + why
		src.Warnings = append(slices.Clone(src.Warnings), before)
	default:
		src = src.skipped(before)
	}
	return src
}
