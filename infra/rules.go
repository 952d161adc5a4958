package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/events"
)

// RulesProps describe the rules of the default event bus.
type RulesProps struct {
	Functions   map[string]Function
	DeadLetters DeadLetters
	// Values fill the placeholders of the patterns.
	Values map[string]string
}

// Delivery to a function that takes no more calls is tried again for as long as an
// event is worth it; what a function makes of it is Lambda's and the function's matter.
const (
	deliveryAge      = 6 * time.Hour
	deliveryAttempts = 185
)

// NewRules makes a rule for each pattern of package events, with the function it names as target.
func NewRules(scope constructs.Construct, id string, props RulesProps) {
	this := constructs.NewConstruct(scope, &id)
	var arns []*string
	for _, rule := range events.Rules {
		arns = append(arns, newRule(this, rule, props).AttrArn())
	}
	props.DeadLetters.Queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{props.DeadLetters.Queue.QueueArn()},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": arns}},
	}))
}

func newRule(scope constructs.Construct, rule events.Rule, props RulesProps) awsevents.CfnRule {
	function := props.Functions[rule.Function].Lambda
	made := awsevents.NewCfnRule(scope, jsii.String(title(rule.Name)), &awsevents.CfnRuleProps{
		Name:         jsii.String("goldsmith-" + rule.Name),
		Description:  jsii.String(rule.From),
		EventPattern: document(rule.Pattern(props.Values)),
		State:        jsii.String("ENABLED"),
		Targets: &[]*awsevents.CfnRule_TargetProperty{{
			Id:               jsii.String(rule.Function),
			Arn:              function.FunctionArn(),
			DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: props.DeadLetters.Queue.QueueArn()},
			RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{
				MaximumEventAgeInSeconds: jsii.Number(deliveryAge.Seconds()), MaximumRetryAttempts: jsii.Number(deliveryAttempts),
			},
		}},
	})
	function.AddPermission(jsii.String("Rule"+title(rule.Name)), &awslambda.Permission{
		Principal: awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil),
		SourceArn: made.AttrArn(),
	})
	return made
}
