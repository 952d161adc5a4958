// Package sqs is the embedded SQS with one standard queue: that of the dead letters.
package sqs

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"goldsmith/local/awsjson"
	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// Options set a Queue up; all are required but Log.
type Options struct {
	Clock           *clock.Clock
	Region, Account string
	// Name is the queue's. Endpoint is where it is served, the beginning of its URL.
	Name, Endpoint string
	Log            *query.Log
}

// Queue is the dead-letter queue. It is safe for concurrent use.
type Queue struct {
	options Options
	service *awsjson.Service

	mu       sync.Mutex
	made     time.Time
	sent     int
	messages []*message
	purged   time.Time
}

// message is one that was sent and not deleted.
type message struct {
	id, body   string
	attributes map[string]string
	sent       time.Time
	hidden     time.Time // until when no other receiver gets it
	received   int
	first      time.Time
}

// What SQS does with messages (developer guide, "Amazon SQS message quotas" and "visibility timeout").
const (
	hides     = 30 * time.Second
	mostHides = 12 * time.Hour
	kept      = 14 * 24 * time.Hour
	mostAsked = 10
	purgeRest = 60 * time.Second
)

// New is an empty queue.
func New(o Options) *Queue {
	q := &Queue{options: o, made: o.Clock.Now()}
	q.service = &awsjson.Service{Name: "sqs", Target: "AmazonSQS", Clock: o.Clock, Log: o.Log,
		Operations: map[string]awsjson.Operation{
			"ListQueues":         op(q, q.listQueues),
			"GetQueueUrl":        op(q, q.getQueueURL),
			"GetQueueAttributes": op(q, q.getAttributes),
			"ReceiveMessage":     op(q, q.receive),
			"DeleteMessage":      op(q, q.deleteMessage),
			"PurgeQueue":         op(q, q.purge),
		}}
	return q
}

func op[In, Out any](q *Queue, do func(In) (Out, error)) awsjson.Operation {
	return awsjson.Op(func(in In) (Out, error) {
		q.mu.Lock()
		defer q.mu.Unlock()
		now := q.options.Clock.Now()
		q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return now.Sub(m.sent) > kept })
		return do(in)
	}, func(In) []string { return nil })
}

// ServeHTTP answers one call.
func (q *Queue) ServeHTTP(w http.ResponseWriter, r *http.Request) { q.service.ServeHTTP(w, r) }

// Send puts a message into the queue.
func (q *Queue) Send(body string, attributes map[string]string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent++
	q.messages = append(q.messages, &message{
		id: fmt.Sprintf("00000000-0000-4000-8000-%012x", q.sent), body: body, attributes: attributes,
		sent: q.options.Clock.Now(),
	})
}

func (q *Queue) url() string {
	return strings.Join([]string{q.options.Endpoint, q.options.Account, q.options.Name}, "/")
}

// ARN is the ARN of the queue.
func (q *Queue) ARN() string {
	return fmt.Sprintf("arn:aws:sqs:%s:%s:%s", q.options.Region, q.options.Account, q.options.Name)
}

func (q *Queue) find(url string) error {
	switch url {
	case "":
		return awsjson.Required("queueUrl")
	case q.url():
		return nil
	}
	return awsjson.Errorf("AWS.SimpleQueueService.NonExistentQueue", "The specified queue %s does not exist.", url)
}

type listInput struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       string
}

type listOutput struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

func (q *Queue) listQueues(in listInput) (listOutput, error) {
	switch {
	case in.NextToken != "":
		return listOutput{}, awsjson.Errorf("InvalidParameterValue", "Invalid NextToken value.")
	case in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > 1000):
		return listOutput{}, awsjson.Errorf("InvalidParameterValue", "Value %d for parameter MaxResults is invalid. "+
			"Reason: Must be between 1 and 1000.", *in.MaxResults)
	case !strings.HasPrefix(q.options.Name, in.QueueNamePrefix):
		return listOutput{}, nil
	}
	return listOutput{QueueUrls: []string{q.url()}}, nil
}

type nameInput struct{ QueueName, QueueOwnerAWSAccountID string }

type urlOutput struct {
	QueueURL string `json:"QueueUrl"`
}

func (q *Queue) getQueueURL(in nameInput) (urlOutput, error) {
	if owner := in.QueueOwnerAWSAccountID; in.QueueName != q.options.Name || owner != "" && owner != q.options.Account {
		return urlOutput{}, awsjson.Errorf("AWS.SimpleQueueService.NonExistentQueue",
			"The specified queue %s of %s does not exist.", in.QueueName, owner)
	}
	return urlOutput{q.url()}, nil
}

type attributesInput struct {
	QueueURL       string `json:"QueueUrl"`
	AttributeNames []string
}

type attributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

func (q *Queue) getAttributes(in attributesInput) (attributesOutput, error) {
	if err := q.find(in.QueueURL); err != nil {
		return attributesOutput{}, err
	}
	hidden := 0
	for _, m := range q.messages {
		if q.options.Clock.Now().Before(m.hidden) {
			hidden++
		}
	}
	all := map[string]string{
		"QueueArn":                              q.ARN(),
		"ApproximateNumberOfMessages":           strconv.Itoa(len(q.messages) - hidden),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"CreatedTimestamp":                      strconv.FormatInt(q.made.Unix(), 10),
		"MessageRetentionPeriod":                strconv.Itoa(int(kept.Seconds())),
		"VisibilityTimeout":                     strconv.Itoa(int(hides.Seconds())),
	}
	shown, err := chosen(all, in.AttributeNames)
	return attributesOutput{shown}, err
}

// chosen are the attributes that a call asks for: none without a name, all with All.
func chosen(all map[string]string, names []string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range names {
		if name == "All" {
			return all, nil
		}
		v, ok := all[name]
		if !ok {
			return nil, awsjson.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
		out[name] = v
	}
	return out, nil
}

type purgeInput struct {
	QueueURL string `json:"QueueUrl"`
}

func (q *Queue) purge(in purgeInput) (struct{}, error) {
	if err := q.find(in.QueueURL); err != nil {
		return struct{}{}, err
	}
	now := q.options.Clock.Now()
	if !q.purged.IsZero() && now.Sub(q.purged) < purgeRest {
		return struct{}{}, awsjson.Errorf("AWS.SimpleQueueService.PurgeQueueInProgress",
			"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.options.Name)
	}
	q.messages, q.purged = nil, now
	return struct{}{}, nil
}
