package asg

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// owners are services and controllers that make groups and launch templates of their own and repair them, by the tag
// that they put on (EKS and Elastic Beanstalk User Guides, tagging; AWS Batch User Guide, compute resource tags;
// AWS managed policies of Elastic Disaster Recovery and Application Migration Service, conditions on
// aws:ResourceTag; ParallelCluster User Guide, tags; Karpenter documentation, launch templates).
var owners = []struct{ tag, is string }{
	{"eks:nodegroup-name", "Amazon EKS (managed node group %s)"},
	{"elasticbeanstalk:environment-name", "AWS Elastic Beanstalk (environment %s)"},
	{"AWSBatchServiceTag", "AWS Batch (%s)"},
	{"AWSElasticDisasterRecoveryManaged", "AWS Elastic Disaster Recovery (%s)"},
	{"AWSApplicationMigrationServiceManaged", "AWS Application Migration Service (%s)"},
	{"parallelcluster:cluster-name", "AWS ParallelCluster (cluster %s)"},
	{"karpenter.k8s.aws/cluster", "Karpenter (cluster %s)"},
	{"karpenter.k8s.aws/ec2nodeclass", "Karpenter (node class %s)"},
}

// Owner is the service that owns what has these tags; "" for none.
func Owner(tags map[string]string) string {
	for _, o := range owners {
		if value, ok := tags[o.tag]; ok {
			return fmt.Sprintf(o.is, value)
		}
	}
	return ""
}

// OwnerOf is the service that owns a group; "" for none.
func OwnerOf(g types.AutoScalingGroup) string {
	tags := map[string]string{}
	for _, t := range g.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return Owner(tags)
}
