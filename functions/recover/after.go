package recovery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/handler"
	"goldsmith/shared/hook"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/source"
)

const (
	// dueTooLong is after how long people are told of a command that is due and cannot be run: several sweeps have tried.
	dueTooLong = 15 * time.Minute
	// dueAtMost is for how long it is tried: until people have worked for some hours, and before the next night.
	dueAtMost = 12 * time.Hour
)

// after runs the command that a plan has after an image on a source of which nothing else is left to undo. It waits
// while that has not ended; why says what was wrong with it. What is gone, or was stopped by other hands, runs nothing.
func (r Rescue) after(ctx context.Context, c ledger.Claim, state types.InstanceStateName) (
	ran ledger.Claim, waits bool, why string, err error) {
	if c.Hook == nil || !c.Hook.After {
		return c, false, "", nil
	}
	if !c.Hook.Due() {
		return c, false, failedAfter(c), nil
	}
	if state == "" || source.Ending(state) {
		return r.unrun(ctx, c, "the instance was terminated")
	}
	ran, outcome, err := r.Hooks.After(ctx, c)
	if outcome != hook.Waits {
		return ran, err != nil, failedAfter(ran), err
	}
	return r.waits(ctx, ran, err)
}

// waits has a command after wait for the next sweep, unless it has for too long. trouble is what kept it from being
// run.
func (r Rescue) waits(ctx context.Context, ran ledger.Claim, trouble error) (
	after ledger.Claim, waits bool, why string, err error) {
	begun := ran.Hook.Begun
	if !begun.IsZero() && r.Now().Sub(begun) > dueAtMost {
		return r.unrun(ctx, ran, fmt.Sprintf("%s, for %s", ran.Hook.Problem, plan.Duration(dueAtMost)))
	}
	handler.Log(ctx).WarnContext(ctx, "command after not run yet", "source", ran.Source, "name", ran.Name, "run", ran.Run,
		"due_since", ran.Hook.Since, "problem", ran.Hook.Problem, "error", trouble)
	if ran.Hook.Problem == "" { // Else it is known, told and tried again: the sweep itself has not failed.
		err = trouble
	}
	if noted := r.Claims.Record(ctx, ran); noted != nil {
		return ran, true, "", errors.Join(err, fmt.Errorf("recording what keeps its command from being run: %w", noted))
	}
	if r.Now().Sub(begun) > dueTooLong && ran.Hook.Problem != "" {
		_, told := r.Notices.Notice(ctx, r.dueNotice(ran))
		err = errors.Join(err, told)
	}
	return ran, true, "", err
}

// failedAfter is what was wrong with a command that has ended; "" for nothing.
func failedAfter(c ledger.Claim) string {
	if c.Hook.Problem == "" {
		return ""
	}
	return "; " + hook.Says(c.Hook.Then(), c.Hook.Problem)
}

// unrun ends what is due without its being run, and tells people.
func (r Rescue) unrun(ctx context.Context, c ledger.Claim, why string) (
	ended ledger.Claim, waits bool, said string, err error) {
	c, err = r.Hooks.GiveUp(ctx, c, why)
	return c, err != nil, failedAfter(c), err
}

// tellOfAfter tells people of a command after that has failed, or is not run any more: its job could not. It is not
// told where no channel took it, for as long as the command itself would be tried.
func (r Rescue) tellOfAfter(ctx context.Context, c ledger.Claim, state types.InstanceStateName) (told bool, err error) {
	if c.Hook == nil || c.Hook.Done.IsZero() || c.Hook.Problem == "" || state == "" || source.Ending(state) {
		return true, nil
	}
	name := report.Label(c.Name, c.Source)
	delivery, err := r.Notices.Notice(ctx, notify.Notice{
		Key: "after failed " + c.Run + " " + c.Source, Title: name + " did not have " + c.Hook.Awaited(),
		Notify: r.Notify,
		Lines: []string{
			fmt.Sprintf("Run %s of plan %s did not see the end of its commands on it: %s.", c.Run, c.Plan,
				strings.TrimSuffix(hook.Says(c.Hook.Then(), c.Hook.Problem), ".")),
			"Goldsmith does not try again.",
			"Now: See whether the application works, and " + byHand(c) + " (operations guide, \"A command of a plan fails\").",
		},
	})
	return delivery != notify.Failed || r.Now().Sub(c.Hook.Done) > dueAtMost, err
}

// byHand is what a person may do in place of the command after.
func byHand(c ledger.Claim) string {
	if c.Hook.Frozen {
		return "see that nothing of it is frozen any more"
	}
	return "run by hand what the plan's hooks.after does"
}

// dueNotice names a source on which a command is due that cannot be run.
func (r Rescue) dueNotice(c ledger.Claim) notify.Notice {
	name := report.Label(c.Name, c.Source)
	return notify.Notice{
		Key: "after due " + c.Run + " " + c.Source, Title: name + " waits for " + c.Hook.Awaited(), Notify: r.Notify,
		Lines: []string{
			fmt.Sprintf("Since %s %s of run %s is due on it, and it could not be run: %s.",
				c.Hook.Since.UTC().Format(time.DateTime+" UTC"), c.Hook.Then(), c.Run,
				strings.TrimSuffix(c.Hook.Problem, ".")),
			fmt.Sprintf("Goldsmith goes on trying every few minutes, for %s. Meanwhile it is in no other image.",
				plan.Duration(dueAtMost)),
			"Now: See what keeps Systems Manager from its agent, or " + byHand(c) + " (operations guide, \"A command of a " +
				"plan fails\").",
		},
	}
}
