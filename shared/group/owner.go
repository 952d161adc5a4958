package group

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// owners are AWS services that make groups and launch templates of their own and repair them, by the tag
// that they put on (EKS and Elastic Beanstalk User Guides, tagging; AWS Batch User Guide, compute resource tags).
var owners = []struct{ tag, is string }{
	{"eks:nodegroup-name", "Amazon EKS (managed node group %s)"},
	{"elasticbeanstalk:environment-name", "AWS Elastic Beanstalk (environment %s)"},
	{"AWSBatchServiceTag", "AWS Batch (%s)"},
}

// Owner is the AWS service that owns what has these tags; "" for none.
func Owner(tags map[string]string) string {
	for _, o := range owners {
		if value, ok := tags[o.tag]; ok {
			return fmt.Sprintf(o.is, value)
		}
	}
	return ""
}

// OwnerOf is the AWS service that owns a group; "" for none.
func OwnerOf(g types.AutoScalingGroup) string {
	tags := map[string]string{}
	for _, t := range g.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return Owner(tags)
}
