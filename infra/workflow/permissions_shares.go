package workflow

// sharing is letting other accounts launch images and make volumes of their snapshots. It is deployed where a plan shares.
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

var (
	lookAtOrganization = Statement{
		// docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
		Why:       "EC2 takes full ARNs of organizations, which name the account that manages them. The call has no resources.",
		Actions:   []string{"organizations:DescribeOrganization"},
		Resources: []string{"${Shares}"},
	}
	lookAtKeyUsers = Statement{
		Why: "Whether the accounts that images are shared with may use the keys of the volumes, which people are told before " +
			"a launch there fails. Any key of the account, since a volume may have any.",
		Actions:   []string{"kms:GetKeyPolicy", "kms:ListGrants"},
		Resources: []string{"arn:${Partition}:kms:${Region}:${Account}:key/${Shares}"},
	}
)
