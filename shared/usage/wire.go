package usage

import (
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/settings"
)

// Wire makes the finder of a function, which must be told the path of the aliases.
func Wire(s settings.Settings) Finder {
	return Finder{
		EC2: ec2.NewFromConfig(s.AWS), AutoScaling: autoscaling.NewFromConfig(s.AWS), SSM: ssm.NewFromConfig(s.AWS),
		Path: s.Get(settings.ImagePath), Now: s.Now,
	}
}
