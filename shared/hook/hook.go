// Package hook runs the commands that a plan has around an image. The command before is sent at most once in a run,
// after the claim says so. From then on the command after is due, whatever comes of the run: it is sent until it has
// begun, and so may be run more than once where an answer is lost.
package hook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/command"
	"goldsmith/shared/fault"
	"goldsmith/shared/freeze"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
)

// Runner runs commands on the sources of claims.
type Runner struct {
	SSM command.API
	// Plans hold the commands.
	Plans plan.Plans
	// EC2 shows why an instance takes no command.
	EC2    source.Lister
	Claims interface {
		Record(ctx context.Context, c ledger.Claim) error
	}
	Now func() time.Time
}

// Outcome is how far a command has come.
type Outcome int

const (
	// Waits means that it has not ended yet.
	Waits Outcome = iota
	// Done means that it has succeeded, or that there is none.
	Done
	// Failed means that it has failed, or that it is not run any more. The claim says why.
	Failed
)

const (
	// delivery is how long a command may wait for an agent which Systems Manager takes to be there.
	delivery = time.Minute
	// showing is how long Systems Manager may not show a command after its journal entry: its function may send it until
	// its own timeout, and a list may lag for a while longer.
	showing = 2 * time.Minute
	// settled is how long a describe may show an instance as stopped that was started.
	settled = 2 * time.Minute
	// pause is how long after one that never began the next is sent: what refused it may refuse it at once.
	pause = time.Minute
	// noting is how long the ledger has to take something back when the function's time is over.
	noting = 5 * time.Second
)

// marks are by what the commands of a run are found again. An execution's name has 80 characters at most, and a mark
// 100.
func before(c ledger.Claim) string { return "Goldsmith before " + c.Run }

func after(c ledger.Claim) string { return fmt.Sprintf("Goldsmith after %d %s", c.Hook.Tries, c.Run) }

// Before runs the command before, or sees what becomes of it, and gives the claim with that.
func (r Runner) Before(ctx context.Context, c ledger.Claim) (ledger.Claim, Outcome, error) {
	if c.Hook == nil {
		return r.sendBefore(ctx, c, r.Plans.Plans[c.Plan])
	}
	hook := *c.Hook
	if c.Hook = &hook; hook.Undone() {
		hook.Failed = undone
		return c, Failed, nil
	}
	if !hook.Ended.IsZero() {
		return c, outcome(hook.Failed), nil
	}
	sent, err := command.Find(ctx, r.SSM, c.Source, before(c), hook.Since)
	if err != nil {
		return c, Waits, err
	}
	switch late := r.Now().After(r.command(c).Ends(hook.Since)); {
	case sent.Phase == command.Succeeded:
	case sent.Phase == command.Failed, sent.Phase == command.Unrun:
		hook.Failed = "the command " + sent.Ended
	case sent.Phase == command.Unseen && r.Now().Sub(hook.Since) > showing:
		hook.Failed = "whether it was run is not known: it was sent once, and Systems Manager does not show it"
	case late:
		hook.Failed = "the command is " + sent.Status + " after all of its time"
	default:
		return c, Waits, nil
	}
	hook.Ended = r.Now().UTC()
	return c, outcome(hook.Failed), r.record(ctx, c)
}

// undone is why a command before does not hold any more.
const undone = "the command after was run since, as by a sweep before the execution was redriven"

// Holds is nil while what the command before of a claim has done still holds, as far as the ledger knows. mine is
// whether the claim is the one that the job took.
func Holds(c ledger.Claim, mine bool) error {
	switch {
	case c.Hook.Undone():
		return errors.New(undone)
	case c.Hook == nil && !mine:
		return errors.New("the ledger does not have its claim any more, and so not whether the command after was run since")
	default:
		return nil
	}
}

func outcome(problem string) Outcome {
	if problem != "" {
		return Failed
	}
	return Done
}

