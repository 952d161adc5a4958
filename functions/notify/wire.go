package notify

import (
	"context"
	_ "time/tzdata" // A run is told in its plan's zone, and Lambda's provided.al2023 need have no zone database.

	"goldsmith/shared/bucket"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/notify"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Batch, job.Batch], error) {
	s, err := read(ctx, settings.Table, settings.Account, settings.SlackSecret, settings.Topic, settings.Bucket)
	if err != nil {
		return nil, err
	}
	notifier := notify.Wire(s)
	notifier.Pages = bucket.Wire(s)
	return Step{notifier}.Handle, nil
}
