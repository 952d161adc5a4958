package rollout

import (
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/settings"
)

// WireAbroad makes the writer for what copies are rolled into in another Region. What finds new targets there needs the
// Path of the aliases and the Lineages, which live at home.
func WireAbroad(s settings.Settings, region string) Writer {
	there := s.AWS.Copy()
	there.Region = region
	cloud, values, records := ec2.NewFromConfig(there), ssm.NewFromConfig(there), Abroad{Region: region, Ledger: s.Ledger}
	return Writer{
		Finder: Finder{
			EC2: cloud, Groups: autoscaling.NewFromConfig(there), Parameters: values, Ledger: records, Now: s.Now,
		},
		Templates: cloud, Values: values, Records: records,
	}
}
