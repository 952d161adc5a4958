package suite

import (
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/functions/claim"
	"goldsmith/functions/image"
	"goldsmith/functions/notify"
	recovery "goldsmith/functions/recover"
	"goldsmith/functions/refresh"
	"goldsmith/functions/release"
	"goldsmith/functions/retire"
	"goldsmith/functions/roll"
	"goldsmith/functions/rollback"
	selection "goldsmith/functions/select"
	"goldsmith/functions/snapshot"
	"goldsmith/functions/start"
	"goldsmith/functions/stop"
	"goldsmith/functions/trigger"
	"goldsmith/functions/verify"
	"goldsmith/functions/wake"
	"goldsmith/functions/watch"
	"goldsmith/infra/workflow"
	"goldsmith/local/query"
	"goldsmith/shared/begin"
	"goldsmith/shared/event"
	"goldsmith/shared/lineage"
	"goldsmith/shared/reference"
	"goldsmith/shared/retention"
	"goldsmith/shared/settings"
	"goldsmith/shared/slack"
	"goldsmith/shared/tell"
	"goldsmith/shared/wait"
)

func newFunctions(o Options) *functions {
	f := &functions{
		prefix:   fmt.Sprintf("arn:aws:lambda:%s:%s:function:goldsmith-", o.Region, o.Account),
		logs:     o.Logs,
		timeouts: map[string]time.Duration{},
		byName:   map[string]func() lambda.Handler{},
	}
	for _, each := range workflow.Functions {
		f.timeouts[each.Name] = each.Timeout
	}
	return f
}

// startFunctions wires each function as its lambda/main.go does, with clients
// of the embedded AWS.
func (s *Suite) startFunctions() error {
	cfg, book, now, f := s.AWS(), s.Ledger, s.options.Clock.Now, s.functions
	cloud, executions := ec2.NewFromConfig(cfg), sfn.NewFromConfig(cfg)
	scaling := autoscaling.NewFromConfig(cfg)
	settle := wait.Settler{EC2: cloud, Groups: scaling, Tokens: executions, Ledger: book, Now: now}
	home := event.Home{Account: s.options.Account, Region: s.options.Region}
	told := s.told()
	sender := slack.New(secretsmanager.NewFromConfig(cfg), told.setting("notify", settings.SlackSecret),
		query.Client(s.Slack))
	teller := tell.Teller{Runs: book, Results: book, Requests: book, Slack: sender, Tags: cloud, Now: now}

	starter := begin.Starter{Executions: executions, Plans: s.options.Plans,
		Machine: told.setting("trigger", settings.StateMachine)}
	add(f, "trigger", trigger.New(starter, book, executions, home, now).Handle)
	add(f, "select", selection.New(cloud, book, now).Handle)
	add(f, "claim", claim.New(cloud, scaling, book, now).Handle)
	add(f, "stop", stop.New(cloud, book, now).Handle)
	add(f, "image", image.New(cloud, book, told.setting("image", settings.ImagePath), now).Handle)
	add(f, "snapshot", snapshot.New(cloud, ebs.NewFromConfig(cfg), book, s.options.Region, now).Handle)
	add(f, "watch", watch.New(book, settle).Handle)
	add(f, "wake", wake.New(book, settle, home).Handle)
	add(f, "start", start.New(cloud, book, now).Handle)
	add(f, "verify", verify.New(cloud, ssm.NewFromConfig(cfg), book, now).Handle)
	lineages := lineage.Finder{EC2: cloud, Groups: scaling}
	add(f, "roll", roll.New(roll.Cloud{EC2: cloud, Groups: scaling, Parameters: ssm.NewFromConfig(cfg),
		Lineages: lineages},
		book, told.setting("roll", settings.ImagePath), now).Handle)
	rollbackSender := slack.New(secretsmanager.NewFromConfig(cfg), told.setting("rollback", settings.SlackSecret),
		query.Client(s.Slack))
	add(f, "rollback", rollback.New(cloud, scaling, ssm.NewFromConfig(cfg), book, rollbackSender,
		rollback.Fleet{Groups: scaling, Members: cloud}, now).Handle)
	add(f, "release", release.New(cloud, book, book, book, now).Handle)
	add(f, "refresh", refresh.New(scaling, cloud, ssm.NewFromConfig(cfg), book, now).Handle)
	gate := reference.Gate{EC2: cloud, AutoScaling: scaling, SSM: ssm.NewFromConfig(cfg),
		Path: told.setting("retire", settings.ImagePath), Now: now}
	watcher := retention.Watcher{EC2: cloud, Book: book, Lineages: lineages, Gate: gate, Now: now}
	add(f, "retire", retire.New(watcher, cloud, book, now).Handle)
	add(f, "notify", notify.New(teller).Handle)
	account := recovery.Account{
		Ledger: book, Teller: teller, Plans: s.options.Plans, Machine: told.setting("recover", settings.StateMachine),
		Path: told.setting("recover", settings.ImagePath), Home: home, Now: now,
	}
	add(f, "recover", recovery.New(account.With(cfg)).Handle)
	return told.problem
}
