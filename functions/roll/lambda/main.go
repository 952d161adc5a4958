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
	"goldsmith/shared/lineage"
	"goldsmith/shared/settings"
)

func main() { handler.Start("roll", wire) }

func wire(ctx context.Context) (handler.Func[job.Job, job.Job], error) {
	s, err := settings.Load(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	cloud, groups := ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS)
	return roll.New(roll.Cloud{
		EC2: cloud, Groups: groups, Parameters: ssm.NewFromConfig(s.AWS),
		Lineages: lineage.Finder{EC2: cloud, Groups: groups},
	}, s.Ledger(), s.Get(settings.ImagePath), time.Now).Handle, nil
}
