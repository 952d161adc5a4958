package retire

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/reference"
	"goldsmith/shared/retention"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Page, job.Page], error) {
	s, err := read(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	cloud, scaling := ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS)
	gate := reference.Gate{
		EC2: cloud, AutoScaling: scaling, SSM: ssm.NewFromConfig(s.AWS), Path: s.Get(settings.ImagePath), Now: s.Now,
	}
	lineages := lineage.Finder{EC2: cloud, Groups: scaling}
	watcher := retention.Watcher{EC2: cloud, Book: s.Ledger, Lineages: lineages, Gate: gate, Now: s.Now}
	return New(watcher, cloud, s.Ledger, s.Now).Handle, nil
}
