package members

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	balancers "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// looks show everything.
var looks = []func(*world) (any, error){
	func(w *world) (any, error) { return w.ec2.DescribeInstances(w.t.Context(), nil) },
	func(w *world) (any, error) {
		return w.ec2.DescribeImages(w.t.Context(), &ec2.DescribeImagesInput{
			Owners: []string{"self"}, IncludeDisabled: aws.Bool(true),
		})
	},
	func(w *world) (any, error) { return w.ec2.DescribeSnapshots(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeVolumes(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeSpotInstanceRequests(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeLaunchTemplates(w.t.Context(), nil) },
	func(w *world) (any, error) {
		return w.ec2.DescribeLaunchTemplateVersions(w.t.Context(), &ec2.DescribeLaunchTemplateVersionsInput{
			Versions: []string{"$Latest", "$Default"},
		})
	},
	func(w *world) (any, error) { return w.ec2.DescribeImageUsageReports(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeTags(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeKeyPairs(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeSecurityGroups(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeFleets(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeSpotFleetRequests(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeLockedSnapshots(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeFastSnapshotRestores(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.ec2.DescribeSnapshotTierStatus(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.scaling.DescribeAutoScalingGroups(w.t.Context(), nil) },
	func(w *world) (any, error) {
		return w.scaling.DescribeLifecycleHooks(w.t.Context(), &autoscaling.DescribeLifecycleHooksInput{
			AutoScalingGroupName: aws.String("made"),
		})
	},
	func(w *world) (any, error) {
		return w.balancing.DescribeTargetHealth(w.t.Context(), &balancers.DescribeTargetHealthInput{
			TargetGroupArn: w.id("target group"),
		})
	},
	func(w *world) (any, error) {
		return w.balancing.DescribeTargetHealth(w.t.Context(), &balancers.DescribeTargetHealthInput{
			TargetGroupArn: w.id("other target group"),
		})
	},
	func(w *world) (any, error) { return w.scaling.DescribeScalingActivities(w.t.Context(), nil) },
	func(w *world) (any, error) { return w.scaling.DescribeLaunchConfigurations(w.t.Context(), nil) },
	func(w *world) (any, error) {
		return w.scaling.DescribeInstanceRefreshes(w.t.Context(), &autoscaling.DescribeInstanceRefreshesInput{
			AutoScalingGroupName: aws.String("made"),
		})
	},
	func(w *world) (any, error) {
		return w.ssm.GetParametersByPath(w.t.Context(), &ssm.GetParametersByPathInput{
			Path: aws.String("/"), Recursive: aws.Bool(true),
		})
	},
	func(w *world) (any, error) { return w.ssm.DescribeParameters(w.t.Context(), nil) },
	func(w *world) (any, error) {
		return w.scheduler.GetSchedule(w.t.Context(), &scheduler.GetScheduleInput{
			GroupName: aws.String("goldsmith"), Name: aws.String("goldsmith-sweep"),
		})
	},
	func(w *world) (any, error) {
		return w.ssm.GetParameterHistory(w.t.Context(), &ssm.GetParameterHistoryInput{
			Name: aws.String("/made/sample"),
		})
	},
	func(w *world) (any, error) {
		return w.ssm.ListCommandInvocations(w.t.Context(), &ssm.ListCommandInvocationsInput{Details: true})
	},
	func(w *world) (any, error) {
		return w.secrets.GetSecretValue(w.t.Context(), &secretsmanager.GetSecretValueInput{
			SecretId: aws.String("new"),
		})
	},
	func(w *world) (any, error) {
		return w.secrets.GetSecretValue(w.t.Context(), &secretsmanager.GetSecretValueInput{
			SecretId: aws.String("made"),
		})
	},
	func(w *world) (any, error) {
		return w.secrets.DescribeSecret(w.t.Context(), &secretsmanager.DescribeSecretInput{
			SecretId: aws.String("new"),
		})
	},
	func(w *world) (any, error) {
		return w.states.ListExecutions(w.t.Context(), &sfn.ListExecutionsInput{StateMachineArn: aws.String(machineARN)})
	},
	func(w *world) (any, error) {
		return w.states.DescribeExecution(w.t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: w.id("running")})
	},
	func(w *world) (any, error) {
		return w.states.DescribeExecution(w.t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: w.id("asking")})
	},
	(*world).attributes,
	(*world).lookAtAliases,
	(*world).lookAtLetters,
	(*world).lookAtSent,
	(*world).lookAtTables,
	(*world).lookAtBlocks,
	func(w *world) (any, error) {
		return w.secrets.DescribeSecret(w.t.Context(), &secretsmanager.DescribeSecretInput{
			SecretId: aws.String("made"),
		})
	},
}

// lookAtAliases shows what is published of the sample's state machine.
func (w *world) lookAtAliases() (any, error) {
	machine, ctx := aws.String(machineARN), w.t.Context()
	all := []string{text(w.states.ListStateMachineVersions(ctx,
		&sfn.ListStateMachineVersionsInput{StateMachineArn: machine}))}
	for _, version := range []string{":1", ":2", ":3"} {
		all = append(all, text(w.states.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{
			StateMachineArn: aws.String(machineARN + version),
		})))
	}
	for _, name := range []string{"live", "test", "new", "sample"} {
		all = append(all, text(w.states.DescribeStateMachineAlias(ctx, &sfn.DescribeStateMachineAliasInput{
			StateMachineAliasArn: aws.String(machineARN + ":" + name),
		})))
	}
	return all, nil
}

// hidden are the attributes that no describe of instances shows.
var hidden = []types.InstanceAttributeName{
	"disableApiStop", "disableApiTermination", "userData", "instanceInitiatedShutdownBehavior",
}

// attributes are what only DescribeInstanceAttribute shows of every instance.
func (w *world) attributes() (any, error) {
	var all []any
	out, err := w.ec2.DescribeInstances(w.t.Context(), nil)
	if err != nil {
		return nil, err
	}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			for _, name := range hidden {
				one, err := w.ec2.DescribeInstanceAttribute(w.t.Context(), &ec2.DescribeInstanceAttributeInput{
					InstanceId: i.InstanceId, Attribute: name,
				})
				all = append(all, text(one, err))
			}
		}
	}
	for _, id := range []string{w.ids["snapshot"], w.ids["locked"], w.ids["archived"]} {
		one, err := w.ec2.DescribeSnapshotAttribute(w.t.Context(), &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: &id, Attribute: "createVolumePermission",
		})
		all = append(all, text(one, err))
	}
	return all, nil
}
