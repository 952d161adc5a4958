package workflow

import "goldsmith/shared/tag"

// copying is making copies of images where plans want them. It is deployed where a plan copies.
var copying = []Statement{
	{
		// docs.aws.amazon.com/AWSEC2/latest/UserGuide/copy-ami-permissions.html
		Why:       "Only of images that Goldsmith made.",
		Actions:   []string{"ec2:CopyImage"},
		Resources: []string{"arn:${Partition}:ec2:${Region}::image/${Copies}"},
		Condition: ours,
	},
	{
		Why:       "And of their snapshots, whoever made those.",
		Actions:   []string{"ec2:CopyImage"},
		Resources: []string{"arn:${Partition}:ec2:${Region}::snapshot/${Copies}"},
	},
	{
		Why: "New images and snapshots in the Regions that plans name, which are tagged as Goldsmith's in the " +
			"creating call.",
		Actions: []string{"ec2:CopyImage"},
		Resources: []string{"arn:${Partition}:ec2:${CopyRegions}::image/*",
			"arn:${Partition}:ec2:${CopyRegions}::snapshot/*"},
		Condition: Condition{"StringEquals": {"aws:RequestTag/" + tag.Managed: {"true"}}},
	},
	{
		Why:     "Tags in the creating call only, so that nothing else can be tagged into Goldsmith's reach.",
		Actions: []string{"ec2:CreateTags"},
		Resources: []string{"arn:${Partition}:ec2:${CopyRegions}::image/*",
			"arn:${Partition}:ec2:${CopyRegions}::snapshot/*"},
		Condition: Condition{"StringEquals": {"ec2:CreateAction": {"CopyImage"}}},
	},
	{
		// docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html. In which Region EC2 asks is not said.
		Why: "Encrypted snapshots are copied with the caller's permissions on their keys, and on those of the copies that " +
			"plans name by id or ARN.",
		Actions:   copyUses,
		Resources: []string{"${SourceKeys}", "${CopyKeys}"},
		Condition: viaCopies(),
	},
	{
		Why:       "And on those that plans name by an alias, which policies know no ARN of.",
		Actions:   copyUses,
		Resources: []string{"arn:${Partition}:kms:${AliasRegions}:${Account}:key/*"},
		Condition: withAliases(viaCopies()),
	},
	{
		Why:       "EC2 goes on with these keys, by a grant that the caller makes.",
		Actions:   []string{"kms:CreateGrant"},
		Resources: []string{"${SourceKeys}", "${CopyKeys}"},
		Condition: forAWS(viaCopies()),
	},
	{
		Why:       "And with those that plans name by an alias.",
		Actions:   []string{"kms:CreateGrant"},
		Resources: []string{"arn:${Partition}:kms:${AliasRegions}:${Account}:key/*"},
		Condition: forAWS(withAliases(viaCopies())),
	},
	{
		Why:       "Copies that have failed, and only those that Goldsmith made.",
		Actions:   []string{"ec2:DeregisterImage"},
		Resources: []string{"arn:${Partition}:ec2:${CopyRegions}::image/*"},
		Condition: ours,
	},
	{
		Why:       "Their snapshots, with the image.",
		Actions:   []string{"ec2:DeleteSnapshot"},
		Resources: []string{"arn:${Partition}:ec2:${CopyRegions}::snapshot/*"},
		Condition: ours,
	},
}

// copyUses are what a copy does with the keys of what it is of, and with its own.
var copyUses = []string{
	"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
}

func viaCopies() Condition {
	return Condition{"StringLike": {"kms:ViaService": {"ec2.*.amazonaws.com"}}}
}

func forAWS(c Condition) Condition {
	c["Bool"] = map[string][]string{"kms:GrantIsForAWSResource": {"true"}}
	return c
}

func withAliases(c Condition) Condition {
	c["ForAnyValue:StringEquals"] = map[string][]string{"kms:ResourceAliases": {"${CopyAliases}"}}
	return c
}

