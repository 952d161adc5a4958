package members

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"goldsmith/infra/workflow"
)

const letters = "http://aws.local/123456789012/goldsmith-dead-letters"

func queue() *string { return aws.String(letters) }

// letters puts two messages into the queue.
func (w *world) letters() {
	for _, body := range []string{"one", "two"} {
		w.suite.DeadLetters.Send(body, map[string]string{"ERROR_CODE": "NO_PERMISSIONS"})
	}
	w.ids["letters"] = letters
}

// topic makes two topics.
func (w *world) topic() {
	w.ids["topic"], w.ids["other topic"] = w.suite.Topics.Create("sample"), w.suite.Topics.Create("other")
}

// lookAtSent shows the events and texts that were sent.
func (w *world) lookAtSent() (any, error) {
	return []any{w.suite.Bus.Sent(), w.suite.Topics.Messages()}, nil
}

// deployments publishes a second version of the functions.
func (w *world) deployments() {
	if err := w.suite.Deploy(workflow.Definition, nil); err != nil {
		w.t.Fatal(err)
	}
	w.ids["deployed"] = "2"
}

// lookAtLetters shows what is in the queue, and which versions the functions have.
func (w *world) lookAtLetters() (any, error) {
	ctx, all := w.t.Context(), []string{}
	if w.ids["letters"] != "" {
		all = append(all, text(w.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: queue(), AttributeNames: []sqstypes.QueueAttributeName{"All"},
		})))
	}
	if w.ids["deployed"] != "" {
		for _, name := range []string{"goldsmith-watch", "goldsmith-notify"} {
			in := &lambda.ListVersionsByFunctionInput{FunctionName: &name}
			all = append(all, text(w.lambda.ListVersionsByFunction(ctx, in)))
		}
	}
	return all, nil
}

// logLines has functions log an hour apart.
func (w *world) logLines() {
	to := w.suite.Groups.Writer(workflow.LogGroup("watch"))
	for _, line := range []string{`{"run":"one"}`, `{"run":"two"}`} {
		if _, err := to.Write([]byte(line + "\n")); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Hour)
	}
}

var queueBases = map[string]func(*world) any{
	"logs.DescribeLogGroups": func(*world) any { return &cloudwatchlogs.DescribeLogGroupsInput{} },
	"logs.FilterLogEvents": func(*world) any {
		return &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(workflow.LogGroup("watch"))}
	},
	"sqs.ReceiveMessage": func(*world) any { return &sqs.ReceiveMessageInput{QueueUrl: queue()} },
	"sqs.DeleteMessage": func(w *world) any {
		out, err := w.sqs.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue()})
		in := &sqs.DeleteMessageInput{QueueUrl: queue(), ReceiptHandle: aws.String("gone")}
		if err == nil && len(out.Messages) > 0 {
			in.ReceiptHandle = out.Messages[0].ReceiptHandle
		}
		return in
	},
	"sqs.PurgeQueue":         func(*world) any { return &sqs.PurgeQueueInput{QueueUrl: queue()} },
	"sqs.GetQueueAttributes": func(*world) any { return &sqs.GetQueueAttributesInput{QueueUrl: queue()} },
	"sqs.GetQueueUrl": func(*world) any {
		return &sqs.GetQueueUrlInput{QueueName: aws.String("goldsmith-dead-letters")}
	},
	"lambda.ListVersionsByFunction": func(*world) any {
		return &lambda.ListVersionsByFunctionInput{FunctionName: aws.String("goldsmith-watch")}
	},
	"lambda.DeleteFunction": func(*world) any {
		return &lambda.DeleteFunctionInput{FunctionName: aws.String("goldsmith-watch"), Qualifier: aws.String("1")}
	},
	"ec2.GetInstanceUefiData": func(w *world) any {
		return &ec2.GetInstanceUefiDataInput{InstanceId: w.id("instance")}
	},
	"ec2.GetConsoleOutput": func(w *world) any { return &ec2.GetConsoleOutputInput{InstanceId: w.id("instance")} },
}
