// Package stack is Goldsmith on the embedded AWS: the real handlers as Lambdas,
// the deployed state machine, the deployed rules and the plans' schedules, all
// behind one endpoint. The demo, the rehearsal and the whole-workflow tests run it.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	dynamodbsdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"goldsmith/infra/workflow"
	"goldsmith/local/account"
	"goldsmith/local/asl"
	"goldsmith/local/clock"
	"goldsmith/local/cloudwatchlogs"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/query"
	"goldsmith/local/sfn"
	"goldsmith/local/slack"
	"goldsmith/local/sqs"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/settings"
)

// Options say what kind of AWS the suite meets. Clock and Plans are required.
type Options struct {
	Clock   *clock.Clock
	Plans   plan.Plans
	Seed    uint64
	Region  string
	Account string
	// VolumeKeys are the customer keys on which instances may be started. Default: the account's own.
	VolumeKeys []string
	// Endpoint is where the suite is served; empty keeps every call in this process.
	Endpoint string
	// Logs receives what the functions log, as JSON lines. Default: nowhere.
	Logs io.Writer
	// EC2 is how EC2 behaves; its clock, seed, account and wiring are filled in.
	EC2 ec2.Options
	// Events is how events are delivered, by source.
	Events map[string]eventbridge.Faults
	// Emitted sees every event that a service sends, before the bus loses any; for tests.
	Emitted func(source, detailType string, resources []string)
	// Observer sees the state machine's transitions.
	Observer asl.Observer
	// States is how Step Functions behaves where AWS's pages leave it open; the rest is filled in.
	States sfn.Options
	// History keeps the executions' histories; a large fleet does without.
	History bool
	// Sweep is how often recover looks for what dead runs left behind. Default 5 minutes.
	Sweep time.Duration
	// Ledger is where claims and results are kept. Default: a new one in memory, which no client of DynamoDB sees.
	Ledger ledger.Ledger
	// Table keeps the ledger in the embedded DynamoDB, as an account does; Ledger is nil then.
	Table bool
	// Wrap stands between the bus or the state machine and the functions; for tests.
	Wrap func(asl.Invoker) asl.Invoker
	// Definition is the state machine's. Default: the deployed one; for tests.
	Definition string
	// KeepCalls is how many calls Calls keeps; 0 for all.
	KeepCalls int
	// Guard stands between the clients and the embedded AWS, which is the suite; for tests.
	// Without an Endpoint only.
	Guard func(*Stack) http.Handler
}

// Stack is a running suite. It is an http.Handler: the embedded AWS's endpoint.
type Stack struct {
	*account.Account
	DeadLetters *sqs.Queue
	Groups      *cloudwatchlogs.Groups
	States      *sfn.Service
	Bus         *eventbridge.Bus
	Slack       *slack.Sink
	Ledger      ledger.Ledger
	// Calls are all calls of the query services, in order.
	Calls *query.Log
	// Machine is the state machine's ARN.
	Machine string

	options   Options
	functions *functions
	invoker   *published
	transport *http.Client
}

// partition is the embedded account's.
const partition = "aws"

