package slack

import (
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"goldsmith/shared/settings"
)

// Wire makes the sender of a function. Its settings name the secret; without one it sends nothing.
func Wire(s settings.Settings) *Sender {
	return New(secretsmanager.NewFromConfig(s.AWS), s.Get(settings.SlackSecret), s.Web)
}
