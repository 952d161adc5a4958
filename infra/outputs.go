package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
	"goldsmith/shared/tag"
)

// OutputsProps are what the outputs tell of.
type OutputsProps struct {
	Machine     Machine
	Table       Ledger
	Dashboard   Dashboard
	DeadLetters DeadLetters
	TopicArn    string
	// Default is the default plan.
	Default string
}

// NewOutputs tells the deployer where to look and what to try first.
func NewOutputs(scope constructs.Construct, id string, props OutputsProps) {
	this := constructs.NewConstruct(scope, &id)
	region := *awscdk.Aws_REGION()
	output := func(name, about, value string) {
		made := awscdk.NewCfnOutput(this, jsii.String(name),
			&awscdk.CfnOutputProps{Description: jsii.String(about), Value: jsii.String(value)})
		made.OverrideLogicalId(jsii.String(name))
	}
	output("StateMachine", "Every run is an execution of it.", *props.Machine.StateMachine.StateMachineArn())
	output("Dashboard", "What to look at in the morning.", fmt.Sprintf(
		"https://%s.console.%s/cloudwatch/home?region=%[1]s#dashboards/dashboard/%s", region, consoleHost,
		props.Dashboard.Name))
	output("EnrolInstance", "Enrols an instance in a plan.", fmt.Sprintf(
		"aws ec2 create-tags --region %s --resources INSTANCE_ID --tags Key=%s,Value=PLAN", region, tag.Plan))
	output("RequestImage", "Asks for an image of an instance now, with the default plan.", fmt.Sprintf(
		"aws ec2 create-tags --region %s --resources INSTANCE_ID --tags Key=%s,Value=%s", region, tag.Request,
		tag.RequestDefault))
	output("RunPlan", "Runs a plan now.", fmt.Sprintf(
		`echo '{"goldsmith":"run","version":"1","plan":"%s"}' | aws lambda invoke --region %s --function-name %s-trigger --payload fileb:///dev/stdin /dev/stdout`,
		props.Default, region, workflow.Name))
	output("Ledger", "Claims and results; it outlives the stack.", *props.Table.Table.TableName())
	output("DeadLetters", "What could not be delivered or handled.", *props.DeadLetters.Queue.QueueUrl())
	output("Alarms", "Subscribe to hear of alarms.", props.TopicArn)
}

// consoleHost is the console's in the aws partition; in others the link's host differs.
const consoleHost = "aws.amazon.com"
