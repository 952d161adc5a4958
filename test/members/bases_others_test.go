package members

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	balancers "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	targets "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	local "goldsmith/local/ec2"
)

var scalingBases = map[string]func(*world) any{
	"autoscaling.CreateAutoScalingGroup": func(w *world) any {
		return &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("new"), MinSize: aws.Int32(0), MaxSize: aws.Int32(9), AvailabilityZones: []string{
				"eu-central-1a",
			},
			LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{
				LaunchTemplateId: w.id("template"), Version: aws.String("1"),
			},
		}
	},
	"autoscaling.CreateAutoScalingGroup.MixedInstancesPolicy": func(*world) any {
		return &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("new"), MinSize: aws.Int32(0), MaxSize: aws.Int32(9), AvailabilityZones: []string{
				"eu-central-1a",
			},
		}
	},
	"autoscaling.UpdateAutoScalingGroup": func(*world) any {
		return &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("made")}
	},
	"autoscaling.DeleteAutoScalingGroup": func(*world) any {
		return &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: aws.String("empty")}
	},
	"autoscaling.DeleteAutoScalingGroup.ForceDelete": func(*world) any {
		return &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: aws.String("made")}
	},
	"autoscaling.CreateLaunchConfiguration": func(*world) any {
		return &autoscaling.CreateLaunchConfigurationInput{
			LaunchConfigurationName: aws.String("new"),
			ImageId:                 aws.String(local.ImageX86), InstanceType: aws.String("t3.micro"),
		}
	},
	"autoscaling.DeleteLaunchConfiguration": func(*world) any {
		return &autoscaling.DeleteLaunchConfigurationInput{LaunchConfigurationName: aws.String("made")}
	},
	"autoscaling.EnterStandby": func(w *world) any {
		return &autoscaling.EnterStandbyInput{
			AutoScalingGroupName: aws.String("made"), InstanceIds: []string{
				w.ids["member"],
			}, ShouldDecrementDesiredCapacity: aws.Bool(true),
		}
	},
	"autoscaling.ExitStandby": func(w *world) any {
		return &autoscaling.ExitStandbyInput{
			AutoScalingGroupName: aws.String("made"), InstanceIds: []string{w.ids["standby"]},
		}
	},
	"autoscaling.PutWarmPool": func(*world) any {
		return &autoscaling.PutWarmPoolInput{AutoScalingGroupName: aws.String("made")}
	},
	"autoscaling.DescribeWarmPool": func(*world) any {
		return &autoscaling.DescribeWarmPoolInput{AutoScalingGroupName: aws.String("suspended")}
	},
	"autoscaling.DeleteWarmPool": func(*world) any {
		return &autoscaling.DeleteWarmPoolInput{
			AutoScalingGroupName: aws.String("suspended"), ForceDelete: aws.Bool(true),
		}
	},
	"autoscaling.DeleteWarmPool.ForceDelete": func(*world) any {
		return &autoscaling.DeleteWarmPoolInput{AutoScalingGroupName: aws.String("suspended")}
	},
	"autoscaling.SetDesiredCapacity": func(*world) any {
		return &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: aws.String("made"), DesiredCapacity: aws.Int32(2)}
	},
	"autoscaling.SetInstanceProtection": func(w *world) any {
		return &autoscaling.SetInstanceProtectionInput{
			AutoScalingGroupName: aws.String("made"), InstanceIds: []string{
				w.ids["member"],
			}, ProtectedFromScaleIn: aws.Bool(true),
		}
	},
	"autoscaling.PutLifecycleHook": func(*world) any {
		return &autoscaling.PutLifecycleHookInput{
			AutoScalingGroupName: aws.String("made"), LifecycleHookName: aws.String("new"),
			LifecycleTransition: aws.String("autoscaling:EC2_INSTANCE_TERMINATING"),
		}
	},
	"autoscaling.DescribeLifecycleHooks": func(*world) any {
		return &autoscaling.DescribeLifecycleHooksInput{AutoScalingGroupName: aws.String("hooked")}
	},
	"autoscaling.CompleteLifecycleAction": func(w *world) any {
		return &autoscaling.CompleteLifecycleActionInput{
			AutoScalingGroupName: aws.String("hooked"), LifecycleHookName: aws.String("wait"), InstanceId: w.id("hooked"),
			LifecycleActionResult: aws.String("CONTINUE"),
		}
	},
	"elasticloadbalancing.DescribeTargetHealth": func(w *world) any {
		return &balancers.DescribeTargetHealthInput{TargetGroupArn: w.id("target group"),
			Targets: []targets.TargetDescription{{Id: w.id("target")}}}
	},
	"elasticloadbalancing.DescribeTargetGroups": func(*world) any { return &balancers.DescribeTargetGroupsInput{} },
	"elasticloadbalancing.DescribeTargetGroupAttributes": func(w *world) any {
		return &balancers.DescribeTargetGroupAttributesInput{TargetGroupArn: w.id("target group")}
	},
	"elasticloadbalancing.RegisterTargets": func(w *world) any {
		return &balancers.RegisterTargetsInput{TargetGroupArn: w.id("target group"),
			Targets: []targets.TargetDescription{{Id: w.id("instance")}}}
	},
	"elasticloadbalancing.DeregisterTargets": func(w *world) any {
		return &balancers.DeregisterTargetsInput{TargetGroupArn: w.id("target group"),
			Targets: []targets.TargetDescription{{Id: w.id("target")}}}
	},
	"autoscaling.SuspendProcesses": func(*world) any {
		return &autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String("made")}
	},
	"autoscaling.ResumeProcesses": func(*world) any {
		return &autoscaling.ResumeProcessesInput{AutoScalingGroupName: aws.String("suspended")}
	},
	"autoscaling.StartInstanceRefresh": func(*world) any {
		return &autoscaling.StartInstanceRefreshInput{AutoScalingGroupName: aws.String("made")}
	},
	"autoscaling.DescribeInstanceRefreshes": func(*world) any {
		return &autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String("refreshing")}
	},
	"autoscaling.CancelInstanceRefresh": func(*world) any {
		return &autoscaling.CancelInstanceRefreshInput{AutoScalingGroupName: aws.String("refreshing")}
	},
	"autoscaling.RollbackInstanceRefresh": func(*world) any {
		return &autoscaling.RollbackInstanceRefreshInput{AutoScalingGroupName: aws.String("refreshing")}
	},
}

