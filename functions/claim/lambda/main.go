// Command lambda wires function claim.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/functions/claim"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

func main() { handler.Start("claim", wire) }

func wire(ctx context.Context) (handler.Func[claim.Input, job.Job], error) {
	s, err := settings.Load(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	return claim.New(ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS), s.Ledger(), time.Now).Handle, nil
}
