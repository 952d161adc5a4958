// Command lambda wires function image.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/functions/image"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

func main() { handler.Start("image", wire) }

func wire(ctx context.Context) (handler.Func[job.Job, job.Job], error) {
	s, err := settings.Load(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	return image.New(ec2.NewFromConfig(s.AWS), s.Ledger(), s.Get(settings.ImagePath), time.Now).Handle, nil
}
