// Command lambda wires function rollback.
package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/functions/rollback"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
	"goldsmith/shared/slack"
)

func main() { handler.Start("rollback", wire) }

func wire(ctx context.Context) (handler.Func[json.RawMessage, rollback.Answer], error) {
	s, err := settings.Load(ctx, settings.Table, settings.SlackSecret)
	if err != nil {
		return nil, err
	}
	sender := slack.New(secretsmanager.NewFromConfig(s.AWS), s.Get(settings.SlackSecret), nil)
	cloud := ec2.NewFromConfig(s.AWS)
	scaling := autoscaling.NewFromConfig(s.AWS)
	fleet := rollback.Fleet{Groups: scaling, Members: cloud}
	return rollback.New(cloud, scaling, ssm.NewFromConfig(s.AWS), s.Ledger(), sender, fleet, time.Now).Handle, nil
}
