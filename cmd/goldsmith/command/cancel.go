package command

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/spf13/cobra"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

func (t *terms) cancelCommand() *cobra.Command {
	var by string
	var yes bool
	c := &cobra.Command{
		Use:   "cancel RUN",
		Short: "End a run now, and see that what it stopped runs again",
		Long: `Cancel ends a run that is on: nothing more of it is stopped, imaged or rolled. What it had
stopped Goldsmith starts again within minutes, and cancel waits for that. What was
imaged and rolled before stays.`,
		Example: "  goldsmith cancel nightly-20260322T023000Z",
		Args:    takes(1, 1, "the name of one run"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := t.mayAsk(yes); err != nil {
				return err
			}
			return t.cancel(c.Context(), args[0], by, yes)
		},
	}
	c.Flags().StringVar(&by, "by", t.User, "who says so, for the execution's record")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// cancelled is what cancel shows.
type cancelled struct {
	Run       string `json:"run"`
	Execution string `json:"execution"`
	// Back are the sources that ran before and run again, Down those that do not yet.
	Back []work `json:"back"`
	Down []work `json:"down"`
}

func (t *terms) cancel(ctx context.Context, run, by string, yes bool) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	execution := executionOf(site.Machine, run)
	status, err := site.statusOf(ctx, execution)
	switch {
	case err != nil:
		return err
	case status == "":
		return fault.Failure("goldsmith status lists the last ones.", "there is no run %s", run)
	case status != string(sfntypes.ExecutionStatusRunning):
		return fault.Failure("Nothing is to be done.", "run %s ended before, as %s", run, status)
	}
	working, err := site.worksOf(ctx, run)
	if err != nil {
		return err
	}
	if !yes && !t.agreed(fmt.Sprintf("Cancel %s, which works on %s?", run, count(len(working), "source"))) {
		fmt.Fprintln(t.Out, "the run goes on")
		return nil
	}
	_, err = sfn.NewFromConfig(site.aws).StopExecution(ctx, &sfn.StopExecutionInput{
		ExecutionArn: aws.String(execution), Error: aws.String("Cancelled"), Cause: aws.String("cancelled by " + by),
	})
	if err != nil {
		return wrap("stopping run "+run, err)
	}
	return t.broughtBack(ctx, site, cancelled{Run: run, Execution: execution, Back: []work{}, Down: []work{}})
}

// homecoming is how long cancel watches: an instance runs again within minutes, or something is wrong with it.
const homecoming = 10 * time.Minute

// broughtBack watches what the run had stopped until Goldsmith has let go of it, and shows how it is then.
func (t *terms) broughtBack(ctx context.Context, site site, c cancelled) error {
	stopped := map[string]work{}
	for until := t.Now().Add(homecoming); ; {
		held, err := c.holds(ctx, site, stopped)
		if err != nil {
			return err
		}
		if !held || t.Now().After(until) {
			break
		}
		if smithytime.SleepWithContext(ctx, glance) != nil {
			fmt.Fprintln(t.Err, "the run is stopped; goldsmith status shows what is still down")
			return ended{Interrupted}
		}
	}
	if err := c.see(ctx, site, stopped); err != nil {
		return err
	}
	if err := t.show(c, c.print); err != nil {
		return err
	}
	if len(c.Down) > 0 {
		return ended{Partial}
	}
	return nil
}

// holds reports whether the run still holds what it had stopped, and notes what that is.
func (c cancelled) holds(ctx context.Context, site site, stopped map[string]work) (held bool, err error) {
	working, err := site.worksOf(ctx, c.Run)
	for _, w := range working {
		if w.WasRunning && !w.StopSent.IsZero() {
			stopped[w.Source], held = w, true
		}
	}
	return held, wrap("the run is stopped, and Goldsmith starts what it had stopped; watching that", err)
}

// see asks EC2 how the instances are that the run had stopped.
func (c *cancelled) see(ctx context.Context, site site, stopped map[string]work) error {
	claims := []ledger.Claim{}
	for _, id := range slices.Sorted(maps.Keys(stopped)) {
		claims = append(claims, ledger.Claim{Source: id})
	}
	states, err := site.states(ctx, claims)
	if err != nil {
		return err
	}
	for _, each := range claims {
		w := stopped[each.Source]
		w.State = cmp.Or(string(states[w.Source]), "gone")
		if w.State == string(types.InstanceStateNameRunning) {
			c.Back = append(c.Back, w)
		} else {
			c.Down = append(c.Down, w)
		}
	}
	return nil
}

func (c cancelled) print(p *page) {
	p.line("%s is cancelled", p.in(bold, c.Run))
	if len(c.Back)+len(c.Down) == 0 {
		p.line("  it had stopped nothing")
	}
	for _, w := range c.Back {
		p.line("  %s runs again", clean(w.label()))
	}
	for _, w := range c.Down {
		p.line("  %s", p.in(red, clean(w.label()+" is "+w.State)))
	}
	if len(c.Down) > 0 {
		p.line("Goldsmith goes on trying to start what is stopped; goldsmith status says what to do about it.")
	}
}
