package recovery_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/recover/executions"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// mapped are the children of one Map run, all of which have ended but the first. The list does not show the last.
type mapped struct {
	executions.API
	ids         []string
	asked, list int
	refused     bool // the list is refused
	mapless     bool // they are no Map run's
	forgotten   int  // so many of them cannot be described any more
}

func (m *mapped) status(i int) types.ExecutionStatus {
	if i == 0 {
		return types.ExecutionStatusRunning
	}
	return types.ExecutionStatusAborted
}

// DescribeExecution tells which Map run a child is of.
func (m *mapped) DescribeExecution(
	_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options),
) (*sfn.DescribeExecutionOutput, error) {
	m.asked++
	for i, id := range m.ids {
		if aws.ToString(in.ExecutionArn) == child+id {
			switch {
			case i < m.forgotten:
				return nil, &types.ExecutionDoesNotExist{}
			case m.mapless:
				return &sfn.DescribeExecutionOutput{Status: m.status(i)}, nil
			}
			return &sfn.DescribeExecutionOutput{Status: m.status(i), MapRunArn: aws.String("of all")}, nil
		}
	}
	return nil, &types.ExecutionDoesNotExist{}
}

// ListExecutions shows them in two pages.
func (m *mapped) ListExecutions(
	_ context.Context, in *sfn.ListExecutionsInput, _ ...func(*sfn.Options),
) (*sfn.ListExecutionsOutput, error) {
	m.list++
	if m.refused || aws.ToString(in.MapRunArn) != "of all" {
		return nil, &types.InvalidArn{}
	}
	out, half := &sfn.ListExecutionsOutput{}, len(m.ids)/2
	from, to := 0, half
	if in.NextToken == nil {
		out.NextToken = aws.String("more")
	} else {
		from, to = half, len(m.ids)-1
	}
	for i := from; i < to; i++ {
		out.Executions = append(out.Executions, types.ExecutionListItem{
			ExecutionArn: aws.String(child + m.ids[i]), Status: m.status(i),
		})
	}
	return out, nil
}

// TestTheSourcesOfALargeRunAreListed: one call asks which Map run it is, two list it, and one asks about what the list
// does not show. Of a small run, and where nothing can be listed, each is asked about.
func TestTheSourcesOfALargeRunAreListed(t *testing.T) {
	for name, c := range map[string]struct {
		sources, asked, listed int
		refused, mapless       bool
		forgotten              int
	}{
		"large":             {sources: 20, asked: 2, listed: 2},
		"small":             {sources: 19, asked: 19},
		"cannot be listed":  {sources: 20, asked: 20, listed: 1, refused: true},
		"of no Map run":     {sources: 20, asked: 20, mapless: true},
		"forgotten":         {sources: 20, asked: 3, listed: 2, forgotten: 1},
		"several at a time": {sources: 60, asked: 2, listed: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := steptest.New(t), &mapped{refused: c.refused, mapless: c.mapless, forgotten: c.forgotten}
				m.stop(s, c.sources)
				time.Sleep(10 * time.Minute)
				rescue := recovery.Rescue{
					EC2: s.EC2, Executions: m, Claims: s.Ledger, Waits: s.Ledger, Results: s.Ledger,
					Now: time.Now, Runs: s.Ledger, Notices: s.Notifier(),
				}
				answer, _, err := rescue.Sweep(s.Context())
				s.Must(err)
				down(s, answer, c.sources, c.sources-1)
				s.Same("asked and listed", []int{m.asked, m.list}, []int{c.asked, c.listed})
				s.Same("the one that goes on", s.Cloud.State(m.ids[0]), ec2.Stopped)
				s.Same("the last", s.Cloud.State(m.ids[c.sources-1]), ec2.Pending)
			})
		})
	}
}

// stop launches and stops as many sources, and claims them in the order of their ids.
func (m *mapped) stop(s *steptest.Stage, sources int) {
	s.Helper()
	for i := range sources {
		m.ids = append(m.ids, s.Launch(fmt.Sprint("web", i), nil))
	}
	slices.Sort(m.ids)
	for _, id := range m.ids {
		s.Set(id, ec2.Stopped)
		s.Hold(ledger.Claim{
			Source: id, Kind: job.Instance, Name: "web", Run: steptest.RunName, Plan: "nightly", Execution: child + id,
			Since: time.Now(), WasRunning: true, Looked: true, StopSent: time.Now(),
		})
	}
}
