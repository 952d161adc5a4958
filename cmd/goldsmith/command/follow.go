package command

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// glance is how long to wait between two looks at a run: soon enough for a
// person who watches, and a call a look of DescribeExecution's fifteen a second.
const glance = 3 * time.Second

// follow shows what comes of each source of a run until the run has ended, then its report.
func (t *terms) follow(ctx context.Context, s started) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "%s has started; Ctrl-C stops watching it, not the run\n", s.Run)
	machine, seen := sfn.NewFromConfig(site.aws), map[string]bool{}
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
		if err := pause(ctx, glance); err != nil {
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

// news tells of the sources that have ended since the last look.
func (t *terms) news(ctx context.Context, site site, run string, seen map[string]bool) error {
	for r, err := range site.ledger.Results(ctx, run) {
		if err != nil {
			return err
		}
		if !seen[r.Source] {
			seen[r.Source] = true
			fmt.Fprintf(t.Err, "  %s\n", clean(came(r)))
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

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
