// Command lambda wires function recover.
package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	recovery "goldsmith/functions/recover"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
	"goldsmith/shared/slack"
	"goldsmith/shared/tell"
)

func main() { handler.Start("recover", wire) }

func wire(ctx context.Context) (handler.Func[json.RawMessage, recovery.Answer], error) {
	s, err := settings.Load(ctx, settings.Table, settings.StateMachine, settings.PlansFile, settings.SlackSecret)
	if err != nil {
		return nil, err
	}
	book, cloud := s.Ledger(), ec2.NewFromConfig(s.AWS)
	sender := slack.New(secretsmanager.NewFromConfig(s.AWS), s.Get(settings.SlackSecret), nil)
	return recovery.New(recovery.Account{
		EC2: cloud, Executions: sfn.NewFromConfig(s.AWS), Schedules: scheduler.NewFromConfig(s.AWS), Ledger: book,
		Teller: tell.Teller{Runs: book, Results: book, Slack: sender, Tags: cloud, Now: time.Now},
		Plans:  s.Plans(), Machine: s.Get(settings.StateMachine), Now: time.Now,
	}).Handle, nil
}
