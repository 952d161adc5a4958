package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"goldsmith/infra/workflow"
)

// RoleProps describe a role.
type RoleProps struct {
	workflow.Role
	Values workflow.Values
}

// NewRole makes a role whose permissions are exactly its statements: in one inline policy, so
// that they are there when the role is, and closed to what constructs would add by themselves.
func NewRole(scope constructs.Construct, id string, props RoleProps) awsiam.IRole {
	statements := filled(props.Values, props.Statements)
	document := awsiam.NewPolicyDocument(nil)
	for _, s := range statements {
		document.AddStatements(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings(s.Actions...), Resources: jsii.Strings(s.Resources...), Conditions: conditions(s.Condition),
		}))
	}
	trust := filled(props.Values, []workflow.Statement{{Resources: []string{"*"}, Condition: props.Trust}})[0].Condition
	role := awsiam.NewRole(scope, jsii.String(id), &awsiam.RoleProps{
		Description: jsii.String("Goldsmith: " + props.Name),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String(props.Service),
			&awsiam.ServicePrincipalOpts{Conditions: conditions(trust)}),
		InlinePolicies: &map[string]awsiam.PolicyDocument{"permissions": document},
	})
	acceptWildcards(role, statements)
	return awsiam.Role_FromRoleArn(scope, jsii.String(id+"Closed"), role.RoleArn(),
		&awsiam.FromRoleArnOptions{Mutable: jsii.Bool(false)})
}

func filled(values workflow.Values, statements []workflow.Statement) []workflow.Statement {
	policy, err := values.Policy(statements)
	if err != nil {
		panic(err)
	}
	return policy
}

// conditions is a condition as the CDK wants it; IAM writes a single value without brackets.
func conditions(c workflow.Condition) *map[string]any {
	converted := map[string]any{}
	for operator, keys := range c {
		values := map[string]any{}
		for key, list := range keys {
			values[key] = list
			if len(list) == 1 {
				values[key] = list[0]
			}
		}
		converted[operator] = values
	}
	if len(converted) == 0 {
		return nil
	}
	return &converted
}

// acceptWildcards tells cdk-nag why each resource with a wildcard stands there: the
// statements' own reasons.
func acceptWildcards(role awsiam.Role, statements []workflow.Statement) {
	reasons := map[string][]string{}
	for _, s := range statements {
		for _, resource := range s.Resources {
			if strings.Contains(resource, "*") {
				reasons[flat(role, resource)] = append(reasons[flat(role, resource)], s.Why)
			}
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(reasons)) {
		accept(role, "AwsSolutions-IAM5", strings.Join(reasons[resource], " "), "Resource::"+resource)
	}
}

// accept suppresses a finding of cdk-nag on a construct, with the reason.
func accept(construct constructs.IConstruct, rule, reason string, appliesTo ...any) {
	suppression := &cdknag.NagPackSuppression{Id: jsii.String(rule), Reason: jsii.String(reason)}
	if len(appliesTo) > 0 {
		suppression.AppliesTo = &appliesTo
	}
	cdknag.NagSuppressions_AddResourceSuppressions(construct, &[]*cdknag.NagPackSuppression{suppression}, nil)
}
