package notify

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/notify"
	"goldsmith/shared/settings"
	"goldsmith/shared/slack"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Batch, job.Batch], error) {
	s, err := read(ctx, settings.Table, settings.SlackSecret)
	if err != nil {
		return nil, err
	}
	sender := slack.New(secretsmanager.NewFromConfig(s.AWS), s.Get(settings.SlackSecret), s.Web)
	return Step{notify.Notifier{
		Runs: s.Ledger, Results: s.Ledger, Requests: s.Ledger, Slack: sender, Tags: ec2.NewFromConfig(s.AWS), Now: s.Now,
	}}.Handle, nil
}
