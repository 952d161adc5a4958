package suite

import (
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/functions/claim"
	"goldsmith/functions/image"
	"goldsmith/functions/notify"
	recovery "goldsmith/functions/recover"
	"goldsmith/functions/release"
	"goldsmith/functions/roll"
	selection "goldsmith/functions/select"
	"goldsmith/functions/start"
	"goldsmith/functions/stop"
	"goldsmith/functions/trigger"
	"goldsmith/functions/wake"
	"goldsmith/functions/watch"
	"goldsmith/local/query"
	"goldsmith/shared/slack"
	"goldsmith/shared/tell"
	"goldsmith/shared/wait"
)

func newFunctions(o Options) *functions {
	return &functions{
		prefix: fmt.Sprintf("arn:aws:lambda:%s:%s:function:goldsmith-", o.Region, o.Account),
		logs:   o.Logs,
		byName: map[string]func() lambda.Handler{},
	}
}

// startFunctions wires each function as its lambda/main.go does, with clients
// of the embedded AWS.
func (s *Suite) startFunctions() error {
	cfg, book, now, f := s.AWS(), s.Ledger, s.options.Clock.Now, s.functions
	cloud, executions := ec2.NewFromConfig(cfg), sfn.NewFromConfig(cfg)
	settle := wait.Settler{EC2: cloud, Tokens: executions, Ledger: book, Now: now}
	sender := slack.New(secretsmanager.NewFromConfig(cfg), secretName, query.Client(s.Slack))
	teller := tell.Teller{Runs: book, Results: book, Slack: sender, Now: now}
	rescue := recovery.Rescue{EC2: cloud, Executions: executions, Claims: book, Results: book, Now: now}

	add(f, "trigger", trigger.New(executions, s.options.Plans, s.Machine, now).Handle)
	add(f, "select", selection.New(cloud, book, now).Handle)
	add(f, "claim", claim.New(cloud, book, now).Handle)
	add(f, "stop", stop.New(cloud, book, now).Handle)
	add(f, "image", image.New(cloud, now).Handle)
	add(f, "watch", watch.New(book, settle).Handle)
	add(f, "wake", wake.New(book, settle).Handle)
	add(f, "start", start.New(cloud, book, now).Handle)
	add(f, "roll", roll.New(cloud, ssm.NewFromConfig(cfg), imagePath).Handle)
	add(f, "release", release.New(cloud, book, book, now).Handle)
	add(f, "notify", notify.New(teller).Handle)
	add(f, "recover", recovery.New(rescue, book, teller, s.options.Plans, s.Machine).Handle)
	return nil
}
