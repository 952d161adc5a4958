package stop

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Job, job.Job], error) {
	s, err := read(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	return Step{
		EC2: ec2.NewFromConfig(s.AWS), AutoScaling: autoscaling.NewFromConfig(s.AWS),
		Balancers: elasticloadbalancingv2.NewFromConfig(s.AWS), Ledger: s.Ledger, Now: s.Now,
	}.Handle, nil
}
