package permissions

import (
	"fmt"
	"maps"
	"strings"
)

// testSubnet is the one that a plan of the tests names.
const testSubnet = "subnet-07bd09912f567fecc"

// Keys are the customer's keys of a deployment, by their ARNs.
type Keys struct{ Table, Secret, Volume string }

// Passed is the role in the instance profile of every launch template.
const Passed = "arn:aws:iam::123456789012:role/web/web-server"

// consequence is what AWS does with the caller's permissions when a call is made. The
// embedded AWS has no part of it, so it is written down here.
type consequence struct {
	// call is what causes it; a name that ends in ":" stands for all calls of the service.
	call string
	// when narrows it; nil for every such call.
	when func(Call) bool
	// actions on resource, with keys.
	actions  []string
	resource string
	keys     map[string][]string
}

func (s Scene) consequences(k Keys) []consequence {
	via := func(service string) map[string][]string {
		return map[string][]string{"kms:ViaService": {service + "." + s.Region + ".amazonaws.com"}}
	}
	granting := via("ec2")
	granting["kms:GrantIsForAWSResource"] = []string{"true"}
	launched := map[string][]string{"ec2:LaunchTemplate": {s.resource("lt-0123456789abcdef0")}}
	created := map[string][]string{"ec2:CreateAction": {"RunInstances"}}
	aliasedARN, namedARN := key(s, "alias/golden"), key(s, "5678abcd-12ab-34cd-56ef-1234567890ab")
	list := []consequence{
		{
			// docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
			call: "ssm:PutParameter", when: func(c Call) bool { return c.Input["DataType"] == "aws:ec2:image" },
			actions: []string{"ec2:DescribeImages"}, resource: "*",
		},
		{
			// docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html: the
			// principal needs these on a customer's key. Which of them a call uses AWS does not say.
			call: "dynamodb:", actions: []string{
				"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey",
			}, resource: k.Table, keys: via("dynamodb"),
		},
		{
			// docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
			call: "secretsmanager:GetSecretValue", actions: []string{"kms:Decrypt"}, resource: k.Secret,
			keys: via("secretsmanager"),
		},
		{
			// docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html: an instance with an
			// encrypted volume starts with a grant that its caller makes. Every volume counts as encrypted here. A dry
			// run makes none: it checks the permissions for the action (EC2 API reference, StartInstances, DryRun).
			call: "ec2:StartInstances", when: func(c Call) bool { return !c.Params.Bool("DryRun") },
			actions: []string{"kms:CreateGrant"}, resource: k.Volume, keys: granting,
		},
		{
			// The same page: volumes of an encrypted image. ReEncrypt* is two actions.
			call: "ec2:RunInstances", actions: []string{
				"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
			}, resource: k.Volume, keys: via("ec2"),
		},
		{call: "ec2:RunInstances", actions: []string{"kms:CreateGrant"}, resource: k.Volume, keys: granting},
		{
			// docs.aws.amazon.com/ebs/latest/userguide/ebsapi-permissions.html: blocks of an encrypted snapshot. Every
			// snapshot counts as encrypted here.
			call: "ebs:", actions: []string{"kms:Decrypt", "kms:DescribeKey"}, resource: k.Volume, keys: via("ebs"),
		},
		{
			// docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
			call: "ec2:CopySnapshot", actions: []string{
				"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
			}, resource: k.Volume, keys: via("ec2"),
		},
		{call: "ec2:CopySnapshot", actions: []string{"kms:CreateGrant"}, resource: k.Volume, keys: granting},
		// The same page: a copy of an image decrypts with one key and encrypts with another. Every image counts as encrypted
		// here. Which Region's EC2 asks is not said.
		{call: "ec2:CopyImage", actions: copyUses, resource: k.Volume, keys: via("ec2")},
		{call: "ec2:CopyImage", actions: []string{"kms:CreateGrant"}, resource: k.Volume, keys: granting},
		{call: "ec2:CopyImage", when: toKey("alias/"), actions: copyUses, resource: aliasedARN, keys: aliased(via("ec2"))},
		{
			call: "ec2:CopyImage", when: toKey("alias/"), actions: []string{"kms:CreateGrant"}, resource: aliasedARN,
			keys: aliased(granting),
		},
		{call: "ec2:CopyImage", when: toKey("5678abcd"), actions: copyUses, resource: namedARN, keys: via("ec2")},
		{
			call: "ec2:CopyImage", when: toKey("5678abcd"), actions: []string{"kms:CreateGrant"}, resource: namedARN,
			keys: granting,
		},
		{
			// docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html: the profile's role, which has its name.
			call: "ec2:RunInstances", when: func(c Call) bool { return c.Params.Has("IamInstanceProfile") },
			actions: []string{"iam:PassRole"}, resource: "arn:" + s.Partition + ":iam::" + s.ID + ":role/tested",
			keys: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}},
		},
		{
			call: "ec2:RunInstances", when: func(c Call) bool { return c.Params.Has("IamInstanceProfile") },
			actions: []string{"iam:PassRole"}, resource: "arn:" + s.Partition + ":iam::" + s.ID + ":role/tested",
			keys: passedInChina,
		},
		{
			// A subnet that another account shares is its own.
			call: "ec2:RunInstances", actions: []string{"ec2:RunInstances"}, resource: s.shared("subnet/" + testSubnet),
		},
		{call: "ec2:RunInstances", actions: []string{"ec2:RunInstances"}, resource: s.shared("security-group/sg-1")},
		{
			// An instance that targets a resource group.
			call: "ec2:StartInstances", actions: []string{"ec2:StartInstances"}, resource: s.resourceGroup(),
		},
		{
			// StartInstances has license-configuration as a resource type beside instance, of whichever account
			// shares it; StopInstances has not. Every instance counts as licensed here.
			call: "ec2:StartInstances", actions: []string{"ec2:StartInstances"},
			resource: s.license(),
		},
		{
			call: "autoscaling:StartInstanceRefresh", actions: []string{"iam:PassRole"}, resource: Passed,
			keys: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}},
		},
		{call: "autoscaling:StartInstanceRefresh", actions: []string{"iam:PassRole"}, resource: Passed, keys: passedInChina},
		// The service authorization reference lists it for a template with an instance profile.
		{
			call: "ec2:CreateLaunchTemplateVersion", actions: []string{"iam:PassRole"}, resource: Passed,
			keys: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}},
		},
		{call: "ec2:CreateLaunchTemplateVersion", actions: []string{"iam:PassRole"}, resource: Passed, keys: passedInChina},
		{
			// docs.aws.amazon.com/AWSEC2/latest/UserGuide/deregister-ami.html: with the image go those of its
			// snapshots that the caller may delete. They are tagged in the call that makes them.
			call: "ec2:DeregisterImage", actions: []string{"ec2:DeleteSnapshot"}, resource: s.resource("snap-0123456789abcdef0"),
			keys: map[string][]string{"aws:ResourceTag/goldsmith:managed": {"true"}},
		},
		{
			// docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html: the resources are looked at
			// with the caller's permissions, on its way through EC2.
			call: "ec2:DescribeImageReferences", actions: []string{
				"ec2:DescribeInstances", "ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions",
				"ssm:DescribeParameters",
				"imagebuilder:ListImageRecipes", "imagebuilder:ListContainerRecipes", "imagebuilder:GetContainerRecipe",
			}, resource: "*", keys: throughEC2,
		},
		{
			call: "ec2:DescribeImageReferences", actions: []string{"ssm:GetParameters"}, resource: parameter(s, "/anything"),
			keys: throughEC2,
		},
	}
	// docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html: the caller is
	// checked as if it launched the instances, tagged them, passed them their role and read their parameter.
	add := func(action, resource string, keys map[string][]string) {
		list = append(list, consequence{call: "autoscaling:StartInstanceRefresh", actions: []string{action},
			resource: resource, keys: keys})
	}
	for _, kind := range []string{"instance", "volume", "network-interface"} {
		add("ec2:RunInstances", s.ARN("ec2", kind+"/*"), launched)
		add("ec2:CreateTags", s.ARN("ec2", kind+"/*"), created)
	}
	for _, resource := range []string{
		s.resource("lt-0123456789abcdef0"), s.resource("ami-0123456789abcdef0"), s.resource("snap-0123456789abcdef0"),
		s.ARN("ec2", "subnet/subnet-1"), s.ARN("ec2", "security-group/sg-1"), s.ARN("ec2", "key-pair/ops"),
	} {
		add("ec2:RunInstances", resource, launched)
	}
	// The reference has no key ec2:LaunchTemplate for these.
	for _, resource := range []string{s.ARN("ec2", "spot-instances-request/*"), s.license(), s.resourceGroup()} {
		add("ec2:RunInstances", resource, nil)
	}
	for _, resource := range []string{"subnet/subnet-1", "security-group/sg-1"} {
		add("ec2:RunInstances", s.shared(resource), launched)
	}
	for _, name := range []string{"/goldsmith/images/web", "/golden/web"} {
		add("ssm:GetParameters", parameter(s, name), nil)
	}
	return list
}

