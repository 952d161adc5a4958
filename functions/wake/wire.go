package wake

import (
	"context"
	"encoding/json"

	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
	"goldsmith/shared/wait"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[json.RawMessage, struct{}], error) {
	s, err := read(ctx, settings.Table, settings.Account)
	if err != nil {
		return nil, err
	}
	return Step{Waits: s.Ledger, Settler: wait.Wire(s), Home: s.Home()}.Handle, nil
}