// sendBefore sends the command before, after the claim says so. What Systems Manager has refused for certain is taken
// back: nothing was run, and nothing is due.
func (r Runner) sendBefore(ctx context.Context, c ledger.Claim, p plan.Plan) (ledger.Claim, Outcome, error) {
	now, h := r.Now().UTC(), freeze.Commands(p, c.Run)
	c.Hook = &ledger.Hook{Frozen: p.Consistency == plan.Frozen, Since: now, After: h.After != "", Timeout: h.Lasts()}
	if h.Before == "" {
		c.Hook.Ended = now
		return c, Done, r.record(ctx, c)
	}
	if err := r.record(ctx, c); err != nil {
		return c, Waits, err
	}
	send := r.command(c)
	send.Mark, send.Text = before(c), h.Before
	_, err := command.Send(ctx, r.SSM, send)
	switch {
	case err == nil:
		return c, Waits, nil
	case !fault.DidNothing(err):
		return c, Waits, fmt.Errorf("sending the command before to %s: %w", c.Source, err)
	}
	why := notRun + refusal(err)
	c.Hook = nil
	r.takeBack(ctx, c)
	if fault.IsTransient(err) {
		return c, Waits, fmt.Errorf("sending the command before to %s: %w", c.Source, err)
	}
	c.Hook = &ledger.Hook{Failed: why} // Of this answer only: the ledger has none.
	return c, Failed, nil
}

// takeBack has the claim say that no command was sent. Where that cannot be written the command after is run, though
// there was none before.
func (r Runner) takeBack(ctx context.Context, c ledger.Claim) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer cancel()
	if err := r.Claims.Record(ctx, c); err != nil {
		handler.Log(ctx).WarnContext(ctx, "a command that was refused counts as sent", "source", c.Source, "error", err)
	}
}

// refusal is why Systems Manager takes no command for an instance.
func refusal(err error) string {
	if command.Unregistered(err) {
		return "Systems Manager does not reach its agent (" + fault.Brief(err) + ")"
	}
	return fault.Brief(err)
}

func (r Runner) command(c ledger.Claim) command.Command {
	return command.Command{Instance: c.Source, Delivery: delivery, Timeout: c.Hook.Timeout}
}

func (r Runner) record(ctx context.Context, c ledger.Claim) error {
	if err := r.Claims.Record(ctx, c); err != nil {
		return fmt.Errorf("recording the commands on %s: %w", c.Source, err)
	}
	return nil
}

// After brings the command after nearer to its end, and gives the claim with what keeps it from that. It waits for the
// one before, which may run yet where its job was cut off.
func (r Runner) After(ctx context.Context, c ledger.Claim) (ledger.Claim, Outcome, error) {
	if c.Hook == nil || !c.Hook.After {
		return c, Done, nil
	}
	hook := *c.Hook
	c.Hook = &hook
	if !hook.Done.IsZero() {
		return c, outcome(hook.Problem), nil
	}
	if hook.Begun.IsZero() {
		hook.Begun = r.Now().UTC()
	}
	if waits, err := r.beforeRuns(ctx, c); waits || err != nil {
		return c, Waits, err
	}
	if hook.Sent.IsZero() {
		return r.sendAfter(ctx, c)
	}
	sent, err := command.Find(ctx, r.SSM, c.Source, after(c), hook.Sent)
	if err != nil {
		hook.Problem = fault.Brief(err)
		return c, Waits, err
	}
	return r.judge(ctx, c, sent)
}

// judge goes by how Systems Manager shows the command after.
func (r Runner) judge(ctx context.Context, c ledger.Claim, sent command.State) (ledger.Claim, Outcome, error) {
	switch late := r.Now().After(r.command(c).Ends(c.Hook.Sent)); {
	case sent.Phase == command.Succeeded:
		return r.over(ctx, c, "")
	case sent.Phase == command.Failed:
		return r.over(ctx, c, "the command "+sent.Ended)
	case sent.Phase == command.Unrun && r.Now().Sub(c.Hook.Sent) > pause,
		sent.Phase == command.Unseen && r.Now().Sub(c.Hook.Sent) > showing:
		return r.again(ctx, c)
	case sent.Phase == command.Unrun:
		c.Hook.Problem = "it was sent, and ended as " + sent.Status + " without having begun"
		return c, Waits, nil
	case sent.Phase == command.Going && late:
		return r.over(ctx, c, "the command is "+sent.Status+" after all of its time")
	default:
		c.Hook.Problem = "it was sent, and has not ended yet"
		return c, Waits, nil
	}
}

// over ends the command after: it was run, or never will be.
func (r Runner) over(ctx context.Context, c ledger.Claim, problem string) (ledger.Claim, Outcome, error) {
	c.Hook.Done, c.Hook.Problem = r.Now().UTC(), problem
	return c, outcome(problem), r.record(ctx, c)
}

// GiveUp ends the command after of a claim without its being run.
func (r Runner) GiveUp(ctx context.Context, c ledger.Claim, why string) (ledger.Claim, error) {
	hook := *c.Hook
	c.Hook = &hook
	c, _, err := r.over(ctx, c, notRun+why)
	return c, err
}

