package recovery

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
)

// few is how many claims of one run have their executions asked about one by one. DescribeExecution lets 250 calls of
// the whole account in at once, and ten a second then (Step Functions Developer Guide, "Quotas related to API action
// throttling"): a sweep of a thousand claims would take most of them, every five minutes, from other callers.
const few = 20

// statuses are executions' statuses by their ARNs.
type statuses map[string]sfntypes.ExecutionStatus

// children are the executions of the claims of large runs, as a list has them: a thousand in one call. What it does
// not show, or cannot be listed, is asked about one by one.
func (r Rescue) children(ctx context.Context, claims []ledger.Claim) statuses {
	runs, known := map[string][]ledger.Claim{}, statuses{}
	for _, c := range claims {
		if c.Left.IsZero() {
			runs[c.Run] = append(runs[c.Run], c)
		}
	}
	for run, claims := range runs {
		if len(claims) < few {
			continue
		}
		if err := r.siblings(ctx, claims, known); err != nil {
			handler.Log(ctx).WarnContext(ctx, "the sources of a run cannot be listed", "run", run, "error", err)
		}
	}
	return known
}

// siblings learns what the executions of one run's claims do. An execution tells which Map run it is of, and that
// lists its siblings; a run has a Map run for each page of its sources.
func (r Rescue) siblings(ctx context.Context, claims []ledger.Claim, known statuses) error {
	listed := map[string]bool{}
	for _, c := range claims {
		if _, ok := known[c.Execution]; ok {
			continue
		}
		out, err := r.Executions.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(c.Execution)})
		if fault.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("asking about execution %s: %w", c.Execution, err)
		}
		of := aws.ToString(out.MapRunArn)
		known[c.Execution] = out.Status
		if of == "" || listed[of] {
			return nil // A list that lags, or no Map's child: asked about one by one.
		}
		listed[of] = true
		if err := r.list(ctx, of, known); err != nil {
			return err
		}
	}
	return nil
}

func (r Rescue) list(ctx context.Context, of string, known statuses) error {
	pages := sfn.NewListExecutionsPaginator(r.Executions, &sfn.ListExecutionsInput{
		MapRunArn: aws.String(of), MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the executions of %s: %w", of, err)
		}
		for _, e := range page.Executions {
			known[aws.ToString(e.ExecutionArn)] = e.Status
		}
	}
	return nil
}
