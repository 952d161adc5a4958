package notify

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/eventbus"
	"goldsmith/shared/plan"
	"goldsmith/shared/settings"
	"goldsmith/shared/slack"
	"goldsmith/shared/topic"
)

// Wire makes the notifier of a function.
func Wire(s settings.Settings) Notifier {
	return Notifier{
		Runs: s.Ledger, Results: s.Ledger, Requests: s.Ledger, Tags: ec2.NewFromConfig(s.AWS),
		Channels: Channels(s), Now: s.Now,
	}
}

// PeopleOf are those who hear of what is no plan's matter. The function's settings name the channels.
func PeopleOf(s settings.Settings) People {
	p := People{Channels: Channels(s)}
	for name := range strings.SplitSeq(s.Get(settings.Channels), ",") {
		p.Via = append(p.Via, plan.Channel(name))
	}
	return p
}

// Channels are all there are. One more is a package that has a Channel, and a line here and among plan's.
func Channels(s settings.Settings) map[plan.Channel]Channel {
	return map[plan.Channel]Channel{
		plan.Slack: slack.Wire(s), plan.EventBridge: eventbus.Wire(s), plan.SNS: topic.Wire(s),
	}
}
