package watch

import (
	"context"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
	"goldsmith/shared/wait"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[Input, *job.Document], error) {
	s, err := read(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	return Step{Waits: s.Ledger, Settler: wait.Wire(s)}.Handle, nil
}
