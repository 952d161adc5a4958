// Command lambda wires function roll.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/functions/roll"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

func main() { handler.Start("roll", wire) }

func wire(ctx context.Context) (handler.Func[job.Job, job.Job], error) {
	s, err := settings.Load(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	return roll.New(ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS), ssm.NewFromConfig(s.AWS), s.Ledger(), s.Get(settings.ImagePath), time.Now).Handle, nil
}
