package workflow

import (
	"strings"

	"goldsmith/shared/tag"
)

// copying is making copies of images where plans want them. It is deployed where a plan copies.
var copying = []Statement{
	{
		// docs.aws.amazon.com/AWSEC2/latest/UserGuide/copy-ami-permissions.html
		Why:       "Only of images that Goldsmith made.",
		Actions:   []string{"ec2:CopyImage"},
		Resources: []string{"arn:${Partition}:ec2:${Region}::image/${Copies}", "arn:${Partition}:ec2:${Region}::snapshot/${Copies}"},
		Condition: ours,
	},
	{
		Why:       "New images and snapshots in the Regions that plans name, which are tagged as Goldsmith's in the creating call.",
		Actions:   []string{"ec2:CopyImage"},
		Resources: []string{"arn:${Partition}:ec2:${CopyRegions}::image/*", "arn:${Partition}:ec2:${CopyRegions}::snapshot/*"},
		Condition: Condition{"StringEquals": {"aws:RequestTag/" + tag.Managed: {"true"}}},
	},
	{
		Why:       "Tags in the creating call only, so that nothing else can be tagged into Goldsmith's reach.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{"arn:${Partition}:ec2:${CopyRegions}::image/*", "arn:${Partition}:ec2:${CopyRegions}::snapshot/*"},
		Condition: Condition{"StringEquals": {"ec2:CreateAction": {"CopyImage"}}},
	},
	{
		// docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html. In which Region EC2 asks is not said.
		Why:       "Encrypted snapshots are copied with the caller's permissions on their keys.",
		Actions:   copyUses,
		Resources: []string{"${SourceKeys}"},
		Condition: viaCopies(),
	},
	{
		Why:       "Copies are encrypted with the caller's permissions on the keys that plans name by id or ARN.",
		Actions:   copyUses,
		Resources: []string{"${CopyKeys}"},
		Condition: viaCopies(),
	},
	{
		Why:       "And on those that plans name by an alias, which policies know no ARN of.",
		Actions:   copyUses,
		Resources: []string{"arn:${Partition}:kms:${AliasRegions}:${Account}:key/*"},
		Condition: withAliases(viaCopies()),
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
	"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
	"kms:ReEncryptTo",
}

func viaCopies() Condition {
	return Condition{"StringEquals": {"kms:ViaService": {"ec2.${Region}.amazonaws.com", "ec2.${CopyRegions}.amazonaws.com"}}}
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

// inCopyRegions allows the same in the Regions of copies.
func inCopyRegions(statements ...Statement) (all []Statement) {
	for _, s := range statements {
		there := Statement{Why: "For copies: " + s.Why, Actions: s.Actions, Condition: s.Condition}
		for _, resource := range s.Resources {
			if strings.Contains(resource, "${Region}") {
				there.Resources = append(there.Resources, strings.ReplaceAll(resource, "${Region}", "${CopyRegions}"))
			}
		}
		if len(there.Resources) > 0 {
			all = append(all, there)
		}
	}
	return all
}
