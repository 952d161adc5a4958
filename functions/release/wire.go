package release

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	balancers "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/handler"
	"goldsmith/shared/hook"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
	"goldsmith/shared/standby"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[Input, job.Job], error) {
	s, err := read(ctx, settings.Table, settings.PlansFile)
	if err != nil {
		return nil, err
	}
	cloud := ec2.NewFromConfig(s.AWS)
	return Step{
		EC2: cloud, Claims: s.Ledger, Results: s.Ledger, Requests: s.Ledger, Now: s.Now,
		Service: standby.Service{
			Groups: autoscaling.NewFromConfig(s.AWS), Balancers: balancers.NewFromConfig(s.AWS), Claims: s.Ledger, Now: s.Now,
		},
		Hooks: hook.Runner{EC2: cloud, SSM: ssm.NewFromConfig(s.AWS), Plans: s.Plans, Claims: s.Ledger, Now: s.Now},
	}.Do, nil
}
