// Command lambda wires function refresh.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/functions/refresh"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

func main() { handler.Start("refresh", wire) }

func wire(ctx context.Context) (handler.Func[job.Job, job.Job], error) {
	s, err := settings.Load(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	return refresh.New(autoscaling.NewFromConfig(s.AWS), ec2.NewFromConfig(s.AWS), s.Ledger(), time.Now).Handle, nil
}
