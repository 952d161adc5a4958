package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/fault"
)

func (t *terms) pauseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pause PLAN",
		Short: "Have a plan's schedule start no run until it is resumed",
		Long: `Pause switches the plan's schedule off. A run that is on goes on, and what a person asks
for, by goldsmith run or by a tag, is still done. goldsmith status shows what is paused.`,
		Example: "  goldsmith pause nightly",
		Args:    takes(1, 1, "the name of a plan"),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == deployment.Sweep {
				return misusedf("the sweep is not paused: nothing else brings back what a run left stopped")
			}
			return t.setSchedule(c.Context(), args[0], types.ScheduleStateDisabled)
		},
	}
}

func (t *terms) resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume PLAN",
		Short: "Have a plan's schedule start its runs again",
		Long: `Resume switches the plan's schedule on again. What was due meanwhile is not made up for,
but for a run whose window is still open. sweep in place of a plan is Goldsmith's own sweep.`,
		Example: "  goldsmith resume nightly",
		Args:    takes(1, 1, "the name of a plan"),
		RunE: func(c *cobra.Command, args []string) error {
			return t.setSchedule(c.Context(), args[0], types.ScheduleStateEnabled)
		},
	}
}

// paused is whether a plan's schedule is off.
type paused struct {
	Plan   string `json:"plan"`
	Paused bool   `json:"paused"`
	// Changed is whether it was otherwise before.
	Changed bool `json:"changed"`
}

func (t *terms) setSchedule(ctx context.Context, plan string, to types.ScheduleState) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	api, group := scheduler.NewFromConfig(site.aws), site.Group()
	now, err := api.GetSchedule(ctx, &scheduler.GetScheduleInput{
		Name: aws.String(group + "-" + plan), GroupName: aws.String(group),
	})
	if fault.IsNotFound(err) {
		return fault.Failure("goldsmith check shows the plans of your file. Nothing was changed.",
			"there is no schedule %s-%s: plan %s is not deployed, or has no schedule", group, plan, plan)
	}
	if err != nil {
		return wrap("looking at the schedule of plan "+plan, err)
	}
	done := paused{Plan: plan, Paused: to == types.ScheduleStateDisabled, Changed: now.State != to}
	if done.Changed {
		if _, err := api.UpdateSchedule(ctx, withState(now, to)); err != nil {
			return wrap("changing the schedule of plan "+plan, err)
		}
	}
	return t.show(done, done.print)
}

// withState is a schedule as it is, but for whether it is on: UpdateSchedule resets what it is not told
// (API reference, UpdateSchedule).
func withState(now *scheduler.GetScheduleOutput, to types.ScheduleState) *scheduler.UpdateScheduleInput {
	return &scheduler.UpdateScheduleInput{
		Name: now.Name, GroupName: now.GroupName, State: to,
		ActionAfterCompletion: now.ActionAfterCompletion, Description: now.Description,
		StartDate: now.StartDate, EndDate: now.EndDate, FlexibleTimeWindow: now.FlexibleTimeWindow,
		KmsKeyArn: now.KmsKeyArn, ScheduleExpression: now.ScheduleExpression,
		ScheduleExpressionTimezone: now.ScheduleExpressionTimezone, Target: now.Target,
	}
}

func (d paused) print(p *page) {
	already := map[bool]string{false: " already"}[d.Changed]
	if !d.Paused {
		p.fold("", "plan %s runs by its schedule%s", d.Plan, cmp.Or(already, " again"))
		if d.Changed && d.Plan != deployment.Sweep {
			p.fold("", "A run that was due meanwhile, and whose window is open, is started within minutes.")
		}
		return
	}
	p.fold("", "plan %s is paused%s: its schedule starts no run until goldsmith resume %s, or until a deployment that "+
		"changes the schedule. A run that is on goes on, and what people ask for is done.", d.Plan, already, d.Plan)
}

// paused are the names of plans whose schedules are off. Who may not look gets none, and blind is why.
func (s site) paused(ctx context.Context) (plans []string, blind string, err error) {
	pages := scheduler.NewListSchedulesPaginator(scheduler.NewFromConfig(s.aws), &scheduler.ListSchedulesInput{
		GroupName: aws.String(s.Group()), State: types.ScheduleStateDisabled,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if fault.IsDenied(err) {
			return nil, fault.Code(err), nil
		}
		if err != nil {
			return nil, "", wrap("looking for schedules that are off", err)
		}
		for _, each := range page.Schedules {
			plans = append(plans, strings.TrimPrefix(aws.ToString(each.Name), s.Group()+"-"))
		}
	}
	return plans, "", nil
}

func (s status) printPaused(p *page) {
	if slices.Contains(s.Paused, deployment.Sweep) {
		p.heading("%s", p.in(red, "The sweep is off"))
		p.fold("  ", "Nothing brings back what a run leaves stopped. To switch it on: goldsmith resume %s", deployment.Sweep)
	}
	if s.PausedUnseen != "" {
		p.heading("Paused")
		p.fold("  ", "Not known: schedules may not be listed (%s).", s.PausedUnseen)
	}
	plans := slices.DeleteFunc(slices.Clone(s.Paused), func(name string) bool { return name == deployment.Sweep })
	if len(plans) == 0 {
		return
	}
	p.heading("Paused: the schedule starts no run")
	for _, name := range plans {
		p.line("  %s", fmt.Sprintf("%s: goldsmith resume %s", name, name))
	}
}
