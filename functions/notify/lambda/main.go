// Command lambda wires function notify.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"goldsmith/functions/notify"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
	"goldsmith/shared/slack"
	"goldsmith/shared/tell"
)

func main() { handler.Start("notify", wire) }

func wire(ctx context.Context) (handler.Func[job.Page, job.Page], error) {
	s, err := settings.Load(ctx, settings.Table, settings.SlackSecret)
	if err != nil {
		return nil, err
	}
	book := s.Ledger()
	sender := slack.New(secretsmanager.NewFromConfig(s.AWS), s.Get(settings.SlackSecret), nil)
	return notify.New(tell.Teller{Runs: book, Results: book, Requests: book, Slack: sender, Tags: ec2.NewFromConfig(s.AWS), Now: time.Now}).Handle, nil
}
