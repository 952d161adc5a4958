package command

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/spf13/cobra"

	"goldsmith/shared/fault"
	"goldsmith/shared/rollout"
)

func (t *terms) statusCommand() *cobra.Command {
	var days, most int
	c := &cobra.Command{
		Use:   "status [RUN]",
		Short: "Show what is going on, what is down, and the last runs",
		Long: `Status shows the instances that are down because of Goldsmith and what to do
about it, what they keep from being stopped and what ends that, which plans are
paused, who waits for its turn, the sources that runs are working on now, what was
rolled back and is held, the runs of the last days, and images that carry Goldsmith's tags and are not
registered. With the name of a run it shows the run's report, and its outcome is
the exit code.`,
		Example: "  goldsmith status\n  goldsmith status nightly-20260322T023000Z",
		Args:    takes(0, 1, "the name of one run"),
		RunE: func(c *cobra.Command, args []string) error {
			if days < 1 || most < 1 {
				return misusedf("--days and --most are whole numbers from 1")
			}
			if len(args) == 1 {
				return t.statusOf(c.Context(), args[0])
			}
			return t.status(c.Context(), days, most)
		},
	}
	c.Flags().IntVar(&days, "days", 7, "show runs of the last days")
	c.Flags().IntVar(&most, "most", 20, "show this many runs at most")
	return c
}

// statusOf shows one run.
func (t *terms) statusOf(ctx context.Context, run string) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	told, err := site.runStatus(ctx, run)
	if err != nil {
		return err
	}
	arn := executionOf(site.Machine, run)
	status, err := site.statusOf(ctx, arn)
	if err != nil {
		return err
	}
	if told == nil && status == "" {
		return noRun(run)
	}
	if told == nil {
		told = &runStatus{Run: run, Execution: arn, Summary: "nothing yet"}
	}
	told.Status = status
	if status == string(sfntypes.ExecutionStatusRunning) {
		if told.Working, err = site.worksOf(ctx, run); err != nil {
			return err
		}
	}
	if err := t.show(told, told.print); err != nil {
		return err
	}
	return told.exit()
}

func noRun(run string) error {
	return fault.Failure("goldsmith status lists the last ones; what is older than two months is forgotten.",
		"there is no run %s", run)
}

// executionOf is the ARN of the machine's execution of a name.
func executionOf(machine, run string) string {
	return strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":" + run
}

// statusOf is what Step Functions says of an execution; "" when it does not know it.
// It forgets executions after ninety days, the ledger earlier.
func (s site) statusOf(ctx context.Context, arn string) (string, error) {
	out, err := sfn.NewFromConfig(s.aws).DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(arn)})
	if fault.IsNotFound(err) || fault.Code(err) == "InvalidArn" {
		return "", nil
	}
	if err != nil {
		return "", wrap("asking how the execution is", err)
	}
	return string(out.Status), nil
}

// status is what status shows.
type status struct {
	Down    []work  `json:"down"`
	Held    []held  `json:"held"`
	Turns   []turn  `json:"turns"`
	Working []work  `json:"working"`
	Runs    []oneOf `json:"runs"`
	// Paused are the plans whose schedules are off.
	Paused []string `json:"paused,omitempty"`
	// PausedUnseen is the code by which AWS refused to tell which are.
	PausedUnseen string `json:"pausedUnseen,omitempty"`
	// RolledBack are launch templates and aliases that are held: runs leave them alone.
	RolledBack []rollout.Hold `json:"rolledBack,omitempty"`
	// Unregistered are images that carry Goldsmith's tags and are not known to be its own.
	Unregistered []goldenImage `json:"unregistered,omitempty"`

	days int
}

// oneOf is one run of the list.
type oneOf struct {
	Run     string     `json:"run"`
	Status  string     `json:"status"`
	Outcome string     `json:"outcome,omitempty"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
	Summary string     `json:"summary,omitempty"`
	Problem string     `json:"problem,omitempty"`

	// told is all that the ledger knows of it; nil when that is nothing.
	told *runStatus
}

func (t *terms) status(ctx context.Context, days, most int) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	found := status{days: days}
	if found.Down, found.Working, err = site.works(ctx); err != nil {
		return err
	}
	if found.Held, err = site.held(ctx); err != nil {
		return err
	}
	if found.Turns, err = site.turns(ctx, t.Now()); err != nil {
		return err
	}
	if found.Paused, found.PausedUnseen, err = site.paused(ctx); err != nil {
		return err
	}
	if found.Runs, err = site.runs(ctx, t.Now().AddDate(0, 0, -days), most); err != nil {
		return err
	}
	if found.Unregistered, err = site.strangers(ctx); err != nil {
		return err
	}
	if found.RolledBack, err = site.holds(ctx, t.Now); err != nil {
		return err
	}
	return t.show(found, found.print)
}

// holds are what was rolled back and is left alone, at home and in the Regions of copies.
func (s site) holds(ctx context.Context, now func() time.Time) ([]rollout.Hold, error) {
	finder := rollout.Finder{EC2: ec2.NewFromConfig(s.aws), Parameters: ssm.NewFromConfig(s.aws), Ledger: s.ledger,
		Now: now}
	abroad := func(region string) rollout.Finder {
		there := s.aws.Copy()
		there.Region = region
		return rollout.Finder{EC2: ec2.NewFromConfig(there), Parameters: ssm.NewFromConfig(there),
			Ledger: rollout.Abroad{Region: region, Ledger: s.ledger}, Now: now}
	}
	holds, err := finder.Holds(ctx, s.ledger.Held(ctx), abroad)
	return holds, wrap("looking for what is held", err)
}

// runs are the executions since a moment, newest first, with what the ledger knows of them.
func (s site) runs(ctx context.Context, since time.Time, most int) ([]oneOf, error) {
	runs := []oneOf{}
	pages := sfn.NewListExecutionsPaginator(sfn.NewFromConfig(s.aws), &sfn.ListExecutionsInput{
		StateMachineArn: aws.String(s.Machine), MaxResults: int32(min(most, 1000)), //nolint:gosec // at most 1000, the API's own limit
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, wrap("listing runs", err)
		}
		for _, x := range page.Executions {
			if len(runs) == most || aws.ToTime(x.StartDate).Before(since) {
				return runs, nil
			}
			each, err := s.oneOf(ctx, x)
			if err != nil {
				return nil, err
			}
			runs = append(runs, each)
		}
	}
	return runs, nil
}

func (s site) oneOf(ctx context.Context, x sfntypes.ExecutionListItem) (oneOf, error) {
	r := oneOf{Run: aws.ToString(x.Name), Status: string(x.Status), Started: aws.ToTime(x.StartDate).UTC()}
	if x.StopDate != nil {
		at := x.StopDate.UTC()
		r.Ended = &at
	}
	told, err := s.runStatus(ctx, r.Run)
	if err != nil || told == nil {
		return r, err
	}
	r.Outcome, r.Summary, r.Problem, r.told = string(told.Outcome), told.Summary, told.Problem, told
	return r, nil
}
