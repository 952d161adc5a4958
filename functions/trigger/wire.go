package trigger

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/shared/handler"
	"goldsmith/shared/runs"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[json.RawMessage, Answer], error) {
	s, err := read(ctx, settings.Table, settings.Account, settings.StateMachine, settings.PlansFile)
	if err != nil {
		return nil, err
	}
	executions := sfn.NewFromConfig(s.AWS)
	starter := runs.Starter{Executions: executions, Plans: s.Plans, Machine: s.Get(settings.StateMachine)}
	return Step{Starter: starter, Ledger: s.Ledger, SFN: executions, Home: s.Home(), Now: s.Now}.Handle, nil
}
