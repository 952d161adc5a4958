package command

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/spf13/cobra"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// glance is how long to wait between two looks at a run: soon enough for a
// person who watches, and a call a look of DescribeExecution's fifteen a second.
const glance = 3 * time.Second

func (t *terms) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch RUN",
		Short: "Show what happens to each source of a run while it happens",
		Long: `Watch shows each source of a run as the run takes it up, stops it, images it and has
it back, until the run has ended; then its report, and its outcome is the exit code. Of a
run that has ended already it shows what came of each source. Ctrl-C stops watching it,
not the run.`,
		Example: "  goldsmith watch nightly-20260322T023000Z",
		Args:    takes(1, 1, "the name of one run"),
		RunE:    func(c *cobra.Command, args []string) error { return t.watch(c.Context(), args[0]) },
	}
}

func (t *terms) watch(ctx context.Context, run string) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	_, known, err := site.ledger.GetRun(ctx, run)
	if err != nil {
		return wrap("reading run "+run, err)
	}
	s := started{Run: run, Execution: executionOf(site.Machine, run)}
	status, err := site.statusOf(ctx, s.Execution)
	switch {
	case err != nil:
		return err
	case status == "" && !known:
		return noRun(run)
	case status == "": // Step Functions has forgotten it.
		return t.statusOf(ctx, run)
	}
	fmt.Fprintf(t.Err, "watching %s; Ctrl-C stops watching it, not the run\n", s.Run)
	return t.follow(ctx, s)
}

// follow shows what comes of each source of a run until the run has ended, then its report.
func (t *terms) follow(ctx context.Context, s started) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	machine, seen := sfn.NewFromConfig(site.aws), map[string]string{}
	for {
		out, err := machine.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(s.Execution)})
		// Step Functions may not know an execution yet that it has just started.
		if err != nil && !fault.IsNotFound(err) {
			return t.unwatched(ctx, s, err)
		}
		if err := t.news(ctx, site, s.Run, seen); err != nil {
			return t.unwatched(ctx, s, err)
		}
		if out != nil && out.Status != sfntypes.ExecutionStatusRunning {
			return t.ended(ctx, site, s, out.Status)
		}
		if err := smithytime.SleepWithContext(ctx, glance); err != nil {
			return t.unwatched(ctx, s, err)
		}
	}
}

// unwatched tells how to go on watching. Nothing happens to the run.
func (t *terms) unwatched(ctx context.Context, s started, err error) error {
	fmt.Fprintf(t.Err, "the run goes on; goldsmith status %s shows what comes of it\n", s.Run)
	if ctx.Err() != nil {
		return ended{Interrupted}
	}
	return wrap("watching run "+s.Run, err)
}

// news tells of the sources that are otherwise than at the last look: what is done with those that the run holds, and
// what came of the others.
func (t *terms) news(ctx context.Context, site site, run string, seen map[string]string) error {
	record, _, err := site.ledger.GetRun(ctx, run)
	if err != nil {
		return err
	}
	held, err := site.worksOf(ctx, run)
	if err != nil {
		return err
	}
	now := t.Now().In(report.Zone(record, plan.Plan{})).Format("15:04:05 MST")
	tell := func(source, says string) {
		if seen[source] != says {
			seen[source] = says
			fmt.Fprintf(t.Err, "  %s  %s\n", now, clean(says))
		}
	}
	ended := map[string]bool{}
	for r, err := range site.ledger.Results(ctx, run) {
		if err != nil {
			return err
		}
		ended[r.Source] = true
		tell(r.Source, came(r))
	}
	for _, w := range held {
		if !ended[w.Source] {
			tell(w.Source, w.label()+": "+w.State)
		}
	}
	return nil
}

// came is what came of a source, in one line.
func came(r job.Result) string {
	label := report.Label(r.Name, r.Source)
	switch {
	case r.Skip != nil:
		return label + ": left alone: " + r.Skip.Text
	case r.Ending == job.LeftStopped:
		return label + ": STILL STOPPED: " + r.Problem
	case r.Ending != job.Imaged:
		return label + ": failed: " + r.Problem
	case r.Times.Downtime() > 0:
		return label + ": " + r.Image.ID + ", down " + report.Span(r.Times.Downtime())
	default:
		return label + ": " + r.Image.ID + ", not stopped"
	}
}

// ended shows the report of a run, and makes its outcome the exit code. A run
// that was cut off may not be closed yet: recover does that within minutes.
func (t *terms) ended(ctx context.Context, site site, s started, status sfntypes.ExecutionStatus) error {
	told, err := site.runStatus(ctx, s.Run)
	if err != nil {
		return err
	}
	if told == nil {
		told = &runStatus{Run: s.Run, Execution: s.Execution}
	}
	told.Status = string(status)
	if err := t.show(told, told.print); err != nil {
		return err
	}
	return told.exit()
}

// exit is the run's outcome as an exit code.
func (r runStatus) exit() error {
	switch {
	case r.Outcome == plan.OK, r.Status == string(sfntypes.ExecutionStatusRunning):
		return nil
	case r.Outcome == plan.Partial:
		return ended{Partial}
	default:
		return ended{Failed}
	}
}
