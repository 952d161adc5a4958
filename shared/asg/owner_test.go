package asg

import (
	"os"
	"strings"
	"testing"
)

// TestOwners: whatever a service tags as its own is its own, and operators can read which services those are.
func TestOwners(t *testing.T) {
	plans, err := os.ReadFile("../../docs/plans.md")
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{
		"eks:nodegroup-name":                    "Amazon EKS (managed node group blue)",
		"elasticbeanstalk:environment-name":     "AWS Elastic Beanstalk (environment blue)",
		"AWSBatchServiceTag":                    "AWS Batch (blue)",
		"AWSElasticDisasterRecoveryManaged":     "AWS Elastic Disaster Recovery (blue)",
		"AWSApplicationMigrationServiceManaged": "AWS Application Migration Service (blue)",
		"parallelcluster:cluster-name":          "AWS ParallelCluster (cluster blue)",
		"karpenter.k8s.aws/cluster":             "Karpenter (cluster blue)",
		"karpenter.k8s.aws/ec2nodeclass":        "Karpenter (node class blue)",
		"aws:cloudformation:stack-name":         "",
		"Name":                                  "",
	} {
		if got := Owner(map[string]string{tag: "blue"}); got != want {
			t.Errorf("what %s tags is %q, want %q", tag, got, want)
		}
		if service, _, _ := strings.Cut(want, " ("); !strings.Contains(string(plans), service) {
			t.Errorf("docs/plans.md does not name %s", service)
		}
	}
}
