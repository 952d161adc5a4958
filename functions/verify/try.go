package verify

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// commands runs commands on instances.
type commands interface {
	SendCommand(context.Context, *ssm.SendCommandInput, ...func(*ssm.Options)) (*ssm.SendCommandOutput, error)
	ssm.ListCommandInvocationsAPIClient
}

// document is AWS's own, which every Region has.
const document = "AWS-RunShellScript"

// comment marks the command, since SendCommand takes no client token. A comment has at most 100 characters.
const comment = "Goldsmith: does the image work?"

// try looks how the plan's command fares, or sends it. It returns a NotYet
// until the command has ended, and the state machine calls it again: no event
// is waited for, as those of Run Command are best effort like EC2's.
func (s Step) try(ctx context.Context, j job.Job) (job.Job, error) {
	if j.Plan.Verify.Command == "" {
		j.Tested = true
		return j, nil
	}
	sent, err := s.sent(ctx, j)
	switch {
	case err != nil:
		return j, err
	case sent == nil:
		return j, s.send(ctx, j)
	}
	switch sent.Status {
	case types.CommandInvocationStatusSuccess:
		j.Tested = true
		return j, nil
	case types.CommandInvocationStatusPending, types.CommandInvocationStatusInProgress,
		types.CommandInvocationStatusDelayed, types.CommandInvocationStatusCancelling:
		return j, s.notYet(j, "its command is %s", sent.Status)
	case types.CommandInvocationStatusFailed, types.CommandInvocationStatusTimedOut,
		types.CommandInvocationStatusCancelled:
		return j, failed(j, *sent)
	default:
		return j, s.notYet(j, "its command is %s", sent.Status)
	}
}

// sent is the command's invocation on the test instance; nil when there is none.
func (s Step) sent(ctx context.Context, j job.Job) (*types.CommandInvocation, error) {
	out, err := s.SSM.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{
		InstanceId: aws.String(j.TestInstance), Details: true,
	})
	// InvalidInstanceId: Systems Manager does not know it before its agent has registered.
	if unregistered(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the command on test instance %s: %w", j.TestInstance, err)
	}
	for _, each := range out.CommandInvocations {
		if aws.ToString(each.Comment) == comment {
			return &each, nil
		}
	}
	return nil, nil
}

// leastDelivery is the least that SendCommand takes as TimeoutSeconds: how long
// a command may wait for an agent that does not fetch it.
const leastDelivery = 30 * time.Second

// send sends the command. Both of its limits are what is left of the plan's patience.
func (s Step) send(ctx context.Context, j job.Job) error {
	left := max(leastDelivery, until(j).Sub(s.Now())).Round(time.Second)
	seconds := int32(left / time.Second) //nolint:gosec // two hours at most
	_, err := s.SSM.SendCommand(ctx, &ssm.SendCommandInput{
		DocumentName: aws.String(document), InstanceIds: []string{j.TestInstance}, Comment: aws.String(comment),
		TimeoutSeconds: &seconds,
		Parameters: map[string][]string{
			"commands": {j.Plan.Verify.Command}, "executionTimeout": {strconv.Itoa(int(seconds))},
		},
	}, once)
	switch {
	case unregistered(err):
		return s.notYet(j, "its Systems Manager agent has not registered; it needs a profile with "+
			"AmazonSSMManagedInstanceCore and a way to Systems Manager from its subnet (%s)", fault.Brief(err))
	case fault.IsTransient(err):
		return fmt.Errorf("sending the command to test instance %s: %w", j.TestInstance, err)
	case err != nil:
		return fault.Failure("Put right what it says of the command. Nothing was rolled.",
			"%s could not be tested, since the command could not be sent to its test instance %s: %w", of(j), j.TestInstance,
			err)
	default:
		return s.notYet(j, "its command has only just been sent")
	}
}

// once keeps the client from trying again by itself: SendCommand has no client token, and what had its effect without
// an answer would run the command twice. The next look sees whether it was sent.
func once(o *ssm.Options) { o.Retryer = aws.NopRetryer{} }

func unregistered(err error) bool { return fault.Code(err) == "InvalidInstanceId" }

// until is the command's last moment.
func until(j job.Job) time.Time { return j.Times.Booted.Add(time.Duration(j.Plan.Verify.Patience)) }

// notYet says why the command has not ended, for good once its time is over.
func (s Step) notYet(j job.Job, format string, args ...any) error {
	why := fmt.Sprintf(format, args...)
	if s.Now().After(until(j)) {
		return fault.Failure("Raise verify.patience if it only takes long.",
			"%s booted, but its test did not end within %s: on test instance %s, %s",
			of(j), j.Plan.Verify.Patience, j.TestInstance, why)
	}
	return &fault.NotYet{Err: fmt.Errorf("%s is being tested: on test instance %s, %s", of(j), j.TestInstance, why)}
}

// failed tells what the command printed last: its end says most.
func failed(j job.Job, i types.CommandInvocation) error {
	printed, exit := "nothing", ""
	for _, p := range i.CommandPlugins {
		if text := strings.TrimSpace(aws.ToString(p.Output)); text != "" {
			printed = tail(text)
		}
		if p.ResponseCode != 0 {
			exit = fmt.Sprintf(" with code %d", p.ResponseCode)
		}
	}
	return fault.Failure("Run the command on an instance of the image by hand to see more.",
		"%s booted, but did not pass its test: on test instance %s the command ended as %s%s, having printed: %s",
		of(j), j.TestInstance, cmp.Or(aws.ToString(i.StatusDetails), string(i.Status)), exit, printed)
}

// shown is how much of a command's output a message holds.
const shown = 300

func tail(text string) string {
	runes := []rune(text)
	if len(runes) <= shown {
		return text
	}
	return "... " + string(runes[len(runes)-shown:])
}
