package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
	"goldsmith/shared/plan"
	"goldsmith/shared/settings"
)

// runsTopic is the name of the topic that runs are told to.
const runsTopic = workflow.Name + "-runs"

// channels fills in by what channels the plans are told.
func channels(values workflow.Values, c Config) {
	for _, each := range c.Plans.Channels() {
		values[workflow.Channels] = append(values[workflow.Channels], string(each))
	}
	values[workflow.Topic], values[workflow.TopicArn], values[workflow.EventBus] = []string{settings.Off}, nil, nil
	if slices.Contains(c.Plans.Channels(), plan.SNS) {
		arn := one(values, "arn:${Partition}:sns:${Region}:${Account}:"+runsTopic)
		values[workflow.Topic], values[workflow.TopicArn] = []string{arn}, []string{arn}
	}
	if slices.Contains(c.Plans.Channels(), plan.EventBridge) {
		values[workflow.EventBus] = []string{one(values, "arn:${Partition}:events:${Region}:${Account}:event-bus/default")}
	}
}

// NewRunTopic makes the topic that runs are told to, if a plan asks for it. Unlike the alarms' it is encrypted with the
// account's aws/sns key: its texts name instances, images and what AWS said, and nobody publishes to it but Goldsmith's
// own functions, whom that key's policy lets in through SNS.
func NewRunTopic(scope constructs.Construct, id string, c Config) {
	if !slices.Contains(c.Plans.Channels(), plan.SNS) {
		return
	}
	this := constructs.NewConstruct(scope, &id)
	topic := awssns.NewTopic(this, jsii.String("Topic"), &awssns.TopicProps{
		TopicName: jsii.String(runsTopic), DisplayName: jsii.String("Goldsmith"), EnforceSSL: jsii.Bool(true),
		MasterKey: awskms.Alias_FromAliasName(this, jsii.String("Key"), jsii.String("alias/aws/sns")),
	})
	awscdk.NewCfnOutput(this, jsii.String("Runs"), &awscdk.CfnOutputProps{
		Description: jsii.String("Subscribe to hear of runs."), Value: topic.TopicArn(),
	}).OverrideLogicalId(jsii.String("Runs"))
}

// newTopic makes the topic of the alarms. A topic's own policy replaces the one that lets
// everything in the account publish, so CloudWatch is let in by name. SNS encrypts with a
// key of its own; CloudWatch could not use the account's aws/sns key.
func newTopic(scope constructs.Construct, emails []string) awssns.Topic {
	topic := awssns.NewTopic(scope, jsii.String("Topic"), &awssns.TopicProps{
		TopicName: jsii.String(workflow.Name + "-alarms"), DisplayName: jsii.String("Goldsmith"), EnforceSSL: jsii.Bool(true),
	})
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  &[]*string{topic.TopicArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
	}))
	for _, address := range emails {
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(jsii.String(address), nil))
	}
	return topic
}
