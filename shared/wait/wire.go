package wait

import (
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/shared/settings"
)

// Wire makes the settler of a function.
func Wire(s settings.Settings) Settler {
	return Settler{
		EC2: ec2.NewFromConfig(s.AWS), Groups: autoscaling.NewFromConfig(s.AWS), Tokens: sfn.NewFromConfig(s.AWS),
		Ledger: s.Ledger, Now: s.Now,
	}
}