var storeBases = map[string]func(*world) any{
	"ssm.GetParameter": func(*world) any {
		return &ssm.GetParameterInput{Name: aws.String("/made/sample")}
	},
	"ssm.GetParameter.WithDecryption": func(*world) any {
		return &ssm.GetParameterInput{Name: aws.String("/made/secure")}
	},
	"ssm.GetParameters.WithDecryption": func(*world) any {
		return &ssm.GetParametersInput{Names: []string{"/made/secure"}}
	},
	"ssm.GetParameterHistory.WithDecryption": func(*world) any {
		return &ssm.GetParameterHistoryInput{Name: aws.String("/made/secure")}
	},
	"ssm.GetParameters": func(*world) any {
		return &ssm.GetParametersInput{Names: []string{"/made/sample"}}
	},
	"ssm.GetParametersByPath": func(*world) any {
		return &ssm.GetParametersByPathInput{Path: aws.String("/made")}
	},
	"ssm.PutParameter": func(*world) any {
		return &ssm.PutParameterInput{
			Name: aws.String("/new"), Value: aws.String("1"), Type: ssmtypes.ParameterTypeString,
		}
	},
	"ssm.DeleteParameter": func(*world) any {
		return &ssm.DeleteParameterInput{Name: aws.String("/made/sample")}
	},
	"ssm.GetParameterHistory": func(*world) any {
		return &ssm.GetParameterHistoryInput{Name: aws.String("/made/sample")}
	},
	"ssm.LabelParameterVersion": func(*world) any {
		return &ssm.LabelParameterVersionInput{Name: aws.String("/made/sample"), Labels: []string{"new"}}
	},
	"ssm.UnlabelParameterVersion": func(*world) any {
		return &ssm.UnlabelParameterVersionInput{
			Name: aws.String("/made/sample"), ParameterVersion: aws.Int64(1), Labels: []string{"old"},
		}
	},
	"ssm.DescribeInstanceInformation": func(w *world) any {
		return &ssm.DescribeInstanceInformationInput{Filters: []ssmtypes.InstanceInformationStringFilter{
			{Key: aws.String("InstanceIds"), Values: []string{w.ids["instance"]}},
		}}
	},
	"ssm.SendCommand": func(w *world) any {
		return &ssm.SendCommandInput{
			DocumentName: aws.String("AWS-RunShellScript"), InstanceIds: []string{
				w.ids["instance"],
			}, Parameters: map[string][]string{"commands": {"true"}},
		}
	},
	"kms.DescribeKey": func(w *world) any {
		return &kms.DescribeKeyInput{KeyId: aws.String(w.suite.EC2.DefaultKey())}
	},
	"kms.GetKeyPolicy": func(w *world) any {
		return &kms.GetKeyPolicyInput{KeyId: aws.String(w.suite.EC2.DefaultKey())}
	},
	"kms.ListGrants": func(w *world) any {
		return &kms.ListGrantsInput{KeyId: aws.String(w.suite.EC2.DefaultKey())}
	},
	"eventbridge.PutEvents": func(*world) any {
		return &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{{
			Source: aws.String("sample"), DetailType: aws.String("Sample"), Detail: aws.String(`{"a":1}`),
		}}}
	},
	"sns.Publish": func(w *world) any {
		return &sns.PublishInput{TopicArn: w.id("topic"), Message: aws.String("told")}
	},
	"servicequotas.GetServiceQuota": func(*world) any {
		return &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("ec2"), QuotaCode: aws.String("L-1216C47A")}
	},
	"secretsmanager.GetSecretValue": func(*world) any {
		return &secretsmanager.GetSecretValueInput{SecretId: aws.String("made")}
	},
	"secretsmanager.DescribeSecret": func(*world) any {
		return &secretsmanager.DescribeSecretInput{SecretId: aws.String("made")}
	},
	"secretsmanager.CreateSecret": func(*world) any {
		return &secretsmanager.CreateSecretInput{Name: aws.String("new"), SecretString: aws.String("1")}
	},
	"secretsmanager.UpdateSecretVersionStage": func(w *world) any {
		return &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: aws.String("made"), VersionStage: aws.String("new"), MoveToVersionId: w.id("secret version"),
		}
	},
	"secretsmanager.UpdateSecretVersionStage.SecretId": func(w *world) any {
		return &secretsmanager.UpdateSecretVersionStageInput{
			VersionStage: aws.String("new"), MoveToVersionId: w.id("secret version"),
		}
	},
	"secretsmanager.CreateSecret.SecretBinary": func(*world) any {
		return &secretsmanager.CreateSecretInput{Name: aws.String("new")}
	},
	"secretsmanager.PutSecretValue.SecretBinary": func(*world) any {
		return &secretsmanager.PutSecretValueInput{SecretId: aws.String("made")}
	},
	"secretsmanager.PutSecretValue": func(*world) any {
		return &secretsmanager.PutSecretValueInput{SecretId: aws.String("made"), SecretString: aws.String("2")}
	},
}
