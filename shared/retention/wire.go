package retention

import (
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/lineage"
	"goldsmith/shared/settings"
	"goldsmith/shared/usage"
)

// Wire makes the reviewer of images or, where a Region is named, of the copies there: what they are of lives at home,
// and so do its lineages. The path of the aliases must be among the settings.
func Wire(s settings.Settings, region string) Reviewer {
	lineages := lineage.Finder{EC2: ec2.NewFromConfig(s.AWS), Groups: autoscaling.NewFromConfig(s.AWS)}
	if region != "" {
		s.AWS.Region = region
	}
	return Reviewer{
		Region: region, EC2: ec2.NewFromConfig(s.AWS), Ledger: s.Ledger, Lineages: lineages, Usage: usage.Wire(s), Now: s.Now,
	}
}
