package notify

import (
	"context"
	_ "time/tzdata" // A run is told in its plan's zone, and Lambda's provided.al2023 need have no zone database.

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/notify"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Batch, job.Batch], error) {
	s, err := read(ctx, settings.Table, settings.SlackSecret, settings.Topic)
	if err != nil {
		return nil, err
	}
	return Step{notify.Wire(s)}.Handle, nil
}