// throughEC2 is a call that DescribeImageReferences makes for its caller.
var throughEC2 = map[string][]string{"aws:CalledVia": {"ec2-images.amazonaws.com"}}

// passedInChina is how EC2 is called in aws-cn.
var passedInChina = map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com.cn"}}

// shared is a resource of EC2 that another account shares.
func (s Scene) shared(resource string) string {
	return fmt.Sprintf("arn:%s:ec2:%s:777777777777:%s", s.Partition, s.Region, resource)
}

func (s Scene) resourceGroup() string { return s.ARN("resource-groups", "group/hosts") }

func (s Scene) license() string {
	return "arn:" + s.Partition + ":license-manager:" + s.Region +
		":999999999999:license-configuration:lic-0123456789abcdef0123456789abcdef"
}

// OnBehalf are the requests that a call causes beside its own.
func (s Scene) OnBehalf(c Call, k Keys) (requests []Request) {
	for _, each := range s.consequences(k) {
		ofService := strings.HasSuffix(each.call, ":") && strings.HasPrefix(c.Name, each.call)
		if (each.call == c.Name || ofService) && (each.when == nil || each.when(c)) {
			requests = append(requests, all(each.actions, each.resource, each.keys)...)
		}
	}
	return requests
}

func all(actions []string, resource string, keys map[string][]string) (requests []Request) {
	for _, action := range actions {
		requests = append(requests, Request{action, resource, keys})
	}
	return requests
}