// lookAtCopyKeys is looking, before anything is stopped, whether the copies that plans want can be made.
var lookAtCopyKeys = []Statement{
	{
		Why:       "Which Regions the account has enabled. EC2's describe calls have no resources.",
		Actions:   []string{"ec2:DescribeRegions"},
		Resources: []string{"${Copies}"},
	},
	{
		Why:       "How the keys are that copies are encrypted under, by whatever plans name them.",
		Actions:   []string{"kms:DescribeKey"},
		Resources: []string{"arn:${Partition}:kms:${CopyRegions}:*:key/*"},
	},
}

// retiringCopies is what is done to old copies, and looked at before, in their own Regions.
var retiringCopies = []Statement{
	{
		Why:     "The aliases of images there.",
		Actions: []string{"ssm:GetParametersByPath"},
		Resources: []string{"arn:${Partition}:ssm:${CopyRegions}:${Account}:parameter${ImagePath}",
			"arn:${Partition}:ssm:${CopyRegions}:${Account}:parameter${ImagePath}/*"},
	},
	{
		Why:       "Parameters that launch templates there take their image from.",
		Actions:   []string{"ssm:GetParameters"},
		Resources: []string{"arn:${Partition}:ssm:${CopyRegions}:*:parameter/*"},
	},
	{
		Why: "Only copies that Goldsmith made.",
		Actions: []string{"ec2:EnableImageDeprecation", "ec2:DisableImageDeprecation", "ec2:DisableImage",
			"ec2:DeregisterImage"},
		Resources: []string{"arn:${Partition}:ec2:${CopyRegions}::image/*"},
		Condition: ours,
	},
	{
		Why:       "Their snapshots, with the copy and afterwards.",
		Actions:   []string{"ec2:DeleteSnapshot"},
		Resources: []string{"arn:${Partition}:ec2:${CopyRegions}::snapshot/*"},
		Condition: ours,
	},
}

// templatesAfar are the launch templates of the Regions in which copies are rolled, beside an id.
const templatesAfar = "arn:${Partition}:ec2:${RollRegions}:${Account}:launch-template/*"

// lookAtRolledCopies is what rolling copies asks. It is deployed where a plan wants it.
var lookAtRolledCopies = Statement{
	Why: "What takes the images of a name where copies are rolled, what launches from that, and whether it can run " +
		"them. EC2's describe calls have no resources.",
	Actions: []string{"ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions",
		"ec2:DescribeInstanceTypes", "ec2:GetInstanceTypesFromInstanceRequirements", "ec2:DescribeSnapshots",
		"ec2:DescribeFleets", "ec2:DescribeSpotFleetRequests",
		"autoscaling:DescribeAutoScalingGroups"},
	Resources: []string{"${RolledCopies}"},
}

// rollingCopies is pointing launch templates and aliases at copies in their Regions. It is deployed where a plan wants
// it.
var rollingCopies = []Statement{
	{
		Why:       "Launch templates there that subscribe by the tag " + tag.Source + ".",
		Actions:   []string{"ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"},
		Resources: []string{templatesAfar},
		Condition: Condition{"StringLike": {"aws:ResourceTag/" + tag.Source: {"*"}}},
	},
	{
		Why:       "Roles of the instance profiles in such templates, as the deployment lists them.",
		Actions:   []string{"iam:PassRole"},
		Resources: []string{"${CopyRoles}"},
		Condition: Condition{"StringEquals": {"iam:PassedToService": toEC2}},
	},
	{
		Why:       "The aliases of images there, under their own path.",
		Actions:   []string{"ssm:GetParameter", "ssm:PutParameter"},
		Resources: []string{"arn:${Partition}:ssm:${RollRegions}:${Account}:parameter${ImagePath}/*"},
	},
	{
		Why:       "Other parameters that templates there take their image from.",
		Actions:   []string{"ssm:GetParameter", "ssm:PutParameter"},
		Resources: []string{"arn:${Partition}:ssm:${RollRegions}:${Account}:parameter${Parameters}"},
	},
}

// pruningCopies is deleting old versions of what copies were rolled into.
var pruningCopies = []Statement{{
	Why:       "Old versions of launch templates that subscribe by the tag " + tag.Source + ", where copies are rolled.",
	Actions:   []string{"ec2:DeleteLaunchTemplateVersions"},
	Resources: []string{templatesAfar},
	Condition: Condition{"StringLike": {"aws:ResourceTag/" + tag.Source: {"*"}}},
}}
