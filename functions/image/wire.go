package image

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Job, job.Job], error) {
	s, err := read(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	return Step{
		EC2: ec2.NewFromConfig(s.AWS), Groups: autoscaling.NewFromConfig(s.AWS), Ledger: s.Ledger,
		Path: s.Get(settings.ImagePath), Now: s.Now,
	}.Handle, nil
}