// beforeRuns reports whether the command before may be running.
func (r Runner) beforeRuns(ctx context.Context, c ledger.Claim) (bool, error) {
	hook := c.Hook
	if !hook.Ended.IsZero() || r.Now().After(r.command(c).Ends(hook.Since)) {
		return false, nil
	}
	sent, err := command.Find(ctx, r.SSM, c.Source, before(c), hook.Since)
	switch {
	case err != nil:
		hook.Problem = fault.Brief(err)
		return false, err
	case sent.Phase == command.Going, sent.Phase == command.Unseen && r.Now().Sub(hook.Since) <= showing:
		hook.Problem = "the command before may be running yet"
		return true, nil
	}
	hook.Ended = r.Now().UTC()
	return false, nil
}

// sendAfter sends the command after, once the claim says so: the one that the plan has where it is sent from, so that
// it is one that was deployed.
func (r Runner) sendAfter(ctx context.Context, c ledger.Claim) (ledger.Claim, Outcome, error) {
	hook, text := c.Hook, r.Plans.Plans[c.Plan].Hooks.After
	if hook.Frozen {
		text = freeze.Thaw(c.Run)
	}
	if text == "" {
		return r.over(ctx, c, notRun+"plan "+c.Plan+" has none any more")
	}
	hook.Sent, hook.Tries = r.Now().UTC(), hook.Tries+1
	if err := r.record(ctx, c); err != nil {
		return c, Waits, err
	}
	send := r.command(c)
	send.Mark, send.Text = after(c), text
	_, err := command.Send(ctx, r.SSM, send)
	switch {
	case err == nil:
		hook.Problem = "it was sent, and has not ended yet"
		return c, Waits, nil
	case !fault.DidNothing(err):
		hook.Problem = fault.Brief(err)
		return c, Waits, fmt.Errorf("sending the command after to %s: %w", c.Source, err)
	}
	hook.Sent, hook.Problem = time.Time{}, refusal(err)
	r.takeBack(ctx, c)
	switch {
	case fault.IsTransient(err):
		return c, Waits, fmt.Errorf("sending the command after to %s: %w", c.Source, err)
	case command.Unregistered(err):
		return r.unreached(ctx, c)
	default: // A permission that is missing may be given.
		return c, Waits, nil
	}
}

// again sends the command after once more, unless there is nothing to run it on: Systems Manager takes commands for
// what is stopped as well (API reference, SendCommand, InvalidInstanceId).
func (r Runner) again(ctx context.Context, c ledger.Claim) (ledger.Claim, Outcome, error) {
	if c, outcome, err := r.unreached(ctx, c); outcome != Waits || err != nil {
		return c, outcome, err
	}
	return r.sendAfter(ctx, c)
}

// unreached goes by what EC2 shows of an instance whose agent Systems Manager does not reach. What was terminated or
// was stopped by other hands is not waited for: nothing that ran on it runs any more. What EC2 does not show may be
// there.
func (r Runner) unreached(ctx context.Context, c ledger.Claim) (ledger.Claim, Outcome, error) {
	instance, ok, err := source.Find(ctx, r.EC2, c.Source)
	switch {
	case err != nil, !ok:
		return c, Waits, err
	case source.Ending(source.State(instance)):
		return r.over(ctx, c, notRun+"the instance was terminated")
	case source.State(instance) == types.InstanceStateNameStopped && r.Now().Sub(c.Hook.Begun) > settled:
		return r.over(ctx, c, notRun+"the instance is stopped, and was not by Goldsmith")
	default:
		return c, Waits, nil
	}
}

// notRun begins what is said of a command that was not run.
const notRun = "it was not run: "

// Says is what is told of a command of a plan that has failed, or was not run.
func Says(which, problem string) string {
	if why, is := strings.CutPrefix(problem, notRun); is {
		return which + " was not run: " + why
	}
	return which + " failed: " + problem
}

// Told is the job of a source on which the command after was run, or will not be, with a warning of what was wrong.
func Told(j job.Job, c ledger.Claim) job.Job {
	j.Hook = job.Hook{}
	if c.Hook != nil && c.Hook.Problem != "" {
		j.Warnings = append(slices.Clone(j.Warnings),
			job.Reason{Code: job.AfterFailed, Text: Says(c.Hook.Then(), c.Hook.Problem)})
	}
	return j
}
