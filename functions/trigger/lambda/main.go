// Command lambda wires function trigger.
package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/trigger"
	"goldsmith/shared/begin"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("trigger", wire) }

func wire(ctx context.Context) (handler.Func[json.RawMessage, trigger.Answer], error) {
	s, err := settings.Load(ctx, settings.Table, settings.Account, settings.StateMachine, settings.PlansFile)
	if err != nil {
		return nil, err
	}
	executions := sfn.NewFromConfig(s.AWS)
	starter := begin.Starter{Executions: executions, Plans: s.Plans(), Machine: s.Get(settings.StateMachine)}
	return trigger.New(starter, s.Ledger(), executions, s.Home(), time.Now).Handle, nil
}
