package permissions

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"goldsmith/local/query"
)

// Call is one API call as the embedded AWS receives it.
type Call struct {
	// Name is service and action, such as ec2:StopInstances.
	Name string
	// Params are a query service's parameters, Input what a JSON service is sent.
	Params *query.Params
	Input  map[string]any
	// Region is the one that it is sent to.
	Region string
}

// Scene is the account a call is made in, and what IAM learns there.
type Scene struct {
	Account
	// Tags are the tags that a resource of EC2 carries at this moment, by its id.
	Tags func(id string) map[string]string
	// Secret is the ARN of the secret with that name.
	Secret func(name string) string
}

// Requests are what IAM decides on for a call: one request for each resource type of the
// action in the service authorization reference
// (docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html and its siblings).
func (s Scene) Requests(c Call) ([]Request, error) {
	resources, known := authorized[c.Name]
	if !known {
		return nil, fmt.Errorf("nothing is known of how %s is authorized", c.Name)
	}
	requests := resources(s, c)
	if len(requests) == 0 {
		return nil, fmt.Errorf("%s names no resource", c.Name)
	}
	return requests, nil
}

// authorized are the calls that the suite makes.
var authorized = map[string]func(Scene, Call) []Request{
	"ec2:DescribeInstances":              nowhere,
	"ec2:DescribeInstanceStatus":         nowhere,
	"ec2:DescribeInstanceTypes":          nowhere,
	"ec2:DescribeSpotInstanceRequests":   nowhere,
	"ec2:DescribeVolumes":                nowhere,
	"ec2:DescribeImages":                 nowhere,
	"ec2:DescribeSnapshots":              nowhere,
	"ec2:DescribeLaunchTemplates":        nowhere,
	"ec2:DescribeLaunchTemplateVersions": nowhere,
	"ec2:DescribeInstanceAttribute":      existing("InstanceId"),
	"ec2:GetInstanceUefiData":            existing("InstanceId"),
	"ec2:StopInstances":                  existing("InstanceId"),
	"ec2:StartInstances":                 existing("InstanceId"),
	"ec2:CreateLaunchTemplateVersion":    existing("LaunchTemplateId"),
	"ec2:ModifyLaunchTemplate":           existing("LaunchTemplateId"),
	"ec2:TerminateInstances":             existing("InstanceId"),
	"ec2:RunInstances":                   launching,
	"ec2:DeleteLaunchTemplateVersions":   existing("LaunchTemplateId"),
	"ec2:DescribeImageAttribute":         nowhere, // Allowed on everything, as the other describes: docs/unverified.md.
	"ec2:DescribeImageReferences":        nowhere,
	"ec2:DescribeSnapshotTierStatus":     nowhere,
	"ec2:DescribeLockedSnapshots":        nowhere,
	"ec2:DescribeFastSnapshotRestores":   nowhere,
	"ec2:DescribeSnapshotAttribute":      nowhere,
	"ec2:DescribeSpotFleetRequests":      nowhere,
	// The service authorization reference gives it no resource type.
	"ec2:GetInstanceTypesFromInstanceRequirements": nowhere,
	"ec2:DescribeFleets":                           nowhere,
	"ec2:ListImagesInRecycleBin":                   nowhere,
	"ec2:EnableImageDeprecation":                   existing("ImageId"),
	"ec2:DisableImageDeprecation":                  existing("ImageId"),
	"ec2:DisableImage":                             existing("ImageId"),
	"ec2:DeregisterImage":                          existing("ImageId"),
	"ec2:DeleteSnapshot":                           existing("SnapshotId"),
	"ec2:DescribeImageUsageReports":                nowhere,
	"ec2:DescribeImageUsageReportEntries":          nowhere,
	"ec2:CreateImageUsageReport":                   reporting,
	"ec2:ModifyImageAttribute":                     existing("ImageId"),
	"ec2:ModifySnapshotAttribute":                  existing("SnapshotId"),
	"ec2:CreateImage":                              creatingImage,
	"ec2:CopySnapshot":                             copying,
	"ec2:RegisterImage":                            registering,
	"ec2:CopyImage":                                copyingImage,
	"ec2:DescribeRegions":                          nowhere,
	"ec2:CreateTags":                               tagging,
	"ec2:DeleteTags":                               tagging,

	"elasticloadbalancing:DescribeTargetHealth":          nowhere,
	"elasticloadbalancing:DescribeTargetGroups":          nowhere,
	"elasticloadbalancing:DescribeTargetGroupAttributes": nowhere,
	"elasticloadbalancing:DeregisterTargets":             targeting,
	"elasticloadbalancing:RegisterTargets":               targeting,

	"ebs:ListSnapshotBlocks": reading,
	"ebs:GetSnapshotBlock":   reading,

	"autoscaling:DescribeAutoScalingGroups":    nowhere,
	"autoscaling:DescribeAutoScalingInstances": nowhere,
	"autoscaling:DescribeInstanceRefreshes":    nowhere,
	"autoscaling:DescribeLaunchConfigurations": nowhere,
	"autoscaling:StartInstanceRefresh":         refreshing,
	"autoscaling:EnterStandby":                 refreshing,
	"autoscaling:ExitStandby":                  refreshing,
	"autoscaling:SetInstanceProtection":        refreshing,
	"autoscaling:SetDesiredCapacity":           refreshing,
	"autoscaling:RollbackInstanceRefresh":      refreshing,

	"ssm:GetParameter":           named("Name", parameter),
	"ssm:GetParameters":          parameters,
	"ssm:GetParametersByPath":    below,
	"ssm:PutParameter":           named("Name", parameter),
	"ssm:SendCommand":            commanding,
	"ssm:ListCommandInvocations": nowhere,
	"kms:DescribeKey":            named("KeyId", key),
	"kms:GetKeyPolicy":           named("KeyId", func(_ Scene, arn string) string { return arn }),
	"kms:ListGrants":             named("KeyId", func(_ Scene, arn string) string { return arn }),
	// The service authorization reference gives it no resource type.
	"organizations:DescribeOrganization": nowhere,
	"servicequotas:GetServiceQuota":      nowhere,
	"events:PutEvents":                   sending,
	"sns:Publish":                        publishing,
	"s3:PutObject":                       named("object", object),
	"s3:GetObject":                       named("object", object),
	"secretsmanager:GetSecretValue":      named("SecretId", func(s Scene, id string) string { return s.Secret(id) }),
	"states:StartExecution":              named("stateMachineArn", machine),
	"states:DescribeExecution":           named("executionArn", func(_ Scene, arn string) string { return arn }),
	"states:GetExecutionHistory":         named("executionArn", func(_ Scene, arn string) string { return arn }),
	"states:ListExecutions":              listing,
	"scheduler:GetSchedule": named("path",
		func(s Scene, path string) string { return s.ARN("scheduler", "schedule/"+path) }),
	"states:SendTaskSuccess": nowhere,
	"states:SendTaskFailure": nowhere,
	"dynamodb:GetItem":       named("TableName", table),
	"dynamodb:PutItem":       named("TableName", table),
	"dynamodb:UpdateItem":    named("TableName", table),
	"dynamodb:DeleteItem":    named("TableName", table),
	"dynamodb:Query":         named("TableName", table),
}

