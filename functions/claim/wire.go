package claim

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/rollout"
	"goldsmith/shared/settings"
	"goldsmith/shared/sharing"
	"goldsmith/shared/source"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[Input, job.Job], error) {
	s, err := read(ctx, settings.Table, settings.VolumeKeys, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	cloud, scaling := ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS)
	takers := rollout.Takers{EC2: cloud, Groups: scaling, Path: s.Get(settings.ImagePath)}
	return Step{
		EC2: cloud, AutoScaling: scaling, Balancers: elasticloadbalancingv2.NewFromConfig(s.AWS),
		Keys:    source.Keys{KMS: kms.NewFromConfig(s.AWS), Granted: source.Listed(s.Get(settings.VolumeKeys))},
		Sharing: sharing.Wire(s), Takers: takers,
		Ledger: s.Ledger, Now: s.Now,
	}.Handle, nil
}
