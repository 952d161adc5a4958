package workflow

// sharing is letting other accounts launch images and make volumes of their snapshots. It is deployed where a plan
// shares.
var sharing = []Statement{
	{
		Why:       "Launch permissions of images that Goldsmith made.",
		Actions:   []string{"ec2:ModifyImageAttribute"},
		Resources: []string{"arn:${Partition}:ec2:${Region}::image/${Shares}"},
		Condition: ours,
	},
	{
		Why:       "Who may make volumes of their snapshots.",
		Actions:   []string{"ec2:ModifySnapshotAttribute"},
		Resources: []string{"arn:${Partition}:ec2:${Region}::snapshot/${Shares}"},
		Condition: ours,
	},
}

// reporting is finding out what other accounts do with shared images, before sharing is taken back. It is deployed
// where sharing is.
var reporting = []Statement{
	{
		Why:       "EC2's describe calls have no resources.",
		Actions:   []string{"ec2:DescribeImageUsageReports", "ec2:DescribeImageUsageReportEntries"},
		Resources: []string{"${AnyShares}"},
	},
	{
		Why:       "EC2 says who uses an image in a report that it makes when it is asked; only images that Goldsmith made.",
		Actions:   []string{"ec2:CreateImageUsageReport"},
		Resources: []string{"arn:${Partition}:ec2:${Region}::image/${Shares}"},
		Condition: ours,
	},
	{
		Why:       "The reports to be.",
		Actions:   []string{"ec2:CreateImageUsageReport"},
		Resources: []string{"arn:${Partition}:ec2:${Region}:${Account}:image-usage-report/${Shares}"},
	},
}

// sharingCopies is the same for copies in their own Regions. It is deployed where a plan shares its copies.
var sharingCopies = []Statement{
	{
		Why:       "Launch permissions of copies that Goldsmith made, in the Regions where plans share them.",
		Actions:   []string{"ec2:ModifyImageAttribute"},
		Resources: []string{"arn:${Partition}:ec2:${ShareRegions}::image/*"},
		Condition: ours,
	},
	{
		Why:       "Who may make volumes of their snapshots.",
		Actions:   []string{"ec2:ModifySnapshotAttribute"},
		Resources: []string{"arn:${Partition}:ec2:${ShareRegions}::snapshot/*"},
		Condition: ours,
	},
}

// reportingCopies is finding out what other accounts do with shared copies.
var reportingCopies = []Statement{
	{
		Why:       "EC2 says who uses a copy in a report of its own Region; only copies that Goldsmith made.",
		Actions:   []string{"ec2:CreateImageUsageReport"},
		Resources: []string{"arn:${Partition}:ec2:${ShareRegions}::image/*"},
		Condition: ours,
	},
	{
		Why:       "The reports to be.",
		Actions:   []string{"ec2:CreateImageUsageReport"},
		Resources: []string{"arn:${Partition}:ec2:${ShareRegions}:${Account}:image-usage-report/*"},
	},
}

var (
	lookAtOwnOrganization = Statement{
		Why:       "Whom copies are shared with: EC2 takes full ARNs of organizations. The call has no resources.",
		Actions:   []string{"organizations:DescribeOrganization"},
		Resources: []string{"${CopyShares}"},
	}
	lookAtCopyKeyUsers = Statement{
		Why: "Whether the accounts that copies are shared with may use their keys, which people are told before a launch " +
			"there fails. Any key of the account there, since a policy knows no ARN of an alias.",
		Actions:   []string{"kms:GetKeyPolicy", "kms:ListGrants"},
		Resources: []string{"arn:${Partition}:kms:${ShareRegions}:${Account}:key/*"},
	}
	lookAtOrganization = Statement{
		// docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
		Why: "EC2 takes full ARNs of organizations, which name the account that manages them. The call has no " +
			"resources.",
		Actions:   []string{"organizations:DescribeOrganization"},
		Resources: []string{"${Shares}"},
	}
	lookAtKeyUsers = Statement{
		// docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
		Why: "Whether the accounts that images are shared with may use the keys of the volumes, and Auto Scaling where it " +
			"launches what is rolled, which people are told before a launch fails. Any key of the account where plans share, " +
			"since a volume may have any.",
		Actions:   []string{"kms:GetKeyPolicy", "kms:ListGrants"},
		Resources: []string{"${LookedKeys}"},
	}
)
