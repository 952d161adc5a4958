package recovery

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/handler"
	"goldsmith/shared/notify"
	"goldsmith/shared/settings"
	"goldsmith/shared/slack"
	"goldsmith/shared/usage"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[json.RawMessage, Answer], error) {
	s, err := read(ctx, settings.Table, settings.Account, settings.StateMachine, settings.PlansFile, settings.SlackSecret,
		settings.ImagePath)
	if err != nil {
		return nil, err
	}
	cloud, scaling, path := ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS), s.Get(settings.ImagePath)
	sender := slack.New(secretsmanager.NewFromConfig(s.AWS), s.Get(settings.SlackSecret), s.Web)
	return New(Account{
		EC2: cloud, Executions: sfn.NewFromConfig(s.AWS), Schedules: scheduler.NewFromConfig(s.AWS),
		Origins:  Origins{EC2: cloud, Groups: scaling},
		Usage:    usage.Finder{EC2: cloud, AutoScaling: scaling, SSM: ssm.NewFromConfig(s.AWS), Path: path, Now: s.Now},
		Notifier: notify.Notifier{Runs: s.Ledger, Results: s.Ledger, Requests: s.Ledger, Slack: sender, Tags: cloud, Now: s.Now},
		Ledger:   s.Ledger, Plans: s.Plans, Machine: s.Get(settings.StateMachine), Path: path,
		Home: s.Home(), Now: s.Now,
	}).Handle, nil
}
