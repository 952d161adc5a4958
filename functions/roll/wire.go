package roll

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/rollout"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Job, job.Job], error) {
	s, err := read(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	cloud, groups := ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS)
	return Step{
		EC2: cloud, AutoScaling: groups, SSM: ssm.NewFromConfig(s.AWS), Lineages: lineage.Finder{EC2: cloud, Groups: groups},
		Ledger: s.Ledger, Path: s.Get(settings.ImagePath), Lately: &rollout.Lately{}, Now: s.Now,
	}.Handle, nil
}
