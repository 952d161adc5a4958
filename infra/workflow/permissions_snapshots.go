package workflow

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

var registering = []Statement{
	{
		Why:       "Copies of snapshots, which are tagged as Goldsmith's in the creating call.",
		Actions:   []string{"ec2:CopySnapshot"},
		Resources: []string{snapshots},
		Condition: Condition{"StringEquals": {"aws:RequestTag/" + managedTag: {"true"}}},
	},
	{
		Why:       "New images, which are tagged as Goldsmith's in the creating call.",
		Actions:   []string{"ec2:RegisterImage"},
		Resources: []string{images},
		Condition: Condition{"StringEquals": {"aws:RequestTag/" + managedTag: {"true"}}},
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
