// Command lambda wires function wake.
package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/wake"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
	"goldsmith/shared/wait"
)

func main() { handler.Start("wake", wire) }

func wire(ctx context.Context) (handler.Func[json.RawMessage, struct{}], error) {
	s, err := settings.Load(ctx, settings.Table, settings.Account)
	if err != nil {
		return nil, err
	}
	book := s.Ledger()
	settle := wait.Settler{
		EC2: ec2.NewFromConfig(s.AWS), Groups: autoscaling.NewFromConfig(s.AWS), Tokens: sfn.NewFromConfig(s.AWS), Ledger: book, Now: time.Now,
	}
	return wake.New(book, settle, s.Home()).Handle, nil
}
