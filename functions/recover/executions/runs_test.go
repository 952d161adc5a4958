package executions_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"pgregory.net/rapid"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

var night = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// drawnRun is an execution, and what its own steps have told.
type drawnRun struct {
	name         string
	begins, ends time.Time
	// listed is how late a list shows what became of it.
	listed time.Duration
	// itself is whether it told of itself.
	itself bool
	heard  int
}

// account is Step Functions and Slack in one: runs that begin and end, and people who hear of them or not.
type account struct {
	runs []*drawnRun
	// now is AWS's clock; the sweeping function's is ahead of it.
	now time.Time
	// deaf is whether no message arrives.
	deaf   bool
	ledger ledger.Ledger
}

func (a *account) ListExecutions(
	context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options),
) (*sfn.ListExecutionsOutput, error) {
	out := &sfn.ListExecutionsOutput{}
	for _, r := range a.runs {
		if shown := a.now.Add(-r.listed); !r.begins.After(shown) {
			item := types.ExecutionListItem{Name: aws.String(r.name), ExecutionArn: aws.String(r.name),
				StartDate: aws.Time(r.begins), Status: types.ExecutionStatusRunning}
			if !r.ends.After(shown) {
				item.Status, item.StopDate = types.ExecutionStatusAborted, aws.Time(r.ends)
			}
			out.Executions = append(out.Executions, item)
		}
	}
	slices.SortFunc(out.Executions, func(x, y types.ExecutionListItem) int {
		return cmp.Compare(y.StartDate.UnixNano(), x.StartDate.UnixNano())
	})
	return out, nil
}

func (a *account) DescribeExecution(
	context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options),
) (*sfn.DescribeExecutionOutput, error) {
	return &sfn.DescribeExecutionOutput{Input: aws.String("{}")}, nil
}

// Notify marks the run as told where people hear of it, as the notifier of the suite does.
func (a *account) Notify(ctx context.Context, run ledger.Run, _ plan.Plan) (plan.Outcome, error) {
	if a.deaf {
		return plan.Failed, nil
	}
	for _, r := range a.runs {
		if r.name == run.Name {
			r.heard++
		}
	}
	_, err := a.ledger.Notified(ctx, run.Name, a.now)
	return plan.Failed, err
}

// tellsItself has the runs that do so tell of themselves as they end.
func (a *account) tellsItself(ctx context.Context, within time.Duration) error {
	for _, r := range a.runs {
		if r.itself && !r.ends.After(a.now) && r.ends.After(a.now.Add(-within)) {
			if _, err := a.ledger.Notified(ctx, r.name, r.ends); err != nil {
				return err
			}
		}
	}
	return nil
}

// drawn are some runs of two days.
func drawn(t *rapid.T) *account {
	a := &account{now: night, ledger: ledger.NewMemory()}
	for i := range rapid.IntRange(0, 12).Draw(t, "runs") {
		r := &drawnRun{name: fmt.Sprint("run-", i), begins: night.Add(minutes(t, "begins", 2*24*60))}
		r.ends, r.listed = r.begins.Add(minutes(t, "lasts", 24*60)), minutes(t, "listed after", 20)
		r.itself = rapid.Bool().Draw(t, "told of itself")
		a.runs = append(a.runs, r)
	}
	return a
}

func minutes(t *rapid.T, name string, most int) time.Duration {
	return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Minute
}

// Whatever runs there are, however late a list shows them, while Slack is down and a clock ahead at times: people hear
// once, from a sweep, of each run that has not told of itself, and of no other.
func TestSweepsTellOfEachRunOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx, a, ahead := context.Background(), drawn(t), time.Duration(0)
		ok := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		runs := executions.Runs{Executions: a, Ledger: a.ledger, Notifier: a, Machine: "machine",
			Now: func() time.Time { return a.now.Add(ahead) }}
		sweep := func() {
			recent, err := runs.Recent(ctx)
			ok(err)
			ok(runs.NotifyOfEnded(ctx, recent))
		}
		hours := rapid.SliceOfN(rapid.IntRange(0, 72), 0, 20)
		deaf, hasty := hours.Draw(t, "hours without Slack"), hours.Draw(t, "hours with a clock ahead")
		hurry := minutes(t, "ahead by", 5*60)
		_, err := a.ledger.Since(ctx, night)
		ok(err)
		const every = 10 * time.Minute
		for ; a.now.Before(night.Add(73 * time.Hour)); a.now = a.now.Add(every) {
			hour := int(a.now.Sub(night) / time.Hour)
			if a.deaf, ahead = slices.Contains(deaf, hour), 0; slices.Contains(hasty, hour) {
				ahead = hurry
			}
			ok(a.tellsItself(ctx, every))
			sweep()
		}
		a.deaf, ahead = false, 0
		sweep()
		for _, r := range a.runs {
			if want := map[bool]int{true: 0, false: 1}[r.itself]; r.heard != want {
				t.Errorf("%s (%s to %s, told of itself: %t): heard of %d times by sweeps", r.name, r.begins, r.ends, r.itself,
					r.heard)
			}
		}
	})
}
