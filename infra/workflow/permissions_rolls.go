package workflow

import "goldsmith/shared/tag"

// rolling is making a version of a launch template, and moving its default and the alias.
var rolling = []Statement{
	{
		Why:       "Launch templates that subscribe by the tag " + tag.Source + ".",
		Actions:   []string{"ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"},
		Resources: []string{launchTemplates + "*"},
		Condition: Condition{"StringLike": {"aws:ResourceTag/" + tag.Source: {"*"}}},
	},
	{
		Why:       "Launch templates that a plan lists by id.",
		Actions:   []string{"ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"},
		Resources: []string{launchTemplates + "${Templates}"},
	},
	{
		// The service authorization reference lists it for CreateLaunchTemplateVersion; the User Guide says that it is
		// checked at launch. docs/unverified.md.
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
var ours = Condition{"StringEquals": {"aws:ResourceTag/" + tag.Managed: {"true"}}}

// referring is finding out what uses an image, beside EC2's own describe calls.
var referring = []Statement{
	{
		Why: "Auto Scaling's describe calls have no resources.",
		Actions: []string{"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeLaunchConfigurations",
			"autoscaling:DescribeInstanceRefreshes"},
		Resources: []string{anything},
	},
	{
		Why:     "The aliases of images, under their own path.",
		Actions: []string{"ssm:GetParametersByPath"},
		Resources: []string{"arn:${Partition}:ssm:${Region}:${Account}:parameter${ImagePath}",
			"arn:${Partition}:ssm:${Region}:${Account}:parameter${ImagePath}/*"},
	},
	{
		// Any launch template may name any parameter, and one that may not be read would have to count as a use.
		Why:       "Parameters that launch templates take their image from.",
		Actions:   []string{"ssm:GetParameters"},
		Resources: []string{"arn:${Partition}:ssm:${Region}:*:parameter/*"},
	},
	{
		// docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html, required IAM permissions.
		Why: "DescribeImageReferences looks with the caller's permissions, and only through it are these allowed.",
		Actions: []string{"ssm:DescribeParameters", "imagebuilder:ListImageRecipes", "imagebuilder:ListContainerRecipes",
			"imagebuilder:GetContainerRecipe"},
		Resources: []string{anything},
		Condition: Condition{"ForAnyValue:StringEquals": {"aws:CalledVia": {"ec2-images.amazonaws.com"}}},
	},
}

var retiring = []Statement{
	{
		Why: "Only images that Goldsmith made.",
		Actions: []string{"ec2:EnableImageDeprecation", "ec2:DisableImageDeprecation", "ec2:DisableImage",
			"ec2:DeregisterImage"},
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
		Why:       "Old versions of launch templates that subscribe by the tag " + tag.Source + ".",
		Actions:   []string{"ec2:DeleteLaunchTemplateVersions"},
		Resources: []string{launchTemplates + "*"},
		Condition: Condition{"StringLike": {"aws:ResourceTag/" + tag.Source: {"*"}}},
	},
	{
		Why:       "Old versions of launch templates that a plan lists by id.",
		Actions:   []string{"ec2:DeleteLaunchTemplateVersions"},
		Resources: []string{launchTemplates + "${Templates}"},
	},
}

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
		Why: "Auto Scaling asks whether the caller may launch what the group launches; nothing without a launch " +
			"template of the account.",
		Actions: []string{"ec2:RunInstances"},
		Resources: []string{
			"arn:${Partition}:ec2:${Region}:${Account}:*/${Groups}", "arn:${Partition}:ec2:${Region}::image/${Groups}",
			"arn:${Partition}:ec2:${Region}::snapshot/${Groups}",
		},
		Condition: Condition{"ArnLike": {"ec2:LaunchTemplate": {launchTemplates + "*"}}},
	},
	{
		// The service authorization reference defines ec2:LaunchTemplate for none of them, so that a condition on it denies.
		Why: "What a launch may take part in without the key ec2:LaunchTemplate; without the statement above nothing " +
			"is launched.",
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
			"arn:${Partition}:ec2:${Region}:${Account}:instance/${Groups}",
			"arn:${Partition}:ec2:${Region}:${Account}:volume/${Groups}",
			"arn:${Partition}:ec2:${Region}:${Account}:network-interface/${Groups}",
		},
		Condition: Condition{"StringEquals": {"ec2:CreateAction": {"RunInstances"}}},
	},
	{
		Why: "Roles of the instance profiles in templates, as the deployment lists them: whoever may pass a role " +
			"may use it.",
		Actions:   []string{"iam:PassRole"},
		Resources: []string{"${PassedRoles}"},
		Condition: Condition{"StringEquals": {"iam:PassedToService": toEC2}},
	},
	{
		Why: "Templates that take their image from an alias: whether it reads as it was written, and Auto Scaling's " +
			"dry run of a launch.",
		Actions:   []string{"ssm:GetParameters"},
		Resources: []string{"arn:${Partition}:ssm:${Region}:${Account}:parameter${ImagePath}/*"},
	},
	{
		Why:       "The same of those that take it from another parameter.",
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

// Which groups have members in plans is not known. enteringStandby is deployed where a plan puts members into Standby;
// leavingStandby always is, since the plan may say so no more while a member is out.
var (
	enteringStandby = Statement{
		Why:       "A member is taken out of its group's service before it is stopped.",
		Actions:   []string{"autoscaling:EnterStandby"},
		Resources: []string{"arn:${Partition}:autoscaling:${Region}:${Account}:autoScalingGroup:*:autoScalingGroupName/${Standbys}"},
	}
	leavingStandby = Statement{
		Why:       "What was taken out of its group's service is brought back into it, also when no plan does so any more.",
		Actions:   []string{"autoscaling:ExitStandby"},
		Resources: []string{"arn:${Partition}:autoscaling:${Region}:${Account}:autoScalingGroup:*:autoScalingGroupName/*"},
	}
)

// A member that is replaced meanwhile is protected from scale-in. protecting and lowering are deployed where a plan has
// members replaced; unprotecting always is, as leavingStandby. Nothing but a group's tags could bound them, and which
// groups have members in plans is not known.
var (
	protecting = Statement{
		Why:       "A member is protected from scale-in before it leaves service, where its group replaces it meanwhile.",
		Actions:   []string{"autoscaling:SetInstanceProtection"},
		Resources: []string{"arn:${Partition}:autoscaling:${Region}:${Account}:autoScalingGroup:*:autoScalingGroupName/${Replaces}"},
	}
	unprotecting = Statement{
		Why:       "That protection is taken off once the member is back, also when no plan has members replaced any more.",
		Actions:   []string{"autoscaling:SetInstanceProtection"},
		Resources: []string{"arn:${Partition}:autoscaling:${Region}:${Account}:autoScalingGroup:*:autoScalingGroupName/*"},
	}
	lowering = Statement{
		Why:       "A group that wants one more after such a member came back is set back to what it wanted before.",
		Actions:   []string{"autoscaling:SetDesiredCapacity"},
		Resources: []string{"arn:${Partition}:autoscaling:${Region}:${Account}:autoScalingGroup:*:autoScalingGroupName/${Replaces}"},
	}
)

// Which target groups instances are in is not known either. deregistering is deployed where a plan has instances
// drained; reregistering always is, as leavingStandby.
var (
	deregistering = Statement{
		Why:       "An instance is taken out of its target groups before it is stopped.",
		Actions:   []string{"elasticloadbalancing:DeregisterTargets"},
		Resources: []string{"arn:${Partition}:elasticloadbalancing:${Region}:${Account}:targetgroup/${Drains}/*"},
	}
	reregistering = Statement{
		Why:       "What was taken out of target groups is registered again, also when no plan drains any more.",
		Actions:   []string{"elasticloadbalancing:RegisterTargets"},
		Resources: []string{"arn:${Partition}:elasticloadbalancing:${Region}:${Account}:targetgroup/*/*"},
	}
)
