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
	err := s.have(ctx, j, told{on: test(j), mark: mark, text: j.Plan.Verify.Command, booted: j.Times.Booted,
		goes: of(j) + " is being tested", failed: of(j) + " booted, but did not pass its test",
		late: of(j) + " booted, but its test did not end", do: "Run the command on an instance of the image by hand to see " +
			"more."})
	j.Tested = err == nil
	return j, err
}

// told is a command on an instance that was launched from the job's image, and what is said of it.
type told struct {
	on         launched
	mark, text string
	// booted is since when its time counts.
	booted time.Time
	// goes, failed and late begin what is said while it has not ended, when it has failed, and when its time is over; do
	// is what to do about one that has failed.
	goes, failed, late, do string
}

// have is nil once the command has ended well.
func (s Step) have(ctx context.Context, j job.Job, t told) error {
	sent, err := command.Find(ctx, s.SSM, t.on.id, t.mark, time.Time{})
	if err != nil {
		return err
	}
	switch sent.Phase {
	case command.Unseen:
		return s.send(ctx, j, t)
	case command.Succeeded:
		return nil
	case command.Failed, command.Unrun:
		return fault.Failure(t.do, "%s: on %s %s the command %s", t.failed, t.on.is, t.on.id, sent.Ended)
	default:
		return s.notYet(j, t, "its command is %s", sent.Status)
	}
}

// send sends the command. Both of its limits are what is left of the plan's patience.
func (s Step) send(ctx context.Context, j job.Job, t told) error {
	left := max(command.LeastDelivery, t.until(j).Sub(s.Now())).Round(time.Second)
	_, err := command.Send(ctx, s.SSM, command.Command{Instance: t.on.id, Mark: t.mark, Text: t.text, Delivery: left,
		Timeout: left})
	switch {
	case command.Unregistered(err):
		return s.notYet(j, t, "its Systems Manager agent has not registered; it needs a profile with "+
			"AmazonSSMManagedInstanceCore and a way to Systems Manager from its subnet (%s)", fault.Brief(err))
	case fault.IsTransient(err):
		return fmt.Errorf("sending the command to %s %s: %w", t.on.is, t.on.id, err)
	case err != nil:
		return fault.Failure("Put right what it says of the command. Nothing was rolled.",
			"%s, since the command could not be sent to its %s %s: %w", t.on.unable, t.on.is, t.on.id, err)
	default:
		return s.notYet(j, t, "its command has only just been sent")
	}
}

// until is the command's last moment.
func (t told) until(j job.Job) time.Time { return t.booted.Add(time.Duration(j.Plan.Verify.Patience)) }

// notYet says why the command has not ended, for good once its time is over.
func (s Step) notYet(j job.Job, t told, format string, args ...any) error {
	why := fmt.Sprintf(format, args...)
	if s.Now().After(t.until(j)) {
		return fault.Failure("Raise verify.patience if it only takes long.", "%s within %s: on %s %s, %s",
			t.late, j.Plan.Verify.Patience, t.on.is, t.on.id, why)
	}
	return &fault.NotYet{Err: fmt.Errorf("%s: on %s %s, %s", t.goes, t.on.is, t.on.id, why)}
}
