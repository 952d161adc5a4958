package workflow

import "slices"

// Statement allows actions on resources. Ours only ever allow.
type Statement struct {
	// Why is the reason, for whoever reviews the policy.
	Why string
	// Actions are whole names: ec2:StopInstances.
	Actions []string
	// Resources are ARNs with placeholders, or "*" where AWS knows no resource.
	Resources []string
	// Condition narrows it; nil for none.
	Condition Condition
}

// Condition is operator, key and values as IAM has them.
type Condition map[string]map[string][]string

// ARNs with placeholders. Those of images and snapshots have no account.
const (
	instances  = "arn:${Partition}:ec2:${Region}:${Account}:instance/*"
	images     = "arn:${Partition}:ec2:${Region}::image/*"
	snapshots  = "arn:${Partition}:ec2:${Region}::snapshot/*"
	volumes    = "arn:${Partition}:ec2:${Region}:${Account}:volume/*"
	interfaces = "arn:${Partition}:ec2:${Region}:${Account}:network-interface/*"
	// A VPC may be shared by Resource Access Manager: its subnets and groups have its owner's account in their ARNs.
	securityGroups  = "arn:${Partition}:ec2:${Region}:*:security-group/*"
	subnets         = "arn:${Partition}:ec2:${Region}:*:subnet/${Subnets}"
	resourceGroups  = "arn:${Partition}:resource-groups:${Region}:${Account}:group/*"
	profileRoles    = "arn:${Partition}:iam::${Account}:role/${Profiles}"
	shellScript     = "arn:${Partition}:ssm:${Region}::document/AWS-RunShellScript"
	launchTemplates = "arn:${Partition}:ec2:${Region}:${Account}:launch-template/"
	stateMachineARN = "arn:${Partition}:states:${Region}:${Account}:stateMachine:" + Name
	executions      = "arn:${Partition}:states:${Region}:${Account}:execution:" + Name + ":*"
	requests        = "arn:${Partition}:states:${Region}:${Account}:execution:" + Name + ":request-*"
	childExecutions = "arn:${Partition}:states:${Region}:${Account}:execution:" + Name + "/" + MapLabel + ":*"
	// licenses may be shared by the account that keeps an organization's.
	licenses = "arn:${Partition}:license-manager:${Region}:*:license-configuration:*"
	anything = "*"
)

// Tag keys, as shared/tag knows them.
const (
	planTag    = "goldsmith:plan"
	requestTag = "goldsmith:image"
	lastTag    = "goldsmith:last-image"
	stoppedTag = "goldsmith:stopped"
	sourceTag  = "goldsmith:source"
	managedTag = "goldsmith:managed"
	proofTag   = "goldsmith:proof"
)

func join(lists ...[]Statement) []Statement { return slices.Concat(lists...) }

// everyTask is what every function has.
func everyTask(name string) []Statement {
	return []Statement{
		{
			Why:       "Writes its own log streams, and no others.",
			Actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			Resources: []string{"arn:${Partition}:logs:${Region}:${Account}:log-group:" + LogGroup(name) + ":*"},
		},
		{
			Why:       "X-Ray has no resources.",
			Actions:   []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
			Resources: []string{anything},
		},
	}
}

// LogGroup is the name of a function's log group.
func LogGroup(function string) string { return "/aws/lambda/" + Name + "-" + function }

// everyHandler is what a function has that events invoke.
func everyHandler(name string) []Statement {
	return append(everyTask(name), Statement{
		Why:       "What it could not handle is kept for a person.",
		Actions:   []string{"sqs:SendMessage"},
		Resources: []string{"${DeadLettersArn}"},
	})
}

