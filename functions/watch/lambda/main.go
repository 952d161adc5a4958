// Command lambda wires function watch.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/watch"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
	"goldsmith/shared/wait"
)

func main() { handler.Start("watch", wire) }

func wire(ctx context.Context) (handler.Func[watch.Input, *job.Document], error) {
	s, err := settings.Load(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	book := s.Ledger()
	settle := wait.Settler{
		EC2: ec2.NewFromConfig(s.AWS), Groups: autoscaling.NewFromConfig(s.AWS), Tokens: sfn.NewFromConfig(s.AWS), Ledger: book, Now: time.Now,
	}
	return watch.New(book, settle).Handle, nil
}
