package prove

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/verify"
	"goldsmith/shared/command"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// emptyTags takes tags off as the sweep does that finds them emptied.
func emptyTags(ctx context.Context, l *lab) (string, error) {
	for _, value := range []string{"", l.run} {
		_, err := l.ec2.CreateTags(ctx, &ec2.CreateTagsInput{
			Resources: []string{l.instance}, Tags: tag.List(map[string]string{tag.Stopped: value}),
		})
		if err != nil {
			return "", err
		}
		if err := recovery.TakeOff(ctx, l.ec2, "", l.instance); err != nil {
			return "", err
		}
		i, err := l.look(ctx)
		if err != nil {
			return "", err
		}
		if _, there := source.Tags(i)[tag.Stopped]; there != (value != "") {
			return fmt.Sprintf("a tag with the value %q: it is there afterwards: %t", value, there), nil
		}
	}
	return "", recovery.TakeOff(ctx, l.ec2, l.run, l.instance)
}

// stopProtection sends the stop of a protected instance. Should EC2 take it, the instance comes back with the next
// probe that needs it.
func stopProtection(ctx context.Context, l *lab) (string, error) {
	if err := l.protect(ctx, l.instance, true); err != nil {
		return "", err
	}
	instead, err := refusal(l.stop(ctx), fault.IsProtected)
	if off := l.protect(ctx, l.instance, false); err == nil {
		err = off
	}
	return instead, err
}

func (l *lab) protect(ctx context.Context, id string, on bool) error {
	_, err := l.ec2.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{
		InstanceId: aws.String(id), DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(on)},
	})
	return err
}

// dryRunOrder asks about an instance that there is not, and about one on its way down.
func dryRunOrder(ctx context.Context, l *lab) (string, error) {
	known, err := source.Known(ctx, l.ec2, "i-"+strings.Repeat("0", 17))
	if err != nil || known {
		return "a start of an instance that there is not would be sent", err
	}
	if err := l.sendDown(ctx); err != nil {
		return "", err
	}
	if _, err := source.MayStart(ctx, l.ec2, l.instance); err != nil {
		return "", err
	}
	if c, _ := l.calls.last("StartInstances"); c.Code != "DryRunOperation" {
		return "of an instance that is stopping the answer was " + c.Code, nil
	}
	return "", nil
}

// stopReason compares what EC2 says of a stop with when it was sent: in whole seconds.
func stopReason(ctx context.Context, l *lab) (string, error) {
	i, err := l.look(ctx)
	if err != nil {
		return "", err
	}
	at, known := source.StoppedAt(i)
	switch {
	case !known:
		return fmt.Sprintf("StateTransitionReason is %q", aws.ToString(i.StateTransitionReason)), nil
	case l.stoppedTo.IsZero():
		return "", untriable{fmt.Errorf("who stopped it is not known")}
	case at.Before(l.stoppedFrom.Add(-skew)), at.After(l.stoppedTo.Add(skew)):
		return fmt.Sprintf("it names %s, and the stop was sent between %s and %s", moment(at), moment(l.stoppedFrom),
			moment(l.stoppedTo)), nil
	case !aws.ToTime(i.LaunchTime).Before(at):
		return "LaunchTime is " + moment(aws.ToTime(i.LaunchTime)) + ", after the stop", nil
	}
	return "", nil
}

// stopAgain sends a stop to what is stopped and a start to what runs.
func stopAgain(ctx context.Context, l *lab) (string, error) {
	before, err := l.look(ctx)
	if err != nil {
		return "", err
	}
	if err := l.stop(ctx); err != nil {
		return "", err
	}
	if instead, err := l.unchanged(ctx, before); instead != "" || err != nil {
		return "after a second stop " + instead, err
	}
	if err := l.up(ctx); err != nil {
		return "", err
	}
	if before, err = l.look(ctx); err != nil {
		return "", err
	}
	if err := l.start(ctx); err != nil {
		return "", err
	}
	if instead, err := l.unchanged(ctx, before); instead != "" || err != nil {
		return "after a second start " + instead, err
	}
	return "", nil
}

// unchanged is what has changed about the instance.
func (l *lab) unchanged(ctx context.Context, before types.Instance) (string, error) {
	now, err := l.look(ctx)
	switch {
	case err != nil:
		return "", err
	case source.State(now) != source.State(before):
		return "it is " + string(source.State(now)), nil
	case aws.ToString(now.StateTransitionReason) != aws.ToString(before.StateTransitionReason):
		return fmt.Sprintf("StateTransitionReason is %q and was %q", aws.ToString(now.StateTransitionReason),
			aws.ToString(before.StateTransitionReason)), nil
	case !aws.ToTime(now.LaunchTime).Equal(aws.ToTime(before.LaunchTime)):
		return "LaunchTime is another", nil
	}
	return "", nil
}

// oneWordMapping launches the image as its boot test does, and ends that.
func oneWordMapping(ctx context.Context, l *lab) (string, error) {
	i, err := l.look(ctx)
	if err != nil {
		return "", err
	}
	j := l.job
	j.Plan.Verify = plan.Verify{Boot: true, Subnet: aws.ToString(i.SubnetId)}
	step := verify.Step{EC2: l.ec2, SSM: l.ssm, Ledger: ledger.NewMemory(), Now: l.now}
	tested := j
	if _, err := l.make("test instance", func() (string, error) {
		tested, err = step.Handle(ctx, verify.Input{Job: j, Do: verify.Launch})
		return tested.TestInstance, err
	}); err != nil {
		return "", err
	}
	return l.endTest(ctx, step, tested)
}

func (l *lab) endTest(ctx context.Context, step verify.Step, tested job.Job) (string, error) {
	_, err := step.Handle(ctx, verify.Input{Job: tested, Do: verify.End})
	return "", err
}

// commandOfUnregistered sends the boot test's command to the instance, whose agent has no role to register with.
func commandOfUnregistered(ctx context.Context, l *lab) (string, error) {
	j := l.job
	j.TestInstance, j.Times.Booted = l.instance, l.now()
	j.Plan.Verify = plan.Verify{Boot: true, Command: "true", Patience: plan.Duration(patience)}
	_, err := verify.Step{EC2: l.ec2, SSM: l.ssm, Ledger: ledger.NewMemory(), Now: l.now}.Handle(ctx,
		verify.Input{Job: j, Do: verify.Try})
	for _, operation := range []string{"ListCommandInvocations", "SendCommand"} {
		switch c, sent := l.calls.last(operation); {
		case !sent:
			return "", untriable{fmt.Errorf("%s was not come to: %w", operation, err)}
		case c.Code == "InvalidDocument":
			return "", untriable{fmt.Errorf("the suite is not deployed there, nor its document %s", command.Document)}
		case operation == "SendCommand" && c.Code == "":
			return "", untriable{fmt.Errorf("the agent of the instance has registered without a role")}
		case c.Code != "" && c.Code != "InvalidInstanceId":
			return operation + " was answered " + c.Code, nil
		}
	}
	return "", nil
}
