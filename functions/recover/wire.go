package recovery

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/functions/recover/adoption"
	"goldsmith/shared/handler"
	"goldsmith/shared/notify"
	"goldsmith/shared/settings"
	"goldsmith/shared/usage"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[json.RawMessage, Answer], error) {
	s, err := read(ctx, settings.Table, settings.Account, settings.StateMachine, settings.PlansFile,
		settings.SlackSecret, settings.Topic,
		settings.ImagePath)
	if err != nil {
		return nil, err
	}
	cloud, scaling, path := ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS), s.Get(settings.ImagePath)
	return New(Account{
		EC2: cloud, Executions: sfn.NewFromConfig(s.AWS), Schedules: scheduler.NewFromConfig(s.AWS),
		Groups: scaling, Balancers: elasticloadbalancingv2.NewFromConfig(s.AWS),
		SSM:      ssm.NewFromConfig(s.AWS),
		Origins:  adoption.Origins{EC2: cloud, Groups: scaling},
		Usage:    usage.Wire(s),
		Notifier: notify.Wire(s),
		Ledger:   s.Ledger, Plans: s.Plans, Machine: s.Get(settings.StateMachine), Path: path,
		Home: s.Home(), Now: s.Now,
	}).Handle, nil
}