// nowhere is for actions without a resource type.
func nowhere(_ Scene, c Call) []Request { return []Request{{Action: c.Name, Resource: "*"}} }

// existing is for actions on resources of EC2 that are there, with the tags that they carry.
func existing(parameter string) func(Scene, Call) []Request {
	return func(s Scene, c Call) (requests []Request) {
		ids := c.Params.Texts(parameter)
		if id := c.Params.Text(parameter); id != "" {
			ids = append(ids, id)
		}
		for _, id := range ids {
			requests = append(requests, Request{c.Name, s.resource(id), carried(s.Tags(id))})
		}
		return requests
	}
}

// resource is the ARN of what an id of EC2 names. Images and snapshots have no account in it.
func (s Scene) resource(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "i":
		return s.ARN("ec2", "instance/"+id)
	case "lt":
		return s.ARN("ec2", "launch-template/"+id)
	case "subnet":
		return s.ARN("ec2", "subnet/"+id)
	case "snap":
		return s.public("snapshot/" + id)
	case "ami":
		return s.public("image/" + id)
	default:
		return s.ARN("ec2", id)
	}
}

func (s Scene) public(resource string) string {
	return fmt.Sprintf("arn:%s:ec2:%s::%s", s.Partition, s.Region, resource)
}

func carried(tags map[string]string) map[string][]string {
	keys := map[string][]string{}
	for key, value := range tags {
		keys["aws:ResourceTag/"+key] = []string{value}
		keys["ec2:ResourceTag/"+key] = []string{value}
	}
	return keys
}

