package workflow

import (
	"slices"

	"goldsmith/shared/tag"
)

// onEnrolled allows an action on instances that a person enrolled or asked an image of.
func onEnrolled(action string) []Statement {
	var both []Statement
	for _, key := range []string{tag.Plan, tag.Request} {
		both = append(both, Statement{
			Why:       "Only instances that carry the tag " + key + ".",
			Actions:   []string{action},
			Resources: []string{instances},
			Condition: Condition{"StringLike": {"aws:ResourceTag/" + key: {"*"}}},
		})
	}
	return both
}

// imaging makes images and snapshots.
func imaging(resources ...string) []Statement {
	return []Statement{
		{
			Why:       "New images and snapshots, which are tagged as Goldsmith's in the creating call.",
			Actions:   []string{"ec2:CreateImage"},
			Resources: resources,
			Condition: Condition{"StringEquals": {"aws:RequestTag/" + tag.Managed: {"true"}}},
		},
		{
			Why:       "Tags in the creating call only, so that no other image can be tagged into Goldsmith's reach.",
			Actions:   []string{"ec2:CreateTags"},
			Resources: resources,
			Condition: Condition{"StringEquals": {"ec2:CreateAction": {"CreateImage"}}},
		},
	}
}

// starting is what StartInstances needs, and its dry run.
var starting = append(slices.Clone(mayStart), openVolumes)

// mayStart is StartInstances itself. Function claim asks by a dry run, where function start's is half an hour old,
// whether what is to be stopped could be started again: with the same statements, so that the answers are the same.
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
		Why: "An instance that targets a resource group of hosts or Capacity Reservations starts with permission on " +
			"that, too.",
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
		Condition: Condition{"StringEquals": {"aws:ResourceTag/" + tag.Managed: {"true"}}},
	},
	{
		Why:       "Instances and volumes are tagged as a test's in the creating call.",
		Actions:   []string{"ec2:RunInstances"},
		Resources: []string{instances, volumes},
		Condition: Condition{"StringLike": {"aws:RequestTag/" + tag.BootTest: {"*"}}},
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
		Why: "Volumes of encrypted images are made with the caller's permissions on their keys.",
		Actions: []string{"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
			"kms:ReEncryptTo"},
		Resources: []string{"${VolumeKeys}"},
		Condition: Condition{"StringEquals": {"kms:ViaService": {"ec2.${Region}.amazonaws.com"}}},
	},
	openVolumes,
	{
		Why:       "The one document by which a plan's command is run, which is the suite's own.",
		Actions:   []string{"ssm:SendCommand"},
		Resources: []string{document},
	},
	{
		// docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html: with a global key
		// such as aws:ResourceTag the calls that Systems Manager makes on our behalf would be denied.
		Why:       "On test instances only.",
		Actions:   []string{"ssm:SendCommand"},
		Resources: []string{instances},
		Condition: Condition{"StringLike": {"ssm:resourceTag/" + tag.BootTest: {"*"}}},
	},
	{
		Why:       "Listing what became of commands has no resources.",
		Actions:   []string{"ssm:ListCommandInvocations"},
		Resources: []string{anything},
	},
}

// generalizing makes images of clones, which carry a test's tag, and is deployed where a plan makes general images.
var generalizing = append([]Statement{{
	Why:       "Stops clones, and makes images of them: of no instance that does not carry the tag " + tag.BootTest + ".",
	Actions:   []string{"ec2:StopInstances", "ec2:CreateImage"},
	Resources: []string{clones},
	Condition: Condition{"StringLike": {"aws:ResourceTag/" + tag.BootTest: {"*"}}},
}}, imaging(cloneImages, cloneSnapshots)...)

// commanding runs commands on sources, and is deployed where a plan has hooks or freezes: else nothing can be sent to a
// source. Who takes the last hooks off the plans while a command is due has to run it by hand.
var commanding = append(onCommanded(tag.Plan, tag.Request), Statement{
	Why:       "The one document by which a plan's command is run, which is the suite's own.",
	Actions:   []string{"ssm:SendCommand"},
	Resources: []string{hookedDocument},
}, Statement{
	Why:       "Listing what became of commands has no resources.",
	Actions:   []string{"ssm:ListCommandInvocations"},
	Resources: []string{"${Hooks}"},
})

// commandingBack is for what was stopped for a request, and carries that no more when its command after is due.
var commandingBack = append(onCommanded(tag.LastStop), commanding...)

// onCommanded allows commands on instances that carry one of these tags.
func onCommanded(keys ...string) (statements []Statement) {
	for _, key := range keys {
		statements = append(statements, Statement{
			Why:       "Commands on instances that carry the tag " + key + ".",
			Actions:   []string{"ssm:SendCommand"},
			Resources: []string{hookedInstances},
			Condition: Condition{"StringLike": {"ssm:resourceTag/" + key: {"*"}}},
		})
	}
	return statements
}

// endTests can end no instance but tests'.
var endTests = []Statement{{
	Why:       "Only instances that carry the tag " + tag.BootTest + ": tests' own.",
	Actions:   []string{"ec2:TerminateInstances"},
	Resources: []string{instances},
	Condition: Condition{"StringLike": {"aws:ResourceTag/" + tag.BootTest: {"*"}}},
}}
