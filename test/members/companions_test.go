package members

import "regexp"

// companion is a value that members need beside them to say anything.
type companion struct {
	of     *regexp.Regexp // the members' names; the first group is the part of the name that the two share
	beside string
	value  func(w *world, action string) any
}

func besides(of, beside string, value any) companion {
	return companion{regexp.MustCompile(of), beside, func(*world, string) any { return value }}
}

// path is the name of what a member needs beside it; none when it needs nothing.
func (c companion) path(key string) string {
	shared := c.of.FindStringSubmatch(key)
	if shared == nil {
		return ""
	}
	return shared[1] + c.beside
}

// companions are in order: the later ones leave what the earlier ones said.
var companions = []companion{
	{regexp.MustCompile(`^(.*TagSpecifications\[\]\.)`), "ResourceType", func(_ *world, action string) any {
		return tagged[action]
	}},
	besides(`^(.*TagSpecifications\[\]\.)`, "Tags[].Key", "sample"),
	besides(`^(autoscaling\.CreateAutoScalingGroup\.Tags\[\]\.)`, "Key", "sample"),
	{regexp.MustCompile(`^((?:ec2|autoscaling)\..*Filters\[\]\.)Values`), "Name", func(_ *world, action string) any {
		return filtered[action].name
	}},
	besides(`^(ssm\.[DG].*Filters\[\]\.)(Key|Option)$`, "Values[]", "String"),
	besides(`^(ssm\.[DG].*Filters\[\]\.)(Option|Values)`, "Key", "Type"),
	besides(`^(ssm\.ListCommandInvocations\.Filters\[\]\.)Key$`, "Value", "2999-01-01T00:00:00Z"),
	besides(`^(ssm\.ListCommandInvocations\.Filters\[\]\.)Value$`, "Key", "InvokedAfter"),
	besides(`^(ec2\.Copy(Image|Snapshot)\.)KmsKeyId`, "Encrypted", true),
	besides(`^(ec2\.CreateImageUsageReport\..*ResourceTypeOptions\[\]\.)OptionValues`, "OptionName", "version-depth"),
	besides(`^(ec2\.CreateImageUsageReport\..*ResourceTypeOptions\[\]\.)OptionName`, "OptionValues[]", "5"),
	besides(`^(autoscaling\..*InstanceMaintenancePolicy\.)`, "MinHealthyPercentage", 50),
	besides(`^(autoscaling\..*InstanceMaintenancePolicy\.)`, "MaxHealthyPercentage", 110),
	besides(`^(autoscaling\..*Preferences\.)CheckpointDelay`, "CheckpointPercentages[]", 50),
	besides(`^(.*BlockDeviceMappings\[\]\.)NoDevice`, "DeviceName", "/dev/xvda"),
	besides(`^(.*BlockDeviceMappings\[\]\.)`, "DeviceName", "/dev/sdf"),
	besides(`^(ec2\.RunInstances\.InstanceMarketOptions\.)SpotOptions`, "MarketType", "spot"),
	besides(`^(ec2\.RunInstances\..*SpotOptions\.)(InstanceInterruptionBehavior|ValidUntil)$`, "SpotInstanceType",
		"persistent"),
	besides(`^(ec2\.RunInstances\..*SpotOptions\.)(SpotInstanceType|ValidUntil)$`, "InstanceInterruptionBehavior",
		"stop"),
	besides(`^(.*BlockDeviceMappings\[\]\.)(DeviceName|Ebs)`, "Ebs.VolumeSize", 9),
	besides(`^(.*BlockDeviceMappings\[\]\.Ebs\.)KmsKeyId`, "Encrypted", true),
	besides(`^(.*InstanceRequirements\.)`, "VCpuCount.Min", 1),
	besides(`^(.*InstanceRequirements\.)`, "MemoryMiB.Min", 1),
	template(`^(.*LaunchTemplateSpecification\.)Version$`, "LaunchTemplateId"),
	template(`^(.*\.LaunchTemplate\.)Version$`, "LaunchTemplateId"),
	template(
		`^(.*MixedInstancesPolicy\.LaunchTemplate\.)Overrides`,
		"LaunchTemplateSpecification.LaunchTemplateId",
	),
	template(
		`^(.*MixedInstancesPolicy\.)InstancesDistribution`,
		"LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId",
	),
}

func template(of, beside string) companion {
	return companion{regexp.MustCompile(of), beside, func(w *world, _ string) any { return w.ids["template"] }}
}

// tagged is what an action tags, by the action.
var tagged = map[string]string{
	"ec2.RunInstances": "instance", "ec2.CreateLaunchTemplate": "launch-template",
	"ec2.CreateLaunchTemplateVersion": "instance",
	"ec2.CreateImage":                 "image", "ec2.RegisterImage": "image", "ec2.CopyImage": "image",
	"ec2.CreateVolume":   "volume",
	"ec2.CreateSnapshot": "snapshot", "ec2.CreateSnapshots": "snapshot", "ec2.CopySnapshot": "snapshot",
	"ec2.CreateSecurityGroup": "security-group",
	"ec2.CreateKeyPair":       "key-pair", "ec2.ImportKeyPair": "key-pair", "ec2.CreateFleet": "fleet",
	"ec2.RequestSpotFleet": "spot-fleet-request",
}

// filtered is a filter that an action knows.
var filtered = map[string]struct{ name, value string }{
	"ec2.DescribeAvailabilityZones":         {"zone-name", "eu-central-1b"},
	"ec2.DescribeFastSnapshotRestores":      {"state", "enabled"},
	"ec2.DescribeFleets":                    {"type", "maintain"},
	"ec2.DescribeImageUsageReportEntries":   {"account-id", "222222222222"},
	"ec2.DescribeImageUsageReports":         {"state", "available"},
	"ec2.DescribeImages":                    {"name", "golden"},
	"ec2.DescribeInstanceStatus":            {"instance-state-name", "running"},
	"ec2.DescribeInstanceTypes":             {"instance-type", "t3.small"},
	"ec2.DescribeInstances":                 {"instance-state-name", "stopped"},
	"ec2.DescribeKeyPairs":                  {"key-name", "other"},
	"ec2.DescribeLaunchTemplateVersions":    {"instance-type", "t3.small"},
	"ec2.DescribeLaunchTemplates":           {"launch-template-name", "made"},
	"ec2.DescribeLockedSnapshots":           {"lock-state", "governance"},
	"ec2.DescribeRegions":                   {"region-name", "eu-central-1"},
	"ec2.DescribeSecurityGroups":            {"group-name", "made"},
	"ec2.DescribeSnapshotTierStatus":        {"last-tiering-operation", "archival-completed"},
	"ec2.DescribeSnapshots":                 {"storage-tier", "archive"},
	"ec2.DescribeSpotInstanceRequests":      {"state", "active"},
	"ec2.DescribeSubnets":                   {"availability-zone", "eu-central-1b"},
	"ec2.DescribeTags":                      {"key", "team"},
	"ec2.DescribeVolumes":                   {"size", "8"},
	"ec2.DescribeVpcs":                      {"state", "available"},
	"autoscaling.DescribeAutoScalingGroups": {"tag-value", "a"},
}