// reporting is CreateImageUsageReport on the image, with its tags, and on the report to be.
func reporting(s Scene, c Call) []Request {
	return append(existing("ImageId")(s, c), Request{c.Name, s.ARN("ec2", "image-usage-report/*"), nil})
}

// creatingImage is CreateImage on the instance, with its tags, and on the image and the
// snapshots to be, with those in the request; and CreateTags on what the request tags.
func creatingImage(s Scene, c Call) []Request {
	requests := existing("InstanceId")(s, c)
	given := map[string]map[string][]string{}
	for _, specification := range c.Params.List("TagSpecification") {
		kind := specification.Text("ResourceType")
		given[kind] = requested(specification.List("Tag"))
		creating := maps.Clone(given[kind])
		creating["ec2:CreateAction"] = []string{"CreateImage"}
		requests = append(requests, Request{"ec2:CreateTags", s.public(kind + "/*"), creating})
	}
	for _, kind := range []string{"image", "snapshot"} {
		requests = append(requests, Request{c.Name, s.public(kind + "/*"), given[kind]})
	}
	return requests
}

// copyingImage is CopyImage on the image that is there and on its snapshots, in their Region and with their tags, and
// on those to be, with the tags in the request; and CreateTags on these
// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/copy-ami-permissions.html).
func copyingImage(s Scene, c Call) []Request {
	source := s
	source.Region = c.Params.Text("SourceRegion")
	id := c.Params.Text("SourceImageId")
	requests := []Request{
		{c.Name, source.resource(id), carried(s.Tags(id))},
		{c.Name, source.resource("snap-0123456789abcdef0"), carried(map[string]string{"Backup": "daily"})},
	}
	given := map[string]map[string][]string{}
	for _, specification := range c.Params.List("TagSpecification") {
		kind := specification.Text("ResourceType")
		given[kind] = requested(specification.List("Tag"))
		creating := maps.Clone(given[kind])
		creating["ec2:CreateAction"] = []string{"CopyImage"}
		requests = append(requests, Request{"ec2:CreateTags", s.public(kind + "/*"), creating})
	}
	for _, kind := range []string{"image", "snapshot"} {
		requests = append(requests, Request{c.Name, s.public(kind + "/*"), given[kind]})
	}
	return requests
}

// launching is RunInstances on the image and the subnet, which are there, on the network
// interface and its security groups, and on the instance and the volumes to be, with the
// tags in the request; and CreateTags on what the request tags.
func launching(s Scene, c Call) []Request {
	requests := slices.Concat(existing("ImageId")(s, c), existing("SubnetId")(s, c))
	groups := c.Params.Texts("SecurityGroupId")
	if len(groups) == 0 {
		groups = []string{"sg-default"}
	}
	for _, group := range groups {
		requests = append(requests, Request{c.Name, s.ARN("ec2", "security-group/"+group), nil})
	}
	requests = append(requests, Request{c.Name, s.ARN("ec2", "network-interface/*"), nil})
	given := map[string]map[string][]string{}
	for _, specification := range c.Params.List("TagSpecification") {
		kind := specification.Text("ResourceType")
		given[kind] = requested(specification.List("Tag"))
		creating := maps.Clone(given[kind])
		creating["ec2:CreateAction"] = []string{"RunInstances"}
		requests = append(requests, Request{"ec2:CreateTags", s.ARN("ec2", kind+"/*"), creating})
	}
	for _, kind := range []string{"instance", "volume"} {
		requests = append(requests, Request{c.Name, s.ARN("ec2", kind+"/*"), given[kind]})
	}
	return requests
}

// commanding is SendCommand on its document, which is the account's own, and on each instance, whose tags Systems
// Manager knows by a key of its own (docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html).
func commanding(s Scene, c Call) []Request {
	document, _ := c.Input["DocumentName"].(string)
	requests := []Request{{Action: c.Name, Resource: s.ARN("ssm", "document/"+document)}}
	ids, _ := c.Input["InstanceIds"].([]any)
	for _, each := range ids {
		id, _ := each.(string)
		keys := carried(s.Tags(id))
		for key, value := range s.Tags(id) {
			keys["ssm:resourceTag/"+key] = []string{value}
		}
		requests = append(requests, Request{c.Name, s.resource(id), keys})
	}
	return requests
}

