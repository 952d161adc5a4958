package hook

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/handler"
	"goldsmith/shared/hook"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[Input, job.Job], error) {
	s, err := read(ctx, settings.Table, settings.PlansFile)
	if err != nil {
		return nil, err
	}
	return Step{
		Runner: hook.Runner{EC2: ec2.NewFromConfig(s.AWS), SSM: ssm.NewFromConfig(s.AWS), Claims: s.Ledger, Plans: s.Plans,
			Now: s.Now},
		Claims: s.Ledger, Now: s.Now,
	}.Handle, nil
}