// New starts a suite. Close stops it.
func New(o Options) (*Stack, error) {
	s := &Stack{options: withDefaults(o), Calls: &query.Log{Keep: o.KeepCalls}}
	s.Ledger = s.options.Ledger
	s.transport = query.Client(s)
	if o.Guard != nil {
		s.transport = query.Client(o.Guard(s))
	}
	if o.Endpoint != "" {
		s.transport = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	}
	s.transport.Transport = waiting{s.transport.Transport}
	s.functions = newFunctions(s.options)
	s.invoker = &published{deleted: map[string]bool{}}
	s.functions.published = s.invoker
	s.invoker.publish(o.Wrap, s.functions, o.Clock.Now())
	for _, start := range []func() error{s.startServices, s.startStates, s.startBus, s.startFunctions, s.startSchedules} {
		if err := start(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func withDefaults(o Options) Options {
	if o.Region == "" {
		o.Region = "eu-central-1"
	}
	if o.Account == "" {
		o.Account = "123456789012"
	}
	if o.Endpoint == "" {
		o.Endpoint = "http://aws.local"
	}
	if o.VolumeKeys == nil {
		o.VolumeKeys = []string{"arn:" + partition + ":kms:" + o.Region + ":" + o.Account + ":key/*"}
	}
	if o.Logs == nil {
		o.Logs = io.Discard
	}
	if o.Sweep == 0 {
		o.Sweep = 5 * time.Minute
	}
	if o.Definition == "" {
		o.Definition = workflow.Definition
	}
	if o.Ledger == nil && !o.Table {
		o.Ledger = ledger.NewMemory()
	}
	return o
}

func (s *Stack) startServices() error {
	o := s.options
	s.Account = account.New(account.Options{
		Clock: o.Clock, Seed: o.Seed, ID: o.Account, Region: o.Region, EC2: o.EC2, Log: s.Calls, Emit: s.emit,
	})
	for _, p := range o.Plans.Plans {
		if p.Verify.Profile != "" {
			s.EC2.AddInstanceProfile(p.Verify.Profile) // Of an account in which the plan could be deployed.
		}
	}
	if err := s.Parameters.Document(workflow.Command, workflow.CommandDocument); err != nil {
		return err
	}
	s.Slack = slack.New(slack.Options{Clock: o.Clock})
	s.Secrets.Put(secretName, fmt.Sprintf(`{"webhook":%q}`, slack.WebhookURL))
	if s.topic() != settings.Off {
		s.Topics.Create(topicName)
	}
	if s.bucket() != settings.Off {
		s.Buckets.Deploy(s.bucket())
	}
	s.functions.environment = s.Environment
	s.DeadLetters = sqs.New(sqs.Options{
		Clock: o.Clock, Region: o.Region, Account: o.Account, Log: s.Calls,
		Name: workflow.Name + "-dead-letters", Endpoint: o.Endpoint,
	})
	s.Serve("sqs", s.DeadLetters)
	s.Groups = cloudwatchlogs.New(cloudwatchlogs.Options{
		Clock: o.Clock, Region: o.Region, Account: o.Account, Log: s.Calls,
	})
	s.Serve("logs", s.Groups)
	s.Serve("lambda", s.functions)
	if o.Table {
		s.Tables.Deploy(workflow.Name, ledger.PartitionKey, ledger.SortKey, ledger.TTLAttribute)
		s.Ledger = ledger.NewDynamo(dynamodbsdk.NewFromConfig(s.AWS()), workflow.Name)
	}
	return nil
}

// emit is where services send events; before the bus runs there is no listener.
func (s *Stack) emit(source, detailType string, resources []string, detail any) {
	if s.options.Emitted != nil {
		s.options.Emitted(source, detailType, resources)
	}
	if s.Bus != nil {
		s.Bus.Put(source, detailType, resources, detail)
	}
}

func (s *Stack) startStates() error {
	o := s.options
	o.States.Clock, o.States.Region, o.States.Account = o.Clock, o.Region, o.Account
	o.States.Invoker, o.States.Seed = s.invoker, o.Seed
	if o.EC2.Buckets {
		o.States.TransitionsPerSecond = sfn.TransitionsPerSecond(o.Region)
	}
	o.States.Observer, o.States.Emit, o.States.History = o.Observer, s.emit, o.History
	s.States = sfn.New(o.States)
	s.Serve("states", s.States)
	var err error
	if s.Machine, err = s.States.Create(workflow.Name, []byte(o.Definition), s.substitutions(1)); err != nil {
		return err
	}
	return s.release()
}

func (s *Stack) startBus() error {
	rules, err := eventbridge.Deployed(map[string]string{"StateMachineArn": s.Machine, "Account": s.options.Account,
		"Region": s.options.Region})
	if err != nil {
		return err
	}
	o := s.options
	s.Bus, err = eventbridge.New(eventbridge.Options{
		Clock: o.Clock, Seed: o.Seed, Region: o.Region, Account: o.Account, Rules: rules, Faults: o.Events,
		Dead: s.dead, Keep: o.KeepCalls,
		Invoke: func(ctx context.Context, function string, payload []byte) error {
			if _, failed := s.invoker.Invoke(ctx, function, payload); failed != nil {
				return failed
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	s.Serve("scheduler", s.Bus)
	s.Serve("events", s.Bus.Events(s.Calls))
	return nil
}

// Invoke calls a function as a person would with `aws lambda invoke`.
func (s *Stack) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	answer, failed := s.invoker.Invoke(ctx, function, payload)
	if failed != nil {
		return nil, failed
	}
	return answer, nil
}

// Close stops schedules, events and executions.
func (s *Stack) Close() error {
	if s.Bus != nil {
		s.Bus.Close()
	}
	if s.States != nil {
		s.States.Close()
	}
	if s.Account != nil {
		s.Account.Close()
	}
	return nil
}
