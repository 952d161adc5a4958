package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
)

// MachineProps describe the state machine.
type MachineProps struct {
	// Functions are its tasks' by name.
	Functions map[string]Function
	Values    workflow.Values
}

// Machine is the deployed state machine.
type Machine struct {
	StateMachine awsstepfunctions.StateMachine
	// AliasArn is what runs are started through.
	AliasArn string
}

// NewMachine makes the state machine of the embedded definition, a version of it for each
// change, and the alias that leads to the newest. The definition names the functions' versions of the same
// deployment, so that a run goes on with the definition, the code and the error names that it began with,
// whatever is deployed meanwhile.
func NewMachine(scope constructs.Construct, id string, props MachineProps) Machine {
	this := constructs.NewConstruct(scope, &id)
	machine := awsstepfunctions.NewStateMachine(this, jsii.String("StateMachine"), &awsstepfunctions.StateMachineProps{
		StateMachineName: jsii.String(workflow.Name),
		DefinitionBody:   awsstepfunctions.DefinitionBody_FromString(jsii.String(workflow.Definition)),
		DefinitionSubstitutions: texts(workflow.Substitutions(one(props.Values, "${Partition}"),
			func(function string) string {
				return *props.Functions[function].Version.FunctionArn()
			})),
		Role: NewRole(this, "Role", RoleProps{Role: workflow.StateMachineRole, Values: props.Values}),
		Logs: &awsstepfunctions.LogOptions{
			// A name under /aws/vendedlogs/ keeps CloudWatch's resource policy from growing over its limit.
			Destination: newLogGroup(this, "Logs", "/aws/vendedlogs/states/"+workflow.Name),
			Level:       awsstepfunctions.LogLevel_ALL,
			// The history keeps the data as long as the log is kept; task tokens need no second place.
			IncludeExecutionData: jsii.Bool(false),
		},
		TracingEnabled: jsii.Bool(true),
	})
	linted(machine)
	version := awsstepfunctions.NewCfnStateMachineVersion(this, jsii.String("Version"),
		&awsstepfunctions.CfnStateMachineVersionProps{
			StateMachineArn: machine.StateMachineArn(),
			// A new revision is a new version; the old one stays for those runs and for going back.
			StateMachineRevisionId: machine.StateMachineRevisionId(),
		})
	version.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	alias := awsstepfunctions.NewCfnStateMachineAlias(this, jsii.String("Alias"),
		&awsstepfunctions.CfnStateMachineAliasProps{
			Name: jsii.String(workflow.Alias),
			RoutingConfiguration: &[]*awsstepfunctions.CfnStateMachineAlias_RoutingConfigurationVersionProperty{
				{StateMachineVersionArn: version.Ref(), Weight: jsii.Number(100)},
			},
		})
	return Machine{StateMachine: machine, AliasArn: *alias.Ref()}
}

// linted tells cfn-lint to leave the definition alone: it takes ${Partition} in the ARN of
// Lambda's task token integration for a slip. The tests check the definition filled in.
func linted(machine awsstepfunctions.StateMachine) {
	machine.Node().DefaultChild().(awsstepfunctions.CfnStateMachine).AddMetadata(jsii.String("cfn-lint"),
		map[string]any{"config": map[string]any{"ignore_checks": jsii.Strings("E3601")}})
}
