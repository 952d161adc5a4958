package copies

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"goldsmith/shared/sharing"
)

// Wire makes the lookout of who has this configuration.
func Wire(c aws.Config) Lookout {
	keys := func(region string) *kms.Client {
		return kms.NewFromConfig(c, func(o *kms.Options) { o.Region = region })
	}
	own := organizations.NewFromConfig(c)
	return Lookout{
		Home: c.Region, Regions: ec2.NewFromConfig(c), Keys: func(region string) keysAPI { return keys(region) },
		Sharing: func(region string) sharing.Lookout { return sharing.New(own, keys(region)) },
	}
}

// EC2 are the clients of EC2 by Region.
func EC2(c aws.Config) func(region string) *ec2.Client {
	return func(region string) *ec2.Client {
		return ec2.NewFromConfig(c, func(o *ec2.Options) { o.Region = region })
	}
}
