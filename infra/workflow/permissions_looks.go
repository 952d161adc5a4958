package workflow

// What only looks, and what is known by a token or a run instead of by a resource of EC2.
var (
	lookAtProtection = Statement{
		Why:       "Whether an instance is stop-protected.",
		Actions:   []string{"ec2:DescribeInstanceAttribute"},
		Resources: []string{instances},
	}
	lookAtFirmware = Statement{
		Why: "The UEFI variables of the instance whose root volume a snapshot is of, which its image is registered with. " +
			"Any instance, since what a snapshot is of has no tag of its own; nothing is changed by it.",
		Actions:   []string{"ec2:GetInstanceUefiData"},
		Resources: []string{instances},
	}
	lookAtKeys = Statement{
		// docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html: another account's
		// key policy has to allow it, too.
		Why: "Whether the keys of volumes can be used, which is looked at before a stop: EC2 says yes to a start that a " +
			"key is in the way of, and takes it back. Any key, since a volume may have any; nothing can be done with it.",
		Actions:   []string{"kms:DescribeKey"},
		Resources: []string{"arn:${Partition}:kms:${Region}:*:key/*"},
	}
	lookAtQuotas = Statement{
		// docs.aws.amazon.com/service-authorization/latest/reference/list_servicequotas.html
		Why:       "How many vCPUs the account may run. Reading a quota has no resources.",
		Actions:   []string{"servicequotas:GetServiceQuota"},
		Resources: []string{anything},
	}
	lookAtWaits = look("DescribeInstances", "DescribeInstanceStatus", "DescribeImages", "DescribeSnapshots")
	lookAtUses  = look("DescribeFleets", "DescribeSpotFleetRequests", "DescribeSpotInstanceRequests", "DescribeVolumes",
		"DescribeSnapshotAttribute",
		"DescribeFastSnapshotRestores", "DescribeLockedSnapshots", "DescribeSnapshotTierStatus")
	lookAtRefreshes = Statement{
		Why:       "Auto Scaling's describe calls have no resources.",
		Actions:   []string{"autoscaling:DescribeInstanceRefreshes"},
		Resources: []string{anything},
	}
	lookAtGroups = Statement{
		Why: "Auto Scaling's describe calls have no resources, and no filter that knows templates. That a group is gone " +
			"is told by its instance refreshes alone.",
		Actions:   []string{"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeInstanceRefreshes"},
		Resources: []string{anything},
	}
	lookAtReplaced = Statement{
		Why: "Whether the group of a member that was replaced meanwhile is as large as before. The call has no " +
			"resources.",
		Actions:   []string{"autoscaling:DescribeAutoScalingGroups"},
		Resources: []string{anything},
	}
	lookWhatLaunches = Statement{
		Why: "Whether a group launches from a version that takes its image from the source's alias: its volumes are not to " +
			"be left behind.",
		Actions:   []string{"autoscaling:DescribeAutoScalingGroups"},
		Resources: []string{anything},
	}
	lookAtTargets = Statement{
		// docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
		Why:       "Whether what is brought back into service is healthy in its target groups. The call has no resources.",
		Actions:   []string{"elasticloadbalancing:DescribeTargetHealth"},
		Resources: []string{anything},
	}
	lookForTargets = Statement{
		Why: "Which target groups an instance is taken out of, where a plan has it drained, and for how long they drain. " +
			"The calls have no resources.",
		Actions: []string{"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
			"elasticloadbalancing:DescribeTargetGroupAttributes"},
		Resources: []string{"${Drains}"},
	}
	lookAtDraining = Statement{
		Why:       "Whether an instance is out of its target groups before it is stopped. The call has no resources.",
		Actions:   []string{"elasticloadbalancing:DescribeTargetHealth"},
		Resources: []string{"${Drains}"},
	}
	lookAtMembers = Statement{
		Why:       "Auto Scaling's describe calls have no resources.",
		Actions:   []string{"autoscaling:DescribeAutoScalingInstances"},
		Resources: []string{anything},
	}
	lookAtConfigurations = Statement{
		Why:       "Which groups launch what is undone from a launch configuration. Its describe call has no resources.",
		Actions:   []string{"autoscaling:DescribeLaunchConfigurations"},
		Resources: []string{anything},
	}
	endWaits = Statement{
		Why:       "A task token belongs to no resource; it is known only to the execution that waits and to the ledger.",
		Actions:   []string{"states:SendTaskSuccess", "states:SendTaskFailure"},
		Resources: []string{anything},
	}
	endWell = Statement{
		Why:       endWaits.Why,
		Actions:   []string{"states:SendTaskSuccess"},
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
	askAboutRequests = Statement{
		Why:       "Whether the run that answers an earlier change of a request tag goes on.",
		Actions:   []string{"states:DescribeExecution"},
		Resources: []string{requests},
	}
	listRuns = Statement{
		Why: "Which runs have ended, and whether people were told; and what the sources of a large run do, of which " +
			"DescribeExecution's quota does not let each be asked about.",
		Actions:   []string{"states:ListExecutions"},
		Resources: []string{stateMachineARN, mapRuns},
	}
	askAboutSchedules = Statement{
		Why:       "Whether a plan's schedule is enabled, before its missed run is made up for.",
		Actions:   []string{"scheduler:GetSchedule"},
		Resources: []string{"arn:${Partition}:scheduler:${Region}:${Account}:schedule/" + Name + "/*"},
	}
)
