package sharing

import (
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"goldsmith/shared/settings"
)

// Wire makes the lookout of a function, which asks anew each time.
func Wire(s settings.Settings) Lookout {
	return Lookout{Organizations: organizations.NewFromConfig(s.AWS), Keys: kms.NewFromConfig(s.AWS)}
}
