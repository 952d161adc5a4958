// Command lambda wires function recover.
package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	recovery "goldsmith/functions/recover"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
	"goldsmith/shared/slack"
	"goldsmith/shared/tell"
)

func main() { handler.Start("recover", wire) }

func wire(ctx context.Context) (handler.Func[json.RawMessage, recovery.Answer], error) {
	s, err := settings.Load(ctx, settings.Table, settings.Account, settings.StateMachine, settings.PlansFile, settings.SlackSecret, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	book := s.Ledger()
	sender := slack.New(secretsmanager.NewFromConfig(s.AWS), s.Get(settings.SlackSecret), nil)
	teller := tell.Teller{Runs: book, Results: book, Requests: book, Slack: sender, Tags: ec2.NewFromConfig(s.AWS), Now: time.Now}
	account := recovery.Account{
		Ledger: book, Teller: teller, Plans: s.Plans(), Machine: s.Get(settings.StateMachine), Path: s.Get(settings.ImagePath), Home: s.Home(), Now: time.Now,
	}
	return recovery.New(account.With(s.AWS)).Handle, nil
}
