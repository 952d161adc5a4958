package notify

import (
	"context"

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
