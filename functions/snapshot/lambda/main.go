// Command lambda wires function snapshot.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/functions/snapshot"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

func main() { handler.Start("snapshot", wire) }

func wire(ctx context.Context) (handler.Func[snapshot.Input, job.Job], error) {
	s, err := settings.Load(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	return snapshot.New(ec2.NewFromConfig(s.AWS), ebs.NewFromConfig(s.AWS), s.Ledger(), s.AWS.Region, time.Now).Handle, nil
}