// Running is what Lambda does with a function's role whenever it runs: its log stream and
// its traces (docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html and services-xray.html).
func (s Scene) Running(function string) []Request {
	stream := s.ARN("logs", "log-group:/aws/lambda/goldsmith-"+function+":log-stream:2026/11/23/[$LATEST]0123456789abcdef")
	return append(
		all([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, stream, nil),
		all([]string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, "*", nil)...)
}

// Failing is what Lambda does with the role of a function that failed on an event three
// times (docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
func (s Scene) Failing(deadLetters string) []Request {
	return all([]string{"sqs:SendMessage"}, s.ARN("sqs", deadLetters), nil)
}

// MachineRunning is what Step Functions does with the machine's role, beside invoking
// tasks: a distributed Map's children
// (docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html, which names the
// machine's own executions, while a child's ARN has the Map's label after a slash), log
// deliveries (dg/cw-logs.html) and traces (dg/concepts-xray-tracing.html).
func (s Scene) MachineRunning(machine, label string) []Request {
	own, child := s.ARN("states", "execution:"+machine+":a-run"), s.ARN("states",
		"execution:"+machine+"/"+label+":a-child")
	requests := all([]string{"states:StartExecution"}, s.ARN("states", "stateMachine:"+machine), nil)
	for _, execution := range []string{own, child} {
		requests = append(requests, all([]string{"states:DescribeExecution", "states:StopExecution"}, execution, nil)...)
	}
	requests = append(requests, all([]string{"states:RedriveExecution"}, child, nil)...)
	return append(requests, all([]string{
		"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
		"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
		"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
	}, "*", nil)...)
}

// copyUses are what a copy does with the keys of what it is of, and with its own.
var copyUses = []string{
	"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
}

func aliased(keys map[string][]string) map[string][]string {
	keys = maps.Clone(keys)
	keys["kms:ResourceAliases"] = []string{"alias/golden"}
	return keys
}

// toKey is a call that names a key that begins so.
func toKey(key string) func(Call) bool {
	return func(c Call) bool { return strings.HasPrefix(c.Params.Text("KmsKeyId"), key) }
}
