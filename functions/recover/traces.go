package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/bound"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/plan"
	"goldsmith/shared/request"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
	"goldsmith/shared/trace"
)

// histories is Step Functions as far as following tags needs it.
type histories interface {
	executions.API
	sfn.GetExecutionHistoryAPIClient
}

// Traces follows the tag goldsmith:stopped of instances that no claim names: their claims are lost, or cannot be
// read. One that is proved to be down because of a run that has ended is brought back; any other is named to people.
type Traces struct {
	EC2        instancesAPI
	Executions histories
	Rescue     Rescue
	Notices    executions.Noticer
	Notify     plan.Notify
	// Machine is the state machine's ARN.
	Machine string
	Now     func() time.Time
	// unread is whether the claims could not be listed: any of these instances may have one.
	unread bool
}

// Follow looks at every tagged instance. claims are those that can be read; nil when none could be listed.
func (t Traces) Follow(ctx context.Context, claims []ledger.Claim) error {
	t.unread = claims == nil
	tagged, err := source.Carrying(ctx, t.EC2, tag.Stopped)
	if err != nil {
		return fmt.Errorf("looking for what was stopped: %w", err)
	}
	problems := []error{t.placed(ctx, tagged, claims)}
	var back []string
	for _, i := range tagged {
		id, value := aws.ToString(i.InstanceId), source.Tags(i)[tag.Stopped]
		switch {
		case source.Ending(source.State(i)):
		case value == "":
			back = append(back, id)
		case claimed(claims, id): // Its claim says more.
		default:
			if err := t.follow(ctx, i, value); err != nil {
				problems = append(problems, fmt.Errorf("following tag %s of %s: %w", tag.Stopped, id, err))
			}
		}
	}
	for part := range slices.Chunk(back, untagging) {
		problems = append(problems, t.takeOff(ctx, "", part...))
	}
	return errors.Join(problems...)
}

func claimed(claims []ledger.Claim, id string) bool {
	return slices.ContainsFunc(claims, func(c ledger.Claim) bool { return c.Source == id })
}

// placed gives places to what is down and has none, since the ledger has lost them: else more of its plan would be
// stopped than may be down. Where the execution has ended and there is no claim it is to be proved first that it keeps
// the instance down.
func (t Traces) placed(ctx context.Context, tagged []types.Instance, claims []ledger.Claim) error {
	lost, err := bound.Lost(ctx, t.Rescue.Claims, t.Machine, tagged)
	problems := []error{err}
	for _, i := range lost {
		id, execution := aws.ToString(i.InstanceId), source.Tags(i)[tag.Stopped]
		found, _, err := t.describe(ctx, execution)
		if err == nil && found != nil && found.Job.Source.ID == id && found.Job.Run.Name != "" &&
			(found.Ended.IsZero() || claimed(claims, id)) {
			found.Job.Execution = execution
			err = bound.PlaceAnew(ctx, t.Rescue.Claims, found.Job, t.stoppedAt(i))
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("giving %s a place anew: %w", id, err))
		}
	}
	return errors.Join(problems...)
}

// stoppedAt is when the instance was stopped, or now where EC2 does not say.
func (t Traces) stoppedAt(i types.Instance) time.Time {
	if at, known := source.StoppedAt(i); known {
		return at
	}
	return t.Now().UTC()
}

// untagging is how many instances one DeleteTags names: it takes a thousand, and AWS advises to name fewer.
const untagging = 200

// takeOff takes the tag off where it has this value: what a run has put on since stays.
func (t Traces) takeOff(ctx context.Context, value string, ids ...string) error {
	return TakeOff(ctx, t.EC2, value, ids...)
}

// TakeOff takes the tag of a stop off instances that have it with this value.
func TakeOff(ctx context.Context, api request.Untagger, value string, ids ...string) error {
	_, err := api.DeleteTags(ctx, &ec2.DeleteTagsInput{
		Resources: ids, Tags: []types.Tag{{Key: aws.String(tag.Stopped), Value: aws.String(value)}},
	})
	switch {
	case fault.IgnoreNotFound(err) == nil:
		return nil
	case fault.IsTransient(err), fault.IsNotYet(err):
		return fmt.Errorf("taking tag %s off: %w", tag.Stopped, err)
	}
	// A tag that stays is followed, and starts only what its execution is proved to have stopped.
	handler.Log(ctx).WarnContext(ctx, "a tag stays on instances that are back", "tag", tag.Stopped, "sources", ids,
		"error", err)
	return nil
}

// follow looks at one instance whose tag names an execution.
func (t Traces) follow(ctx context.Context, i types.Instance, execution string) error {
	state := source.State(i)
	if state != types.InstanceStateNameRunning && state != types.InstanceStateNameStopped {
		return nil // It is on its way.
	}
	found, why, err := t.describe(ctx, execution)
	switch {
	case err != nil:
		return err
	case found != nil && found.Ended.IsZero():
		return nil // The execution is at it.
	case found != nil && t.Now().Sub(found.Ended) < landing:
		return nil // A call that it sent may still take effect.
	case state == types.InstanceStateNameRunning:
		return t.runs(ctx, i, execution)
	case found == nil:
		return t.name(ctx, i, execution, why)
	default:
		return t.prove(ctx, found, i, execution)
	}
}

