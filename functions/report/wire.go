package report

import (
	"context"
	_ "time/tzdata" // A page has the times of its plan's zone, and Lambda's provided.al2023 need have no zone database.

	"goldsmith/shared/bucket"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Batch, job.Batch], error) {
	s, err := read(ctx, settings.Table, settings.Account, settings.Bucket)
	if err != nil {
		return nil, err
	}
	return Step{Ledger: s.Ledger, Bucket: bucket.Wire(s), Now: s.Now}.Handle, nil
}
