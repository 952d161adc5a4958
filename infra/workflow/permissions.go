package workflow

import (
	"slices"

	"goldsmith/shared/tag"
)

// Statement allows actions on resources. Ours only ever allow.
type Statement struct {
	// Why is the reason, for a reviewer of the policy.
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
	securityGroups = "arn:${Partition}:ec2:${Region}:*:security-group/*"
	subnets        = "arn:${Partition}:ec2:${Region}:*:subnet/${Subnets}"
	resourceGroups = "arn:${Partition}:resource-groups:${Region}:${Account}:group/*"
	profileRoles   = "arn:${Partition}:iam::${Account}:role/${Profiles}"
	document       = "arn:${Partition}:ssm:${Region}:${Account}:document/" + Command
	hookedDocument = "arn:${Partition}:ssm:${Region}:${Account}:document/${HookDocument}"
	// Clones, their images and the snapshots of those.
	clones          = "arn:${Partition}:ec2:${Region}:${Account}:instance/${Clones}"
	cloneImages     = "arn:${Partition}:ec2:${Region}::image/${Clones}"
	cloneSnapshots  = "arn:${Partition}:ec2:${Region}::snapshot/${Clones}"
	hookedInstances = "arn:${Partition}:ec2:${Region}:${Account}:instance/${Hooks}"
	launchTemplates = "arn:${Partition}:ec2:${Region}:${Account}:launch-template/"
	stateMachineARN = "arn:${Partition}:states:${Region}:${Account}:stateMachine:" + Name
	executions      = "arn:${Partition}:states:${Region}:${Account}:execution:" + Name + ":*"
	requests        = "arn:${Partition}:states:${Region}:${Account}:execution:" + Name + ":request-*"
	childExecutions = "arn:${Partition}:states:${Region}:${Account}:execution:" + Name + "/" + MapLabel + ":*"
	mapRuns         = "arn:${Partition}:states:${Region}:${Account}:mapRun:" + Name + "/" + MapLabel + ":*"
	// licenses may be shared by the account that keeps an organization's.
	licenses = "arn:${Partition}:license-manager:${Region}:*:license-configuration:*"
	anything = "*"
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
		Why: "DynamoDB decrypts the table with the caller's permissions.",
		Actions: []string{"kms:Decrypt", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey",
			"kms:DescribeKey"},
		Resources: []string{"${TableKeys}"},
		Condition: Condition{"StringEquals": {"kms:ViaService": {"dynamodb.${Region}.amazonaws.com"}}},
	}}
}

// ledgerAndKeys are ledger's statements and the look at any key: with that the table's needs none of its own.
func ledgerAndKeys(actions ...string) []Statement {
	statements := ledger(actions...)
	decrypts := &statements[1]
	decrypts.Actions = slices.DeleteFunc(decrypts.Actions, func(a string) bool { return a == "kms:DescribeKey" })
	return append(statements, lookAtKeys)
}

// look is describing, for which EC2 knows no resource.
func look(actions ...string) Statement {
	s := Statement{Why: "EC2's describe calls have no resources.", Resources: []string{anything}}
	for _, action := range actions {
		s.Actions = append(s.Actions, "ec2:"+action)
	}
	return s
}

// noting and untagging name the keys, and want at least one: DeleteTags without a key takes every tag off.
var (
	noting = []Statement{{
		Why:       "Writes the tag " + tag.LastImage + " on a source, and with it that it is back; no other.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{instances},
		Condition: onlyKey(tag.LastImage, tag.Stopped),
	}, {
		Why:       "Writes the tag " + tag.LastImage + " on a snapshot that an image was made of; no other.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{snapshots},
		Condition: onlyKey(tag.LastImage),
	}}
	tracing = []Statement{{
		Why: "Writes the tags " + tag.Stopped + " and " + tag.LastStop + " on what it is about to stop, and no " +
			"other.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{instances},
		Condition: onlyKey(tag.Stopped, tag.LastStop),
	}}
	// tracingBack is for instances whose claims are lost.
	tracingBack = []Statement{
		{
			Why:       "What an execution that the tag " + tag.Stopped + " names has done to its source.",
			Actions:   []string{"states:GetExecutionHistory"},
			Resources: []string{childExecutions},
		},
		{
			Why:       "Takes the tag " + tag.Stopped + " off what is back, and no other.",
			Actions:   []string{"ec2:DeleteTags"},
			Resources: []string{instances},
			Condition: onlyKey(tag.Stopped),
		},
	}
	untagging = []Statement{{
		Why:       "Takes the request off a source, and no other tag.",
		Actions:   []string{"ec2:DeleteTags"},
		Resources: []string{instances, snapshots},
		Condition: onlyKey(tag.Request),
	}}
)

func onlyKey(keys ...string) Condition {
	return Condition{
		"ForAllValues:StringEquals": {"aws:TagKeys": keys},
		"Null":                      {"aws:TagKeys": {"false"}},
	}
}

var notifying = []Statement{
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
	{
		// docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
		Why: "Events of Goldsmith's own, to the default event bus, if a plan asks for them: no other source can be " +
			"feigned.",
		Actions:   []string{"events:PutEvents"},
		Resources: []string{"${EventBus}"},
		Condition: Condition{"StringEquals": {"events:source": {"goldsmith"}}},
	},
	{
		Why:       "Texts to the suite's own topic, if a plan asks for them.",
		Actions:   []string{"sns:Publish"},
		Resources: []string{"${TopicArn}"},
	},
}

var (
	keepingPages = Statement{
		Why:       "The pages of runs, in the suite's own bucket, if messages lead to them.",
		Actions:   []string{"s3:PutObject"},
		Resources: []string{"${Pages}"},
	}
	// A link can do what its signer may, and nothing else.
	signing = Statement{
		Why:       "What presigned links open, if a plan's messages have them: whoever follows one acts as this role.",
		Actions:   []string{"s3:GetObject"},
		Resources: []string{"${SignedPages}"},
	}
)

// toEC2 is EC2 as iam:PassedToService calls it, in China and elsewhere.
var toEC2 = []string{"ec2.amazonaws.com", "ec2.amazonaws.com.cn"}
