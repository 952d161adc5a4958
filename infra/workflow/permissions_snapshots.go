package workflow

import "goldsmith/shared/tag"

// onTagged allows actions on snapshots that carry a tag by which a person offers them: reading blocks is reading data.
func onTagged(keys []string, actions ...string) []Statement {
	var all []Statement
	for _, key := range keys {
		all = append(all, Statement{
			Why:       "Only snapshots that carry the tag " + key + ".",
			Actions:   actions,
			Resources: []string{snapshots},
			Condition: Condition{"StringLike": {"aws:ResourceTag/" + key: {"*"}}},
		})
	}
	return all
}

// Selected is what function snapshot may do with the snapshots that a plan selects by their tags: reading and copying
// them; with uncopied, registering images of them.
func Selected(plan string, tags map[string][]string, uncopied bool) Statement {
	one, any := map[string][]string{}, map[string][]string{}
	for key, values := range tags {
		if len(values) > 0 {
			one["aws:ResourceTag/"+key] = values
		} else {
			any["aws:ResourceTag/"+key] = []string{"*"}
		}
	}
	s := Statement{
		Why:       "Snapshots that plan " + plan + " selects by all of these tags.",
		Actions:   []string{"ebs:ListSnapshotBlocks", "ebs:GetSnapshotBlock", "ec2:CopySnapshot"},
		Resources: []string{snapshots}, Condition: Condition{},
	}
	if uncopied {
		s.Actions = append(s.Actions, "ec2:RegisterImage")
	}
	for operator, keys := range map[string]map[string][]string{"StringEquals": one, "StringLike": any} {
		if len(keys) > 0 {
			s.Condition[operator] = keys
		}
	}
	return s
}

// Uncopied is for plans that have images registered of snapshots themselves.
func Uncopied() []Statement {
	return onTagged([]string{tag.Plan, tag.Request, tag.Device}, "ec2:RegisterImage")
}

var registering = []Statement{
	{
		Why:       "Copies of snapshots, which are tagged as Goldsmith's in the creating call.",
		Actions:   []string{"ec2:CopySnapshot"},
		Resources: []string{snapshots},
		Condition: Condition{"StringEquals": {"aws:RequestTag/" + tag.Managed: {"true"}}},
	},
	{
		Why:       "New images, which are tagged as Goldsmith's in the creating call.",
		Actions:   []string{"ec2:RegisterImage"},
		Resources: []string{images},
		Condition: Condition{"StringEquals": {"aws:RequestTag/" + tag.Managed: {"true"}}},
	},
	{
		Why:       "Images are registered of Goldsmith's own copies.",
		Actions:   []string{"ec2:RegisterImage"},
		Resources: []string{snapshots},
		Condition: ours,
	},
	{
		Why:       "Tags in the creating call only, so that nothing else can be tagged into Goldsmith's reach.",
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{images, snapshots},
		Condition: Condition{"StringEquals": {"ec2:CreateAction": {"CopySnapshot", "RegisterImage"}}},
	},
	{
		// docs.aws.amazon.com/ebs/latest/userguide/ebsapi-permissions.html and ebs-encryption-requirements.html. What
		// service the EBS direct APIs name is not said: docs/unverified.md.
		Why: "Blocks of an encrypted snapshot are read, and its copy made, with the caller's permissions on its key.",
		Actions: []string{
			"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
		},
		Resources: []string{"${VolumeKeys}"},
		Condition: Condition{"StringEquals": {
			"kms:ViaService": {"ec2.${Region}.amazonaws.com", "ebs.${Region}.amazonaws.com"},
		}},
	},
	openVolumes,
}
