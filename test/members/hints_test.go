package members

import (
	"encoding/base64"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/infra/workflow"
	local "goldsmith/local/ec2"
)

// known are those of the scene's ids that this world has.
func known(names ...string) func(*world) []any {
	return func(w *world) []any {
		var ids []any
		for _, name := range names {
			if id := w.ids[name]; id != "" {
				ids = append(ids, id)
			}
		}
		return ids
	}
}

func these(values ...any) func(*world) []any { return func(*world) []any { return values } }

// hints are values of use, by action and member, member, or field.
var hints = map[string]func(*world) []any{
	"ImageId":              func(w *world) []any { return []any{w.ids["image"], local.ImageX86} },
	"ImageIds[]":           known("image"),
	"InstanceId":           known("instance", "stopped", "member"),
	"InstanceIds[]":        known("stopped", "member", "instance"),
	"SnapshotId":           known("snapshot", "locked", "archived"),
	"SnapshotIds[]":        known("snapshot"),
	"sns.Publish.TopicArn": known("other topic"),
	"kms.ListGrants.Limit": these(1),
	"kms.ListGrants.Marker": func(w *world) []any {
		in := &kms.ListGrantsInput{KeyId: aws.String(w.suite.EC2.DefaultKey()), Limit: aws.Int32(1)}
		return []any{*must(w.kms.ListGrants(w.t.Context(), in))(w).NextMarker}
	},
	"ReportIds[]":           known("report"),
	"VolumeIds[]":           known("volume"),
	"SubnetId":              known("other subnet"),
	"SubnetIds[]":           known("subnet"),
	"SecurityGroupIds[]":    known("group"),
	"SecurityGroups[]":      these("made"),
	"UserData":              these(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh"))),
	"AvailabilityZone":      these("eu-central-1b"),
	"DeviceName":            these("/dev/xvda", "/dev/sdg"),
	"Resources[]":           known("stopped"),
	"InstanceType":          these("t3.small", "t3.large"),
	"Filters[].Name":        these("sample"),
	"KeyNames[]":            these("other"),
	"Path":                  these("/", "/made/deep"),
	"SecretId":              these("made", "other"),
	"LaunchTemplateNames[]": these("made"),
	"ExcludedInstanceTypes": these("m5.large"),
	"OrganizationArn":       these("arn:aws:organizations::111111111111:organization/o-example1234"),
	"OrganizationalUnitArn": these("arn:aws:organizations::111111111111:ou/o-example1234/ou-ab12-example1"),
	"ResourceTypes[].ResourceTypeOptions[].OptionValues[]": these("stopped"),

	"BackupArn":       known("backup of plain"),
	"SourceTableArn":  these("arn:aws:dynamodb:eu-central-1:123456789012:table/made"),
	"TableName":       these("twin", "sample"),
	"TargetTableName": these("newer"),
	"RestoreDateTime": func(*world) []any { return []any{time.Now().Add(-20 * time.Minute).Truncate(time.Second)} },

	"dynamodb.UpdateItem.UpdateExpression":               these("SET sample = :x", "REMOVE text"),
	"dynamodb.Query.KeyConditionExpression":              these("pk = :p AND sk = :p"),
	"dynamodb.ListTables.ExclusiveStartTableName":        these("made"),
	"dynamodb.ListBackups.ExclusiveStartBackupArn":       known("backup of made"),
	"dynamodb.RestoreTableToPointInTime.SourceTableName": these("plain"),
	"ebs.GetSnapshotBlock.BlockIndex":                    these(1),
	"ebs.PutSnapshotBlock.ChecksumAlgorithm":             these("MD5"),
	"ebs.CompleteSnapshot.ChecksumAlgorithm":             these("MD5"),
	"ebs.CompleteSnapshot.ChecksumAggregationMethod":     these("MAX"),
	"ebs.PutSnapshotBlock.BlockData":                     these(strings.NewReader("other data")),
	"KmsKeyArn":                                          these("arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-00000000aaaa"),
	"QuotaCode":                                          these("L-1216C47A", "L-74FC7D96"),
	"ServiceCode":                                        these("ec2", "vpc"),

	"ebs.ListSnapshotBlocks.NextToken": func(w *world) []any {
		in := &ebs.ListSnapshotBlocksInput{SnapshotId: w.filled(), MaxResults: aws.Int32(100)}
		return []any{*must(w.ebs.ListSnapshotBlocks(w.t.Context(), in))(w).NextToken}
	},

	"MapRunArn":                                     known("map run", "other map run"),
	"StateMachineAliasArn":                          these(machineARN + ":test"),
	"sfn.ListMapRuns.ExecutionArn":                  known("failed"),
	"RoutingConfiguration[].StateMachineVersionArn": these(machineARN + ":2"),
	"sfn.ListMapRuns.NextToken": func(w *world) []any {
		in := &sfn.ListMapRunsInput{ExecutionArn: w.id("each"), MaxResults: 1}
		return []any{*must(w.states.ListMapRuns(w.t.Context(), in))(w).NextToken}
	},
	"sfn.ListStateMachineVersions.NextToken": func(w *world) []any {
		in := &sfn.ListStateMachineVersionsInput{StateMachineArn: aws.String(machineARN), MaxResults: 1}
		return []any{*must(w.states.ListStateMachineVersions(w.t.Context(), in))(w).NextToken}
	},
	"sfn.ListStateMachineAliases.NextToken": func(w *world) []any {
		in := &sfn.ListStateMachineAliasesInput{StateMachineArn: aws.String(machineARN), MaxResults: 1}
		return []any{*must(w.states.ListStateMachineAliases(w.t.Context(), in))(w).NextToken}
	},
	"logs.FilterLogEvents.LogGroupName":      these(workflow.LogGroup("claim")),
	"logs.FilterLogEvents.StartTime":         these(int64(32503680000000)),
	"logs.FilterLogEvents.FilterPattern":     these(`{ $.run = "one" }`),
	"QueueNamePrefix":                        these("gold", "other"),
	"AttributeNames":                         these("All"),
	"MessageAttributeNames":                  these("All"),
	"MessageSystemAttributeNames":            these("All"),
	"MaxNumberOfMessages":                    these(2),
	"VisibilityTimeout":                      these(3600),
	"lambda.DeleteFunction.Qualifier":        these("2"),
	"lambda.ListVersionsByFunction.MaxItems": these(1),
	"lambda.ListVersionsByFunction.Marker":   these("1"),
	"TaskToken":                              known("token"),
	"ExecutionArn":                           known("failed", "done", "running"),
	"StateMachineArn": these(machineARN,
		"arn:aws:states:eu-central-1:123456789012:stateMachine:none"),
	"FunctionName": these("goldsmith-notify"),

	"TargetGroupARNs[]": known("target group"),
	"TargetGroupArn":    known("other target group"),
	"elasticloadbalancing.DescribeTargetHealth.Targets[].Id": known("hooked"),
	"elasticloadbalancing.DeregisterTargets.Targets[].Id":    known("also a target"),
	"elasticloadbalancing.RegisterTargets.Targets[].Id":      known("hooked"),
	"Targets[].Port": these(8080),
	"elasticloadbalancing.DescribeTargetGroups.PageSize":    these(1),
	"elasticloadbalancing.DescribeTargetGroups.Marker":      known("other target group"),
	"LifecycleTransition":                                   these("autoscaling:EC2_INSTANCE_LAUNCHING"),
	"DefaultResult":                                         these("CONTINUE"),
	"LifecycleActionResult":                                 these("ABANDON"),
	"LifecycleHookNames[]":                                  these("wait"),
	"autoscaling.CompleteLifecycleAction.LifecycleHookName": these("wait too"),
	"autoscaling.PutLifecycleHook.HeartbeatTimeout":         these(60),

	"sfn.RedriveExecution.ExecutionArn": known("failed too"),
	"sfn.ListExecutions.NextToken": func(w *world) []any {
		in := workflowBases["sfn.ListExecutions"](w).(*sfn.ListExecutionsInput)
		in.MaxResults = 1
		return []any{*must(w.states.ListExecutions(w.t.Context(), in))(w).NextToken}
	},
	"sfn.GetExecutionHistory.NextToken": func(w *world) []any {
		in := workflowBases["sfn.GetExecutionHistory"](w).(*sfn.GetExecutionHistoryInput)
		in.MaxResults = 1
		return []any{*must(w.states.GetExecutionHistory(w.t.Context(), in))(w).NextToken}
	},
	"sfn.ListStateMachines.NextToken": func(w *world) []any {
		in := &sfn.ListStateMachinesInput{MaxResults: 1}
		return []any{*must(w.states.ListStateMachines(w.t.Context(), in))(w).NextToken}
	},
	"Output": these(`{"a":1}`),
	"ec2.DescribeImageUsageReportEntries.ImageIds[]":                                  known("shared image"),
	"ec2.CreateImageUsageReport.ResourceTypes[].ResourceType":                         these("ec2:Instance"),
	"ec2.CreateImageUsageReport.ResourceTypes[].ResourceTypeOptions[].OptionName":     these("version-depth"),
	"ec2.CreateImageUsageReport.ResourceTypes[].ResourceTypeOptions[].OptionValues[]": these("5"),
	"ec2.CreateImageUsageReport.AccountIds[]":                                         these("222222222222"),
	"sfn.StartExecution.Input":                                                        these(`{"seconds":2}`),
	"ec2.CreateKeyPair.KeyName":                                                       these("newer"),
	"ec2.ModifyInstanceAttribute.InstanceType.Value":                                  these("t3.small", "t3.large"),
	"ec2.ModifyInstanceAttribute.InstanceInitiatedShutdownBehavior.Value":             these("terminate", "stop"),
	"ec2.ModifyInstanceAttribute.Value":                                               these("true"),
	"ec2.ModifyImageAttribute.Attribute":                                              these("launchPermission", "sample"),
	"ec2.ModifyImageAttribute.UserIds[]":                                              these("111111111111"),
	"ec2.ModifyImageAttribute.UserGroups[]":                                           these("all"),
	"ec2.ModifyImageAttribute.OrganizationArns[]":                                     these("arn:aws:organizations::111111111111:organization/o-example1234"),
	"ec2.ModifyImageAttribute.OrganizationalUnitArns[]":                               these("arn:aws:organizations::111111111111:ou/o-example1234/ou-ab12-example1"),
	"ec2.DeleteKeyPair.KeyPairId":                                                     known("other key"),
	"AllowedInstanceTypes":                                                            these("m5.large"),
	"ec2.ModifySnapshotAttribute.GroupNames[]":                                        these("all"),
	"ec2.ModifySnapshotAttribute.UserIds[]":                                           these("111111111111"),
	"ec2.ImportKeyPair.KeyName":                                                       these("newer"),
	"ec2.ImportKeyPair.PublicKeyMaterial":                                             these([]byte("ssh-ed25519 BBBB")),
	"ec2.DeleteKeyPair.KeyName":                                                       these("other"),
	"ec2.DeleteSecurityGroup.GroupName":                                               these("made"),
	"ec2.CreateSnapshots.InstanceSpecification.ExcludeDataVolumeIds[]":                known("data"),
	"ec2.ModifyImageAttribute.LaunchPermission.Remove[].UserId":                       these("222222222222"),
	"ec2.ModifySnapshotAttribute.CreateVolumePermission.Remove[].UserId":              these("222222222222"),
	"ssm.ListCommandInvocations.CommandId":                                            these("00000000-0000-4000-9000-000000000001"),
	"ssm.DescribeParameters.Filters[].Values[]":                                       these("String"),
	"ssm.ListCommandInvocations.Filters[].Key":                                        these("InvokedAfter"),
	"ssm.ListCommandInvocations.Filters[].Value":                                      these("2999-01-01T00:00:00Z"),
	"ParameterFilters[].Values[]":                                                     these("String"),
}

// unseen are members whose effect nothing shows, with the reason.
var unseen = map[string]string{
	"ec2.RegisterImage.BlockDeviceMappings[].NoDevice": "there is no device that could be left out",
	"ec2.CopySnapshot.PresignedUrl":                    "needed for an encrypted snapshot, and nothing is copied by it",
	"ec2.ModifyLaunchTemplate.ClientToken":             "the same call has the same effect without one",
	"scheduler.UpdateSchedule.ClientToken":             "the same call has the same effect without one",
	"ec2.DescribeImages.IncludeDeprecated": "an owner sees deprecated images anyhow, and no other " +
		"account's is deprecated",
	"ec2.CreateImage.NoReboot": "a reboot is in no describe; what it keeps is in the image's data",
	"ec2.StopInstances.Force":  "it ends a stop that hangs, which no other does here",
}

// words are members that are refused in the service's own words whatever they say, with the reason.
var words = []struct {
	of     *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`^ebs\.PutSnapshotBlock\.BlockData$`), "the checksum beside it is of other data"},
	{regexp.MustCompile(`^elasticloadbalancing\..*AvailabilityZone$`), "a zone is not supported for instances"},
	{regexp.MustCompile(`^kms\.GetKeyPolicy\.PolicyName$`), "a key has one policy, called default"},
	{regexp.MustCompile(`^servicequotas\.GetServiceQuota\.ServiceCode$`), "the quotas here are EC2's"},
	{regexp.MustCompile(`^ec2\.RegisterImage\.BillingProducts`), "the account is not authorized to name one"},
	{regexp.MustCompile(`^ec2\..*NetworkInterfaces\[\]\.DeviceIndex$`), "an instance has one network interface here"},
	{
		regexp.MustCompile(`^autoscaling\.StartInstanceRefresh\.DesiredConfiguration\..*\.InstanceRequirements\.`),
		"a refresh can't compare types that are chosen by attributes",
	},
}

// inWords is why a member is refused in the service's own words; "" when it is not to be.
func inWords(key string) string {
	for _, each := range words {
		if each.of.MatchString(key) {
			return each.reason
		}
	}
	return ""
}
