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

// Decision is what is done with an instance. Skip is why nothing is; Warnings are what to know of one that is imaged.
type Decision struct {
	Do       job.Decision
	Skip     *job.Reason
	Warnings []job.Reason
}

// Decide says what a run does with an instance: nothing when it is not wanted, may not be imaged, or would have to be
// stopped after the run's last moment to stop one.
func Decide(f Facts) Decision {
	if reason := unwanted(f.Run, aws.ToString(f.Instance.InstanceId), f.Plan.Sources, Tags(f.Instance)); reason != nil {
		return Decision{Do: job.SkipIt, Skip: reason}
	}
	reason, warnings := f.judged()
	if reason != nil {
		return Decision{Do: job.SkipIt, Skip: reason}
	}
	if !f.WasRunning || f.Plan.Consistency != plan.Stop {
		return Decision{Do: job.ImageNow, Warnings: warnings}
	}
	if late := Late(f.Run, f.Now); late != nil {
		return Decision{Do: job.SkipIt, Skip: late}
	}
	return Decision{Do: job.StopFirst, Warnings: warnings}
}

// Ask decides, and asks what a Spot instance's request says now, and whether the instance is stop-protected, only if
// nothing else keeps it from being stopped.
func Ask(ctx context.Context, api Protector, f Facts) (Decision, error) {
	d := Decide(f)
	if d.Do != job.StopFirst {
		return d, nil
	}
	var err error
	if f, err = spotNow(ctx, api, f); err != nil {
		return d, err
	}
	if d = Decide(f); d.Do != job.StopFirst {
		return d, nil
	}
	if f, err = protected(ctx, api, f); err != nil {
		return d, err
	}
	return Decide(f), nil
}

// Never is why select leaves nothing of the instance for claim to decide. A request goes to claim in any case: release
// then takes its tag off. So does an instance that is changing its state: only claim can tell whether that is another
// run.
func Never(f Facts) *job.Reason {
	reason, _ := f.judged()
	if reason == nil || f.Run.Request != nil || reason.Code == job.ChangingState {
		return nil
	}
	return reason
}

// Late is why nothing is stopped any more: the run's window has closed.
func Late(run job.Run, now time.Time) *job.Reason {
	if run.Closes.IsZero() || !now.After(run.Closes) {
		return nil
	}
	return &job.Reason{
		Code: job.WindowClosed,
		Text: "the window closed at " + run.Closes.UTC().Format(time.RFC3339) + " before its turn came",
	}
}

// unwanted is the last look at the tags before anything is touched: a person may
// have taken the source out since the run began. It is nil when the run may go on.
//
// A request is bound by its plan like any other run: what the plan's selector keeps out stays out.
func unwanted(run job.Run, id string, s plan.Selector, tags map[string]string) *job.Reason {
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
		case asked, r.Value == "" && Enrolled(tags, run.Plan):
			return nil
		case r.Value == "":
			return &job.Reason{Code: job.NotEnrolled, Text: "tag " + tag.Plan + " does not name plan " + run.Plan +
				", and no tag " + tag.Request + " asks for it"}
		}
		return &job.Reason{Code: job.Withdrawn, Text: "tag " + tag.Request + " was taken off again"}
	}
	if !Enrolled(tags, run.Plan) {
		return &job.Reason{Code: job.NotEnrolled, Text: "tag " + tag.Plan + " does not name plan " + run.Plan + " any more"}
	}
	return nil
}

// Protector tells whether an instance is protected against being stopped, and what keeps a Spot instance.
type Protector interface {
	ec2.DescribeSpotInstanceRequestsAPIClient
	DescribeInstanceAttribute(context.Context, *ec2.DescribeInstanceAttributeInput,
		...func(*ec2.Options)) (*ec2.DescribeInstanceAttributeOutput, error)
}

// protected are the facts with whether the instance is protected against being stopped.
func protected(ctx context.Context, api Protector, f Facts) (Facts, error) {
	id := aws.ToString(f.Instance.InstanceId)
	out, err := api.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
		InstanceId: aws.String(id), Attribute: types.InstanceAttributeNameDisableApiStop,
	})
	// Instance-store instances cannot be protected, and a look-up that EC2 does
	// not support for an instance says as much.
	if code := fault.Code(err); code == "UnsupportedOperation" || code == "InvalidParameterCombination" {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("asking whether %s is stop-protected: %w", id, err)
	}
	f.ProtectionUnseen = out.DisableApiStop == nil || out.DisableApiStop.Value == nil
	f.StopProtected = !f.ProtectionUnseen && aws.ToBool(out.DisableApiStop.Value)
	return f, nil
}
