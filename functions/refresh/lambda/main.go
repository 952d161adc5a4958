// Command lambda wires function refresh.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

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
	scaling, cloud, parameters := autoscaling.NewFromConfig(s.AWS), ec2.NewFromConfig(s.AWS), ssm.NewFromConfig(s.AWS)
	return refresh.New(scaling, cloud, parameters, s.Ledger(), time.Now).Handle, nil
}
