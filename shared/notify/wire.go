package notify

import (
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/settings"
	"goldsmith/shared/slack"
)

// Wire makes the notifier of a function.
func Wire(s settings.Settings) Notifier {
	return Notifier{
		Runs: s.Ledger, Results: s.Ledger, Requests: s.Ledger, Slack: slack.Wire(s), Tags: ec2.NewFromConfig(s.AWS),
		Now: s.Now,
	}
}
