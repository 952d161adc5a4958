package source_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// protector is EC2's answer about stop protection, and counts how often it was asked.
type protector struct {
	on       bool
	err      error
	asked    int
	requests []types.SpotInstanceRequest
}

func (p *protector) DescribeSpotInstanceRequests(
	context.Context, *ec2.DescribeSpotInstanceRequestsInput, ...func(*ec2.Options),
) (*ec2.DescribeSpotInstanceRequestsOutput, error) {
	return &ec2.DescribeSpotInstanceRequestsOutput{SpotInstanceRequests: p.requests}, p.err
}

func (p *protector) DescribeInstanceAttribute(
	context.Context, *ec2.DescribeInstanceAttributeInput, ...func(*ec2.Options),
) (*ec2.DescribeInstanceAttributeOutput, error) {
	p.asked++
	return &ec2.DescribeInstanceAttributeOutput{DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(p.on)}}, p.err
}

// TestAsk: stop protection is asked for only where nothing else keeps the instance from being stopped.
func TestAsk(t *testing.T) {
	now := time.Date(2026, 11, 27, 1, 0, 0, 0, time.UTC)
	closed := func(f *source.Facts) { f.Run.Closes = now.Add(-time.Second) }
	for name, c := range map[string]struct {
		given     func(f *source.Facts)
		protected protector
		do        job.Decision
		skip      job.ReasonCode
		asked     int
	}{
		"running":                        {do: job.StopFirst, asked: 1},
		"until the window's last moment": {given: func(f *source.Facts) { f.Run.Closes = now }, do: job.StopFirst, asked: 1},
		"protected":                      {protected: protector{on: true}, do: job.SkipIt, skip: job.StopProtected, asked: 1},
		"stopped":                        {given: inState(types.InstanceStateNameStopped), do: job.ImageNow},
		"stopped, and the window is closed": {
			given: func(f *source.Facts) { inState(types.InstanceStateNameStopped)(f); closed(f) }, do: job.ImageNow,
		},
		"imaged while it runs": {given: func(f *source.Facts) { f.Plan.Consistency = plan.None }, do: job.ImageNow},
		"the window is closed": {given: closed, do: job.SkipIt, skip: job.WindowClosed},
		"it may not be imaged": {given: func(f *source.Facts) { f.OneTimeSpot = true }, do: job.SkipIt,
			skip: job.OneTimeSpot},
		"it is not wanted": {given: func(f *source.Facts) { f.Run.Plan = "weekly" }, do: job.SkipIt,
			skip: job.NotEnrolled},
		"the plan leaves it out": {given: func(f *source.Facts) { f.Plan.Sources.IDs = []string{"i-2"} }, do: job.SkipIt,
			skip: job.Excluded},
		"its Spot request stands": {given: spotted, protected: asking("active", time.Time{}), do: job.StopFirst, asked: 1},
		"its Spot request was cancelled since select looked": {given: spotted,
			protected: asking("cancelled", time.Time{}), do: job.SkipIt, skip: job.SpotEnds},
		"its Spot request is one-time after all": {given: spotted, protected: protector{}, do: job.SkipIt,
			skip: job.OneTimeSpot},
		"its Spot request ends while it may be down": {given: spotted,
			protected: asking("active", now.Add(13*time.Hour+30*time.Minute)), do: job.SkipIt, skip: job.SpotEnds},
		"its Spot request ends after that": {given: spotted,
			protected: asking("active", now.Add(13*time.Hour+31*time.Minute)), do: job.StopFirst, asked: 1},
		"its Spot request ends while its image may take": {given: func(f *source.Facts) {
			spotted(f)
			f.Plan.Restart = plan.Available
		}, protected: asking("active", now.Add(44*time.Hour)), do: job.SkipIt, skip: job.SpotEnds},
		"its Spot request ends, and it is not stopped": {given: func(f *source.Facts) {
			spotted(f)
			f.Plan.Consistency = plan.Reboot
		}, protected: asking("active", now), do: job.ImageNow},
		"somebody is changing it": {given: inState(types.InstanceStateNamePending), do: job.SkipIt, skip: job.ChangingState},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			f.Run, f.Plan, f.Now = job.Run{Plan: "nightly"}, plan.Plan{Consistency: plan.Stop}, now
			f.Instance.InstanceId = aws.String("i-1")
			f.Instance.Tags = []types.Tag{{Key: aws.String(tag.Plan), Value: aws.String("nightly")}}
			if c.given != nil {
				c.given(&f)
			}
			d, err := source.Ask(t.Context(), &c.protected, f.Of(f.Instance))
			if err != nil || d.Do != c.do || c.protected.asked != c.asked {
				t.Errorf("decided %s, asked %d times, %v; want %s, %d", d.Do, c.protected.asked, err, c.do, c.asked)
			}
			if code := codeOf(d.Skip); code != c.skip {
				t.Errorf("skipped as %q, want %q", code, c.skip)
			}
		})
	}
}

func spotted(f *source.Facts) {
	f.Instance.InstanceLifecycle = types.InstanceLifecycleTypeSpot
	f.Instance.SpotInstanceRequestId = aws.String("sir-1")
}

func asking(state types.SpotInstanceState, ends time.Time) protector {
	r := request("sir-1", types.SpotInstanceTypePersistent, state)
	if !ends.IsZero() {
		r.ValidUntil = aws.Time(ends)
	}
	return protector{requests: []types.SpotInstanceRequest{r}}
}

// What EC2 does not say of its protection is no leave to stop an instance.
func TestAskFails(t *testing.T) {
	f := healthy()
	f.Run, f.Plan = job.Run{Plan: "nightly"}, plan.Plan{Consistency: plan.Stop}
	f.Instance.Tags = []types.Tag{{Key: aws.String(tag.Plan), Value: aws.String("nightly")}}
	refused := errors.New("refused")
	if _, err := source.Ask(t.Context(), &protector{err: refused}, f.Of(f.Instance)); !errors.Is(err, refused) {
		t.Error(err)
	}
}

// Select ends only what will be the same when claim looks: not what changes, and no request.
func TestNever(t *testing.T) {
	for name, c := range map[string]struct {
		given func(f *source.Facts)
		code  job.ReasonCode
	}{
		"fine":     {given: func(*source.Facts) {}},
		"Spot":     {given: func(f *source.Facts) { f.OneTimeSpot = true }, code: job.OneTimeSpot},
		"changing": {given: inState(types.InstanceStateNamePending)},
		"asked for": {given: func(f *source.Facts) {
			f.OneTimeSpot, f.Run.Request = true, &job.Request{Source: "i-1"}
		}},
	} {
		f := healthy()
		f.Plan.Consistency = plan.Stop
		c.given(&f)
		if code := codeOf(source.Never(f)); code != c.code {
			t.Errorf("%s: %q, want %q", name, code, c.code)
		}
	}
}

func codeOf(r *job.Reason) job.ReasonCode {
	if r == nil {
		return ""
	}
	return r.Code
}
