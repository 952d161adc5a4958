package command

import (
	"cmp"
	"context"
	"fmt"

	smithytime "github.com/aws/smithy-go/time"
	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/event"
)

func (t *terms) runCommand() *cobra.Command {
	var wait, yes bool
	var data []string
	e := event.RunNow{}
	c := &cobra.Command{
		Use:   "run PLAN",
		Short: "Run a plan now",
		Long: `Run starts a run of a plan as it is deployed, whatever its schedule: of all its
sources, or of one instance or snapshot. Its window opens now. With --wait it shows what comes of
each source and ends with the run's report. In a terminal it asks first.`,
		Example: "  goldsmith run nightly --wait\n  goldsmith run on-demand --source i-0123456789abcdef0",
		Args:    takes(1, 1, "the name of one plan"),
		RunE: func(c *cobra.Command, args []string) error {
			e.Plan = args[0]
			if e.Source != "" {
				if err := checkSource(e.Source); err != nil {
					return err
				}
			}
			var err error
			if e.Data, err = dataVolumes(e.Source, data); err != nil {
				return err
			}
			return t.run(c.Context(), e, wait, yes)
		},
	}
	c.Flags().StringVar(&e.Source, "source", "", "only this instance or snapshot")
	c.Flags().StringArrayVar(&data, "data", nil,
		"with a snapshot: a data volume for its image, such as /dev/sdf=snap-0123456789abcdef0")
	c.Flags().StringVar(&e.By, "by", t.User, "who asks, for the run's message")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the run has ended")
	return c
}

// started is what run shows.
type started struct {
	Run       string `json:"run"`
	Execution string `json:"execution"`
}

func (t *terms) run(ctx context.Context, e event.RunNow, wait, yes bool) error {
	cfg, err := t.connect(ctx)
	if err != nil {
		return err
	}
	if t.asks(yes) && !t.agreed(fmt.Sprintf("Run %s now for %s?", e.Plan, cmp.Or(e.Source, "all its sources"))) {
		fmt.Fprintln(t.Out, "nothing was started")
		return nil
	}
	// The id makes a call that the SDK repeats the same request.
	e.ID = t.NewID()
	var answer started
	if err := invoke(ctx, cfg, deployment.Trigger, e, &answer); err != nil {
		return err
	}
	if wait {
		fmt.Fprintf(t.Err, "%s has started; Ctrl-C stops watching it, not the run\n", answer.Run)
		if err := smithytime.SleepWithContext(ctx, glance); err != nil { // Until then there is little to see.
			return t.unwatched(ctx, answer, err)
		}
		return t.follow(ctx, answer)
	}
	return t.show(answer, func(p *page) {
		p.line("%s has started", p.in(bold, answer.Run))
		p.line("  %s", answer.Execution)
		p.line("  goldsmith watch %s   shows what happens in it", answer.Run)
	})
}

// asks is whether a person is asked before something changes.
func (t *terms) asks(yes bool) bool { return t.Interactive && !yes && t.output == text }

// mayAsk refuses to ask where the answer is for a program.
func (t *terms) mayAsk(yes bool) error {
	if t.output == inJSON && !yes {
		return misusedf("--output json asks nothing; it needs --yes")
	}
	return nil
}
