package verify

import (
	"context"
	"fmt"
	"time"

	"goldsmith/shared/command"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// mark is by what the command is found: one is sent to a test instance.
const mark = "Goldsmith: does the image work?"

// try looks how the plan's command fares, or sends it. It returns a NotYet
// until the command has ended, and the state machine calls it again: no event
// is waited for, as those of Run Command are best effort like EC2's.
func (s Step) try(ctx context.Context, j job.Job) (job.Job, error) {
	if j.Plan.Verify.Command == "" {
		j.Tested = true
		return j, nil
	}
	sent, err := command.Find(ctx, s.SSM, j.TestInstance, mark, time.Time{})
	if err != nil {
		return j, err
	}
	switch sent.Phase {
	case command.Unseen:
		return j, s.send(ctx, j)
	case command.Succeeded:
		j.Tested = true
		return j, nil
	case command.Failed, command.Unrun:
		return j, fault.Failure("Run the command on an instance of the image by hand to see more.",
			"%s booted, but did not pass its test: on test instance %s the command %s", of(j), j.TestInstance, sent.Ended)
	default:
		return j, s.notYet(j, "its command is %s", sent.Status)
	}
}

// send sends the command. Both of its limits are what is left of the plan's patience.
func (s Step) send(ctx context.Context, j job.Job) error {
	left := max(command.LeastDelivery, until(j).Sub(s.Now())).Round(time.Second)
	_, err := command.Send(ctx, s.SSM, command.Command{Instance: j.TestInstance, Mark: mark, Text: j.Plan.Verify.Command,
		Delivery: left, Timeout: left})
	switch {
	case command.Unregistered(err):
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