// ledger is what a function's calls of the ledger need, and its key if the table has one.
func ledger(actions ...string) []Statement {
	items := Statement{Why: "The ledger's items that it reads or writes.", Resources: []string{"${TableArn}"}}
	for _, action := range actions {
		items.Actions = append(items.Actions, "dynamodb:"+action)
	}
	return []Statement{items, {
		// What the policy of the account's own key aws/dynamodb allows, but for grants, which only
		// creating the table needs. Which of them reading and writing items needs is unverified.
		Why:       "DynamoDB decrypts the table with the caller's permissions.",
		Actions:   []string{"kms:Decrypt", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"},
		Resources: []string{"${TableKeys}"},
		Condition: Condition{"StringEquals": {"kms:ViaService": {"dynamodb.${Region}.amazonaws.com"}}},
	}}
}

// look is describing, for which EC2 knows no resource.
func look(actions ...string) Statement {
	s := Statement{Why: "EC2's describe calls have no resources.", Resources: []string{anything}}
	for _, action := range actions {
		s.Actions = append(s.Actions, "ec2:"+action)
	}
	return s
}

var (
	lookAtProtection = Statement{
		Why:       "Whether an instance is stop-protected.",
		Actions:   []string{"ec2:DescribeInstanceAttribute"},
		Resources: []string{instances},
	}
	lookAtWaits = look("DescribeInstances", "DescribeInstanceStatus", "DescribeImages", "DescribeSnapshots")
	lookAtUses  = look("DescribeFleets", "DescribeSpotFleetRequests", "DescribeSpotInstanceRequests", "DescribeVolumes", "DescribeSnapshotAttribute",
		"DescribeFastSnapshotRestores", "DescribeLockedSnapshots", "DescribeSnapshotTierStatus")
	lookAtRefreshes = Statement{
		Why:       "Auto Scaling's describe calls have no resources.",
		Actions:   []string{"autoscaling:DescribeInstanceRefreshes"},
		Resources: []string{anything},
	}
	lookAtGroups = Statement{
		Why:       "Auto Scaling's describe calls have no resources, and no filter that knows templates.",
		Actions:   []string{"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeInstanceRefreshes"},
		Resources: []string{anything},
	}
	lookForLaunchers = Statement{
		Why:       "Which groups launch from a template is asked of all of them: no filter knows templates.",
		Actions:   []string{"autoscaling:DescribeAutoScalingGroups"},
		Resources: []string{anything},
	}
	lookAtMembers = Statement{
		Why:       "Auto Scaling's describe calls have no resources.",
		Actions:   []string{"autoscaling:DescribeAutoScalingInstances"},
		Resources: []string{anything},
	}
	endWaits = Statement{
		Why:       "A task token belongs to no resource; it is known only to the execution that waits and to the ledger.",
		Actions:   []string{"states:SendTaskSuccess", "states:SendTaskFailure"},
		Resources: []string{anything},
	}
	startRuns = Statement{
		Why:       "An alias is authorized by its machine's ARN.",
		Actions:   []string{"states:StartExecution"},
		Resources: []string{stateMachineARN},
	}
	askAboutRuns = Statement{
		Why:       "Whether somebody still works on a claim: a run, or one source's child of it.",
		Actions:   []string{"states:DescribeExecution"},
		Resources: []string{executions, childExecutions},
	}
	askAboutRequests = Statement{
		Why:       "Whether the run that answers an earlier change of a request tag goes on.",
		Actions:   []string{"states:DescribeExecution"},
		Resources: []string{requests},
	}
	listRuns = Statement{
		Why:       "Which runs have ended, and whether people were told.",
		Actions:   []string{"states:ListExecutions"},
		Resources: []string{stateMachineARN},
	}
	askAboutSchedules = Statement{
		Why:       "Whether a plan's schedule is enabled, before its missed run is made up for.",
		Actions:   []string{"scheduler:GetSchedule"},
		Resources: []string{"arn:${Partition}:scheduler:${Region}:${Account}:schedule/" + Name + "/*"},
	}
)

// onEnrolled allows an action on instances somebody enrolled or asked an image of.
func onEnrolled(action string) []Statement {
	var both []Statement
	for _, key := range []string{planTag, requestTag} {
		both = append(both, Statement{
			Why:       "Only instances that carry the tag " + key + ".",
			Actions:   []string{action},
			Resources: []string{instances},
			Condition: Condition{"StringLike": {"aws:ResourceTag/" + key: {"*"}}},
		})
	}
	return both
}

var imaging = []Statement{
	{
		Why:       "New images and snapshots, which are tagged as Goldsmith's in the creating call.",
		Actions:   []string{"ec2:CreateImage"},
		Resources: []string{images, snapshots},
		Condition: Condition{"StringEquals": {"aws:RequestTag/" + managedTag: {"true"}}},
	},
	{
		Why:       "Tags in the creating call only, so that no other image can be tagged into Goldsmith's reach.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{images, snapshots},
		Condition: Condition{"StringEquals": {"ec2:CreateAction": {"CreateImage"}}},
	},
}

// starting is what StartInstances needs, and its dry run.
var starting = append(slices.Clone(mayStart), openVolumes)

// mayStart is StartInstances itself. Who stops, or chooses what is stopped, asks by a dry run first whether that
// could be started again: with the same statements as function start, so that the answers are the same.
var mayStart = []Statement{
	{
		Why:       "No tag is asked for: what was stopped is started again, whoever untagged it meanwhile.",
		Actions:   []string{"ec2:StartInstances"},
		Resources: []string{instances},
	},
	{
		// docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html; without it such an
		// instance can be stopped and not started (aws-solutions/instance-scheduler-on-aws, pull request 306).
		Why:       "An instance with a License Manager configuration starts with permission on that, too.",
		Actions:   []string{"ec2:StartInstances"},
		Resources: []string{licenses},
	},
	{
		// The same page; such an instance is launched into the group when it is started.
		Why:       "An instance that targets a resource group of hosts or Capacity Reservations starts with permission on that, too.",
		Actions:   []string{"ec2:StartInstances"},
		Resources: []string{resourceGroups},
	},
}

var openVolumes = Statement{
	Why:       "EC2 opens encrypted volumes by a grant that the caller of StartInstances or RunInstances makes.",
	Actions:   []string{"kms:CreateGrant"},
	Resources: []string{"${VolumeKeys}"},
	Condition: Condition{
		"Bool":         {"kms:GrantIsForAWSResource": {"true"}},
		"StringEquals": {"kms:ViaService": {"ec2.${Region}.amazonaws.com"}},
	},
}

// discarding is what recover does to what jobs left that were cut off.
var discarding = []Statement{
	{
		Why:       "Only images that Goldsmith made.",
		Actions:   []string{"ec2:DeregisterImage"},
		Resources: []string{images},
		Condition: ours,
	},
	{
		Why:       "Their snapshots, with the image.",
		Actions:   []string{"ec2:DeleteSnapshot"},
		Resources: []string{snapshots},
		Condition: ours,
	},
}

// testing is for plans that have images tested. Without one no subnet is filled in, and
// nothing can be launched. RunInstances is decided on each resource that it takes part in
// (docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html).
var testing = []Statement{
	{
		Why:       "Test instances are launched in the subnets that plans name.",
		Actions:   []string{"ec2:RunInstances"},
		Resources: []string{subnets},
	},
	{
		Why:       "From Goldsmith's own images only.",
		Actions:   []string{"ec2:RunInstances"},
		Resources: []string{images},
		Condition: Condition{"StringEquals": {"aws:ResourceTag/" + managedTag: {"true"}}},
	},
	{
		Why:       "Instances and volumes are tagged as a test's in the creating call.",
		Actions:   []string{"ec2:RunInstances"},
		Resources: []string{instances, volumes},
		Condition: Condition{"StringLike": {"aws:RequestTag/" + proofTag: {"*"}}},
	},
	{
		Why:       "The network interface that is made with the instance, and its security groups.",
		Actions:   []string{"ec2:RunInstances"},
		Resources: []string{interfaces, securityGroups},
	},
	{
		Why:       "Tags in the creating call only, so that no other instance can be tagged into Goldsmith's reach.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{instances, volumes},
		Condition: Condition{"StringEquals": {"ec2:CreateAction": {"RunInstances"}}},
	},
	{
		Why:       "The roles of the instance profiles that plans name, to EC2 only.",
		Actions:   []string{"iam:PassRole"},
		Resources: []string{profileRoles},
		Condition: Condition{"StringEquals": {"iam:PassedToService": toEC2}},
	},
	{
		// docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
		Why:       "Volumes of encrypted images are made with the caller's permissions on their keys.",
		Actions:   []string{"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"},
		Resources: []string{"${VolumeKeys}"},
		Condition: Condition{"StringEquals": {"kms:ViaService": {"ec2.${Region}.amazonaws.com"}}},
	},
	openVolumes,
	{
		Why:       "The one document by which a plan's command is run.",
		Actions:   []string{"ssm:SendCommand"},
		Resources: []string{shellScript},
	},
	{
		// docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html: with a global key
		// such as aws:ResourceTag the calls that Systems Manager makes on our behalf would be denied.
		Why:       "On test instances only.",
		Actions:   []string{"ssm:SendCommand"},
		Resources: []string{instances},
		Condition: Condition{"StringLike": {"ssm:resourceTag/" + proofTag: {"*"}}},
	},
	{
		Why:       "Listing what became of commands has no resources.",
		Actions:   []string{"ssm:ListCommandInvocations"},
		Resources: []string{anything},
	},
}

// endTests can end no instance but tests'.
var endTests = []Statement{{
	Why:       "Only instances that carry the tag " + proofTag + ": tests' own.",
	Actions:   []string{"ec2:TerminateInstances"},
	Resources: []string{instances},
	Condition: Condition{"StringLike": {"aws:ResourceTag/" + proofTag: {"*"}}},
}}

var rolling = []Statement{
	{
		Why:       "Launch templates that subscribe by the tag " + sourceTag + ".",
		Actions:   []string{"ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"},
		Resources: []string{launchTemplates + "*"},
		Condition: Condition{"StringLike": {"aws:ResourceTag/" + sourceTag: {"*"}}},
	},
	{
		Why:       "Launch templates that a plan lists by id.",
		Actions:   []string{"ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"},
		Resources: []string{launchTemplates + "${Templates}"},
	},
	{
		// The service authorization reference lists it for CreateLaunchTemplateVersion; the User Guide says that it is checked
		// at launch. docs/unverified.md.
		Why:       "Roles of the instance profiles in templates, as the deployment lists them.",
		Actions:   []string{"iam:PassRole"},
		Resources: []string{"${PassedRoles}"},
		Condition: Condition{"StringEquals": {"iam:PassedToService": toEC2}},
	},
	{
		Why:       "The aliases of images, under their own path.",
		Actions:   []string{"ssm:GetParameter", "ssm:PutParameter"},
		Resources: []string{"arn:${Partition}:ssm:${Region}:${Account}:parameter${ImagePath}/*"},
	},
	{
		Why:       "Other parameters that templates take their image from.",
		Actions:   []string{"ssm:GetParameter", "ssm:PutParameter"},
		Resources: []string{"arn:${Partition}:ssm:${Region}:${Account}:parameter${Parameters}"},
	},
}

// ours narrows an action to what is tagged as Goldsmith's.
var ours = Condition{"StringEquals": {"aws:ResourceTag/" + managedTag: {"true"}}}

// referring is finding out what uses an image, beside EC2's own describe calls.
var referring = []Statement{
	{
		Why:       "Auto Scaling's describe calls have no resources.",
		Actions:   []string{"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeLaunchConfigurations"},
		Resources: []string{anything},
	},
	{
		Why:       "The aliases of images, under their own path.",
		Actions:   []string{"ssm:GetParametersByPath"},
		Resources: []string{"arn:${Partition}:ssm:${Region}:${Account}:parameter${ImagePath}", "arn:${Partition}:ssm:${Region}:${Account}:parameter${ImagePath}/*"},
	},
	{
		// Any launch template may name any parameter, and one that may not be read would have to count as a use.
		Why:       "Parameters that launch templates take their image from.",
		Actions:   []string{"ssm:GetParameters"},
		Resources: []string{"arn:${Partition}:ssm:${Region}:*:parameter/*"},
	},
	{
		// docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html, required IAM permissions.
		Why:       "DescribeImageReferences looks with the caller's permissions, and only through it are these allowed.",
		Actions:   []string{"ssm:DescribeParameters", "imagebuilder:ListImageRecipes", "imagebuilder:ListContainerRecipes", "imagebuilder:GetContainerRecipe"},
		Resources: []string{anything},
		Condition: Condition{"ForAnyValue:StringEquals": {"aws:CalledVia": {"ec2-images.amazonaws.com"}}},
	},
}

var retiring = []Statement{
	{
		Why:       "Only images that Goldsmith made.",
		Actions:   []string{"ec2:EnableImageDeprecation", "ec2:DisableImageDeprecation", "ec2:DisableImage", "ec2:DeregisterImage"},
		Resources: []string{images},
		Condition: ours,
	},
	{
		Why:       "Their snapshots, with the image and afterwards.",
		Actions:   []string{"ec2:DeleteSnapshot"},
		Resources: []string{snapshots},
		Condition: ours,
	},
	{
		Why:       "Old versions of launch templates that subscribe by the tag " + sourceTag + ".",
		Actions:   []string{"ec2:DeleteLaunchTemplateVersions"},
		Resources: []string{launchTemplates + "*"},
		Condition: Condition{"StringLike": {"aws:ResourceTag/" + sourceTag: {"*"}}},
	},
	{
		Why:       "Old versions of launch templates that a plan lists by id.",
		Actions:   []string{"ec2:DeleteLaunchTemplateVersions"},
		Resources: []string{launchTemplates + "${Templates}"},
	},
}

// noting and untagging name the keys, and want at least one: DeleteTags without a key takes every tag off.
var (
	noting = []Statement{{
		Why:       "Writes the tag " + lastTag + " on a source, and with it that it is back; no other.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{instances},
		Condition: onlyKey(lastTag, stoppedTag),
	}}
	tracing = []Statement{{
		Why:       "Writes the tag " + stoppedTag + " on what it is about to stop, and no other.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{instances},
		Condition: onlyKey(stoppedTag),
	}}
	// tracingBack is for instances whose claims are lost.
	tracingBack = []Statement{
		{
			Why:       "What an execution that the tag " + stoppedTag + " names has done to its source.",
			Actions:   []string{"states:GetExecutionHistory"},
			Resources: []string{childExecutions},
		},
		{
			Why:       "Takes the tag " + stoppedTag + " off what is back, and no other.",
			Actions:   []string{"ec2:DeleteTags"},
			Resources: []string{instances},
			Condition: onlyKey(stoppedTag),
		},
	}
	untagging = []Statement{{
		Why:       "Takes the request off a source, and no other tag.",
		Actions:   []string{"ec2:DeleteTags"},
		Resources: []string{instances, snapshots},
		Condition: onlyKey(requestTag),
	}}
)

func onlyKey(keys ...string) Condition {
	return Condition{
		"ForAllValues:StringEquals": {"aws:TagKeys": keys},
		"Null":                      {"aws:TagKeys": {"false"}},
	}
}

var telling = []Statement{
	{
		Why:       "Slack's credentials.",
		Actions:   []string{"secretsmanager:GetSecretValue"},
		Resources: []string{"${SlackSecretArn}"},
	},
	{
		Why:       "The key that encrypts them.",
		Actions:   []string{"kms:Decrypt"},
		Resources: []string{"${SlackKeys}"},
		Condition: Condition{"StringEquals": {"kms:ViaService": {"secretsmanager.${Region}.amazonaws.com"}}},
	},
}

// toEC2 is EC2 as iam:PassedToService calls it, in China and elsewhere.
var toEC2 = []string{"ec2.amazonaws.com", "ec2.amazonaws.com.cn"}

// refreshing is deployed where a plan refreshes groups. The caller of StartInstanceRefresh is checked as if it
// launched the group's instances itself, by a dry run of RunInstances
// (docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html).
var refreshing = []Statement{
	{
		Why:       "Groups are told by the templates they use, which no condition key knows.",
		Actions:   []string{"autoscaling:StartInstanceRefresh"},
		Resources: []string{"arn:${Partition}:autoscaling:${Region}:${Account}:autoScalingGroup:*:autoScalingGroupName/${Groups}"},
	},
	{
		Why:     "Auto Scaling asks whether the caller may launch what the group launches; nothing without a launch template of the account.",
		Actions: []string{"ec2:RunInstances"},
		Resources: []string{
			"arn:${Partition}:ec2:${Region}:${Account}:*/${Groups}", "arn:${Partition}:ec2:${Region}::image/${Groups}", "arn:${Partition}:ec2:${Region}::snapshot/${Groups}",
		},
		Condition: Condition{"ArnLike": {"ec2:LaunchTemplate": {launchTemplates + "*"}}},
	},
	{
		// The service authorization reference defines ec2:LaunchTemplate for none of them, so that a condition on it denies.
		Why:     "What a launch may take part in without the key ec2:LaunchTemplate; without the statement above nothing is launched.",
		Actions: []string{"ec2:RunInstances"},
		Resources: []string{
			"arn:${Partition}:ec2:${Region}:${Account}:spot-instances-request/${Groups}",
			"arn:${Partition}:license-manager:${Region}:*:license-configuration:${Groups}",
			"arn:${Partition}:resource-groups:${Region}:${Account}:group/${Groups}",
		},
	},
	{
		Why:     "Subnets and security groups of a VPC that another account shares.",
		Actions: []string{"ec2:RunInstances"},
		Resources: []string{
			"arn:${Partition}:ec2:${Region}:*:subnet/${Groups}", "arn:${Partition}:ec2:${Region}:*:security-group/${Groups}",
		},
		Condition: Condition{"ArnLike": {"ec2:LaunchTemplate": {launchTemplates + "*"}}},
	},
	{
		Why:     "Templates tag what they launch; tags in the launching call only.",
		Actions: []string{"ec2:CreateTags"},
		Resources: []string{
			"arn:${Partition}:ec2:${Region}:${Account}:instance/${Groups}", "arn:${Partition}:ec2:${Region}:${Account}:volume/${Groups}",
			"arn:${Partition}:ec2:${Region}:${Account}:network-interface/${Groups}",
		},
		Condition: Condition{"StringEquals": {"ec2:CreateAction": {"RunInstances"}}},
	},
	{
		Why:       "Roles of the instance profiles in templates, as the deployment lists them: whoever may pass a role may use it.",
		Actions:   []string{"iam:PassRole"},
		Resources: []string{"${PassedRoles}"},
		Condition: Condition{"StringEquals": {"iam:PassedToService": toEC2}},
	},
	{
		Why:       "Templates that take their image from an alias.",
		Actions:   []string{"ssm:GetParameters"},
		Resources: []string{"arn:${Partition}:ssm:${Region}:${Account}:parameter${ImagePath}/*"},
	},
	{
		Why:       "Templates that take it from another parameter.",
		Actions:   []string{"ssm:GetParameters"},
		Resources: []string{"arn:${Partition}:ssm:${Region}:${Account}:parameter${Parameters}"},
	},
}

// refreshingBack is deployed where refreshing is. A group's launch is checked against its caller when the caller
// names a template for it (the page above), and a rollback names none.
var refreshingBack = []Statement{{
	Why:       "Groups are told by the templates they use, which no condition key knows.",
	Actions:   []string{"autoscaling:RollbackInstanceRefresh"},
	Resources: []string{"arn:${Partition}:autoscaling:${Region}:${Account}:autoScalingGroup:*:autoScalingGroupName/${Groups}"},
}}
