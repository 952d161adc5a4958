package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
)

// FunctionProps describe one of the suite's functions.
type FunctionProps struct {
	workflow.Function
	Values      workflow.Values
	Code        Code
	DeadLetters DeadLetters
	// Reserve is whether it gets the reserved concurrency it asks for.
	Reserve bool
}

// Function is a deployed function.
type Function struct {
	Lambda awslambda.Function
	// Version is what this deployment publishes of a task; nil for the others, which events invoke.
	Version awslambda.Version
}

const (
	// logRetention is as long as Step Functions keeps an execution's history.
	logRetention = awslogs.RetentionDays_THREE_MONTHS
	// retries is Lambda's own number for asynchronous invocations, its most.
	retries = 2
)

// NewFunction makes a function with its log group and its role. It lies in no VPC: it
// calls nothing but AWS's APIs and Slack.
func NewFunction(scope constructs.Construct, id string, props FunctionProps) Function {
	this := constructs.NewConstruct(scope, &id)
	environment, err := props.Values.Environment(props.Function)
	if err != nil {
		panic(err)
	}
	lambda := &awslambda.FunctionProps{
		FunctionName: jsii.String(props.Deployed()),
		Description:  jsii.String(props.Does),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: awslambda.Architecture_ARM_64(),
		Handler:      jsii.String("bootstrap"),
		Code:         props.Code(props.Function),
		Timeout:      lasting(props.Timeout),
		MemorySize:   jsii.Number(props.Memory),
		Environment:  texts(environment),
		Role: NewRole(this, "Role", RoleProps{Values: props.Values, Role: workflow.Role{
			Name: "function " + props.Name, Service: "lambda.amazonaws.com", Statements: props.Statements,
		}}),
		LogGroup: newLogGroup(this, "Logs", workflow.LogGroup(props.Name)),
		Tracing:  awslambda.Tracing_ACTIVE,
	}
	if props.Reserve && props.Reserved > 0 {
		lambda.ReservedConcurrentExecutions = jsii.Number(props.Reserved)
	}
	if !props.Task {
		lambda.MaxEventAge = lasting(props.MaxAge)
		lambda.RetryAttempts = jsii.Number(retries)
		lambda.OnFailure = awslambdadestinations.NewSqsDestination(props.DeadLetters.Queue)
	}
	if props.Task {
		lambda.CurrentVersionOptions = versions()
	}
	made := Function{Lambda: awslambda.NewFunction(this, jsii.String("Function"), lambda)}
	if props.Task {
		made.Version = made.Lambda.CurrentVersion()
	}
	return made
}

// versions keeps what earlier deployments published, for the runs that began with it; Lambda deletes all of
// them with the function. A version that a rolled back deployment published goes again: Lambda publishes none
// that equals the last one, so that trying the same deployment anew would fail
// (docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html; CloudFormation, DeletionPolicy RetainExceptOnCreate).
func versions() *awslambda.VersionOptions {
	return &awslambda.VersionOptions{RemovalPolicy: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE}
}

// newLogGroup makes a log group that goes with the stack: its name is fixed, and one
// left behind would keep the suite from being installed again.
func newLogGroup(scope constructs.Construct, id, name string) awslogs.LogGroup {
	return awslogs.NewLogGroup(scope, jsii.String(id), &awslogs.LogGroupProps{
		LogGroupName: jsii.String(name), Retention: logRetention, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}

// title is a name as construct ids are written.
func title(name string) string {
	var words strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		words.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return words.String()
}