// runs takes the tag off an instance that runs. One that is out of its group's service is named to people before,
// unless a claim that could not be read may say that it is being brought back.
func (t Traces) runs(ctx context.Context, i types.Instance, execution string) error {
	out, err := t.standbyOf(ctx, i)
	if err != nil || out != nil && t.unread {
		return err // Before it is known the tag stays on.
	}
	if out != nil {
		if told, err := t.inStandby(ctx, i, execution, out.Group); err != nil || !told {
			return err
		}
	}
	return t.takeOff(ctx, execution, aws.ToString(i.InstanceId))
}

// prove brings a stopped instance back, or names it to people when nothing proves that the execution keeps it down.
func (t Traces) prove(ctx context.Context, found *trace.Evidence, i types.Instance, execution string) error {
	why, err := t.against(ctx, found, i, execution)
	switch {
	case err != nil:
		return err
	case why != "":
		return t.name(ctx, i, execution, why)
	default:
		return t.bring(ctx, i, found.Claim(i, execution))
	}
}

// landing is how long a StopInstances may take effect after its execution has ended: as long as function stop may
// take to send it, and a describe may lag.
const landing = 2 * time.Minute

// describe is an execution, which has no end while it goes on; or why there is nothing to be known of it.
func (t Traces) describe(ctx context.Context, execution string) (found *trace.Evidence, why string, err error) {
	if !job.IsChild(execution, t.Machine) {
		return nil, "the tag names no execution of Goldsmith's", nil
	}
	out, err := t.Executions.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(execution)})
	switch {
	case fault.IsNotFound(err), fault.Code(err) == "InvalidArn":
		return nil, "Step Functions does not know the execution that the tag names", nil
	case err != nil:
		return nil, "", fmt.Errorf("asking about execution %s: %w", execution, err)
	}
	e := trace.Of(out)
	if executions.GoesOn(out.Status) {
		e.Ended = time.Time{}
	}
	return e, "", nil
}

// against is why the execution's history does not prove that it keeps the instance down.
func (t Traces) against(ctx context.Context, e *trace.Evidence, i types.Instance, execution string) (string, error) {
	pages := sfn.NewGetExecutionHistoryPaginator(t.Executions, &sfn.GetExecutionHistoryInput{
		ExecutionArn: aws.String(execution), IncludeExecutionData: aws.Bool(false), MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("reading the history of execution %s: %w", execution, err)
		}
		for _, event := range page.Events {
			e.Read(event)
		}
	}
	return e.Against(i), nil
}

// bring writes the claim down anew, and settles it as any other. Without a ledger the instance is started all the
// same: that it does not run yet is all that the next sweep has to see.
func (t Traces) bring(ctx context.Context, i types.Instance, c ledger.Claim) error {
	log := handler.Log(ctx).With("source", c.Source, "run", c.Run, "execution", c.Execution)
	out, err := t.standbyOf(ctx, i)
	if err != nil {
		log.ErrorContext(ctx, "lifecycle state not known", "error", err)
	}
	c.Standby = out
	held, err := t.Rescue.Claims.Claim(ctx, c)
	var other *ledger.HeldError
	switch {
	case errors.As(err, &other):
		return nil // A run has it since the claims were read.
	case err == nil:
		log.WarnContext(ctx, "claim written anew from the tag of an instance that is down")
		placed := bound.PlaceBack(ctx, t.Rescue.Claims, held)
		_, err = t.Rescue.Settle(ctx, held) // It was not told, so that no follow-up is due.
		return errors.Join(placed, err)
	}
	log.ErrorContext(ctx, "claim not written: instance started by its tag alone", "error", err)
	_, err = t.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{aws.ToString(i.InstanceId)}})
	if err != nil {
		return fmt.Errorf("starting it: %w", err)
	}
	return nil
}

// name tells people of a stopped instance whose tag proves nothing, and takes the tag off; unless a claim that could
// not be read may say that it is being brought back.
func (t Traces) name(ctx context.Context, i types.Instance, execution, why string) error {
	if t.unread {
		return nil
	}
	id := aws.ToString(i.InstanceId)
	name := source.Name(source.Tags(i), id)
	if name != id {
		name += " (" + id + ")"
	}
	handler.Log(ctx).WarnContext(ctx, "stop tag not proved", "source", id, "tag",
		execution, "why", why)
	delivery, err := t.Notices.Notice(ctx, notify.Notice{
		Key: "stopped " + id + " " + execution, Title: name + " is stopped, and Goldsmith does not start it",
		Notify: t.Notify,
		Lines: []string{
			"It carries tag " + tag.Stopped + "=" + execution + ", as if Goldsmith had stopped it. But " + why + ".",
			"Goldsmith did not start it, and takes the tag off.",
			"Now: If it should run, start it: aws ec2 start-instances --instance-ids " + id + ". If not, nothing is to be done.",
		},
	})
	if err != nil || delivery == notify.Failed {
		return err
	}
	if err := bound.TakeBack(ctx, t.Rescue.Claims, id); err != nil {
		return err
	}
	return t.takeOff(ctx, execution, id)
}