// tagging is CreateTags and DeleteTags as calls of their own.
func tagging(s Scene, c Call) (requests []Request) {
	for _, id := range c.Params.Texts("ResourceId") {
		keys := carried(s.Tags(id))
		maps.Copy(keys, requested(c.Params.List("Tag")))
		requests = append(requests, Request{c.Name, s.resource(id), keys})
	}
	return requests
}

func requested(tags []*query.Params) map[string][]string {
	keys := map[string][]string{}
	for _, each := range tags {
		key := each.Text("Key")
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], key)
		if each.Has("Value") {
			keys["aws:RequestTag/"+key] = []string{each.Text("Value")}
		}
	}
	slices.Sort(keys["aws:TagKeys"])
	return keys
}

// refreshing is on the group, whose ARN has an id of Auto Scaling's in it.
func refreshing(s Scene, c Call) []Request {
	return []Request{{Action: c.Name, Resource: s.group(c.Params.Text("AutoScalingGroupName"))}}
}

// targeting is decided on the target group.
func targeting(_ Scene, c Call) []Request {
	return []Request{{Action: c.Name, Resource: c.Params.Text("TargetGroupArn")}}
}

func (s Scene) group(name string) string {
	return s.ARN("autoscaling", "autoScalingGroup:a5600000-0000-4000-8000-000000000001:autoScalingGroupName/"+name)
}

// named is for JSON services' actions on the resource that a member of their input names.
func named(member string, arn func(Scene, string) string) func(Scene, Call) []Request {
	return func(s Scene, c Call) []Request {
		name, ok := c.Input[member].(string)
		if !ok {
			return nil
		}
		return []Request{{Action: c.Name, Resource: arn(s, name)}}
	}
}

// sending is decided on the bus, for each source that the entries name.
func sending(s Scene, c Call) (requests []Request) {
	entries, _ := c.Input["Entries"].([]any)
	for _, each := range entries {
		entry, _ := each.(map[string]any)
		requests = append(requests, Request{c.Name, s.ARN("events", "event-bus/default"), map[string][]string{
			"events:source": {fmt.Sprint(entry["Source"])},
		}})
	}
	return requests
}

func publishing(_ Scene, c Call) []Request {
	return []Request{{Action: c.Name, Resource: c.Params.Text("TopicArn")}}
}

// object is on an object of a bucket, whose ARN has neither Region nor account.
func object(s Scene, place string) string { return "arn:" + s.Partition + ":s3:::" + place }

// parameter has one slash after the word, whether its name begins with one or not.
func parameter(s Scene, name string) string {
	return s.ARN("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
}

// parameters are those that GetParameters names; a name may be the ARN of one that another account shares.
func parameters(s Scene, c Call) (requests []Request) {
	names, _ := c.Input["Names"].([]any)
	for _, each := range names {
		name, _, _ := strings.Cut(each.(string), ":")
		requests = append(requests, Request{c.Name, parameter(s, name), nil})
	}
	return requests
}

// below is the path of GetParametersByPath, and what lies below it: Systems Manager does not say
// which of the two it asks for.
func below(s Scene, c Call) []Request {
	path := parameter(s, c.Input["Path"].(string))
	return []Request{{c.Name, path, nil}, {c.Name, path + "/any", nil}}
}

func table(s Scene, name string) string { return s.ARN("dynamodb", "table/"+name) }

// listing is ListExecutions of a state machine, or of a Map run.
func listing(s Scene, c Call) []Request {
	if run, ok := c.Input["mapRunArn"].(string); ok {
		return []Request{{Action: c.Name, Resource: run}}
	}
	return named("stateMachineArn", machine)(s, c)
}

// machine is a state machine without the version or alias that the call names: Step
// Functions authorizes those by the machine
// (docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html).
func machine(_ Scene, arn string) string {
	const parts = 7
	split := strings.Split(arn, ":")
	return strings.Join(split[:min(parts, len(split))], ":")
}

// key is the ARN of the key that a call names by that, by its id or by an alias.
func key(s Scene, name string) string {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return name
	case strings.HasPrefix(name, "alias/"):
		return s.ARN("kms", "key/00000000-0000-4000-9000-000000000001")
	}
	return s.ARN("kms", "key/"+name)
}
