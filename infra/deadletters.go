package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
)

// DeadLetters is the queue for what could not be delivered: events and schedules that could
// not be delivered, and events that a function could not handle. One queue is enough,
// since a message's attributes and body say where it was going.
type DeadLetters struct{ Queue awssqs.Queue }

// keepDays is SQS's most: a person may be on holiday.
const keepDays = 14

// NewDeadLetters makes the queue.
func NewDeadLetters(scope constructs.Construct, id string) DeadLetters {
	this := constructs.NewConstruct(scope, &id)
	queue := awssqs.NewQueue(this, jsii.String("Queue"), &awssqs.QueueProps{
		QueueName:       jsii.String(workflow.Name + "-dead-letters"),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(keepDays)),
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
	})
	accept(queue, "AwsSolutions-SQS3", "It is the dead letter queue; an alarm says when anything lies in it.")
	return DeadLetters{queue}
}
