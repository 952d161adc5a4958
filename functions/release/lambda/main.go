// Command lambda wires function release.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/functions/release"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

func main() { handler.Start("release", wire) }

func wire(ctx context.Context) (handler.Func[job.Job, job.Job], error) {
	s, err := settings.Load(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	book := s.Ledger()
	return release.New(ec2.NewFromConfig(s.AWS), book, book, book, time.Now).Handle, nil
}
