package source

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// Reasons that no look at an instance gives.
var (
	Gone = job.Reason{Code: job.Gone, Text: "EC2 does not know it any more"}
	// NoSnapshot is for a snapshot: one that another account shares is copied by a person first.
	NoSnapshot = job.Reason{Code: job.Gone, Text: "this account has no such snapshot any more"}
)

// Unwanted is the last look at the tags before anything is touched: somebody may
// have taken the source out since the run began. It is nil when the run may go on.
//
// A request is bound by its plan like any other run: what the plan's selector keeps out stays out.
func Unwanted(run job.Run, id string, s plan.Selector, tags map[string]string) *job.Reason {
	if reason := unasked(run, tags); reason != nil {
		return reason
	}
	if why := unchosen(tags, id, s); why != "" {
		return &job.Reason{Code: job.Excluded, Text: "plan " + run.Plan + " leaves it out: " + why}
	}
	return nil
}

func unasked(run job.Run, tags map[string]string) *job.Reason {
	if r := run.Request; r != nil && r.Source != "" {
		_, asked := tags[tag.Request]
		switch {
		case asked || Enrolled(tags, run.Plan):
			return nil
		case r.Value == "":
			return &job.Reason{Code: job.NotEnrolled, Text: "tag " + tag.Plan + " does not name plan " + run.Plan + ", and no tag " + tag.Request + " asks for it"}
		}
		return &job.Reason{Code: job.Withdrawn, Text: "tag " + tag.Request + " was taken off again"}
	}
	if !Enrolled(tags, run.Plan) {
		return &job.Reason{Code: job.NotEnrolled, Text: "tag " + tag.Plan + " does not name plan " + run.Plan + " any more"}
	}
	return nil
}

// Protector tells whether an instance is protected against being stopped.
type Protector interface {
	DescribeInstanceAttribute(context.Context, *ec2.DescribeInstanceAttributeInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceAttributeOutput, error)
}

// Protected asks for stop protection, where it would matter: DescribeInstances does not show it.
func Protected(ctx context.Context, api Protector, id string, p plan.Plan) (bool, error) {
	if p.Consistency != plan.Stop {
		return false, nil
	}
	out, err := api.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
		InstanceId: aws.String(id), Attribute: types.InstanceAttributeNameDisableApiStop,
	})
	// Instance-store instances cannot be protected, and a look-up that EC2 does
	// not support for an instance says as much.
	if code := fault.Code(err); code == "UnsupportedOperation" || code == "InvalidParameterCombination" {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking whether %s is stop-protected: %w", id, err)
	}
	return out.DisableApiStop != nil && aws.ToBool(out.DisableApiStop.Value), nil
}

// Decide is what is done with an instance that may be imaged. The window is the
// run's last moment to stop one.
func Decide(running bool, run job.Run, p plan.Plan, now time.Time) (job.Decision, *job.Reason) {
	if !running || p.Consistency != plan.Stop {
		return job.ImageNow, nil
	}
	if !run.Closes.IsZero() && now.After(run.Closes) {
		return job.SkipIt, &job.Reason{
			Code: job.WindowClosed,
			Text: "the window closed at " + run.Closes.UTC().Format(time.RFC3339) + " before its turn came",
		}
	}
	return job.StopFirst, nil
}
