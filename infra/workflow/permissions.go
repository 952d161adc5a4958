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
	instances       = "arn:${Partition}:ec2:${Region}:${Account}:instance/*"
	images          = "arn:${Partition}:ec2:${Region}::image/*"
	snapshots       = "arn:${Partition}:ec2:${Region}::snapshot/*"
	launchTemplates = "arn:${Partition}:ec2:${Region}:${Account}:launch-template/"
	stateMachineARN = "arn:${Partition}:states:${Region}:${Account}:stateMachine:" + Name
	executions      = "arn:${Partition}:states:${Region}:${Account}:execution:" + Name + ":*"
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
	sourceTag  = "goldsmith:source"
	managedTag = "goldsmith:managed"
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
	endWaits    = Statement{
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

var starting = []Statement{
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
		Why:       "EC2 opens encrypted volumes by a grant that the caller of StartInstances makes.",
		Actions:   []string{"kms:CreateGrant"},
		Resources: []string{"${VolumeKeys}"},
		Condition: Condition{
			"Bool":         {"kms:GrantIsForAWSResource": {"true"}},
			"StringEquals": {"kms:ViaService": {"ec2.${Region}.amazonaws.com"}},
		},
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
		Why:       "Writes the tag " + lastTag + " on a source, and no other.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{instances},
		Condition: onlyKey(lastTag),
	}}
	untagging = []Statement{{
		Why:       "Takes the request off a source, and no other tag.",
		Actions:   []string{"ec2:DeleteTags"},
		Resources: []string{instances, snapshots},
		Condition: onlyKey(requestTag),
	}}
)

func onlyKey(key string) Condition {
	return Condition{
		"ForAllValues:StringEquals": {"aws:TagKeys": {key}},
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
