// Package steptest sets the scene for one function: an account of its own on fake
// time with one instance in it, a ledger, and a transcript of all that the
// function does to either. The functions' tests play their cases on it.
package steptest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	direct "github.com/aws/aws-sdk-go-v2/service/ebs"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	kmssdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	quotas "github.com/aws/aws-sdk-go-v2/service/servicequotas"
	sfnsdk "github.com/aws/aws-sdk-go-v2/service/sfn"
	ssmsdk "github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/events"
	"goldsmith/infra/workflow"
	"goldsmith/local/account"
	"goldsmith/local/autoscaling"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/elb"
	"goldsmith/local/eventbridge"
	"goldsmith/local/query"
	locals3 "goldsmith/local/s3"
	"goldsmith/local/sfn"
	localslack "goldsmith/local/slack"
	"goldsmith/local/ssm"
	"goldsmith/shared/awsclient"
	"goldsmith/shared/bucket"
	"goldsmith/shared/event"
	"goldsmith/shared/notify"
	"goldsmith/shared/plan"
	"goldsmith/shared/slack"
	"goldsmith/shared/tag"
)

// The account the samples of package events are from.
const (
	Region  = "eu-central-1"
	Account = "123456789012"
	// Machine is the ARN of the state machine that runs are executions of.
	Machine = "arn:aws:states:" + Region + ":" + Account + ":stateMachine:goldsmith"
)

// Home is where the scene is.
var Home = event.Home{Account: Account, Region: Region}

// Stage is one account, its services behind the real clients, and the ledger.
type Stage struct {
	*testing.T
	Cloud *ec2.World
	EC2   *sdk.Client
	// EBS reads the blocks of snapshots.
	EBS *direct.Client
	// KMS and Quotas tell of the keys of EC2's volumes and of its quotas.
	KMS    *kmssdk.Client
	Quotas *quotas.Client
	// Parameters and SSM are Parameter Store, from inside and through its client.
	Parameters *ssm.Store
	SSM        *ssmsdk.Client
	// Groups and AutoScaling are Auto Scaling, which has no groups yet.
	Groups      *autoscaling.Service
	AutoScaling *scaling.Client
	// Balancers and ELB are Elastic Load Balancing, which has no target groups yet.
	Balancers *elb.Service
	ELB       *elasticloadbalancingv2.Client
	// States and SFN are Step Functions; its executions wait for a task token, see Run.
	States *sfn.Service
	SFN    *sfnsdk.Client
	// Bus and Scheduler are EventBridge Scheduler, which has no schedules yet.
	Bus       *eventbridge.Bus
	Scheduler *scheduler.Client
	Slack     *localslack.Sink
	Ledger    *Ledger
	// Plan is plan nightly: stop, restart once snapshotted, a window of four hours.
	Plan plan.Plan
	// Web is the id of a running instance called web that is enrolled in the plan.
	Web string
	// Logs are what the function logged, as JSON lines.
	Logs bytes.Buffer

	account *account.Account
	calls   query.Log
	journal journal
	secrets *secretsmanager.Client
	tokens  tokens
}

// New is a stage with one running instance; it must be made inside a synctest bubble.
func New(t *testing.T) *Stage {
	t.Helper()
	s := &Stage{T: t}
	s.account = account.New(account.Options{Clock: clock.Real(), Seed: 7, Region: Region, ID: Account, Log: &s.calls,
		Managed: func(string) bool { return true }})
	t.Cleanup(s.account.Close)
	s.Cloud, s.Groups, s.Parameters = s.account.EC2, s.account.AutoScaling, s.account.Parameters
	s.Balancers = s.account.Balancers
	s.Must(s.Parameters.Document(workflow.Command, workflow.CommandDocument))
	s.States = sfn.New(sfn.Options{Clock: clock.Real(), Region: Region, Account: Account, Invoker: &s.tokens, Seed: 7})
	t.Cleanup(s.States.Close)
	var err error
	s.Bus, err = eventbridge.New(eventbridge.Options{Clock: clock.Real(), Region: Region, Account: Account,
		Invoke: ignore})
	s.Must(err)
	t.Cleanup(s.Bus.Close)
	s.account.Serve("states", s.States)
	s.account.Serve("scheduler", s.Bus)
	s.Slack = localslack.New(localslack.Options{Clock: clock.Real()})
	s.account.Secrets.Put("goldsmith/slack", localslack.WebhookURL)
	s.clients()
	s.Ledger = newLedger(&s.journal)
	_, err = s.Ledger.Kept.Since(s.Context(), time.Now())
	s.Must(err)
	s.Plan = plan.Default()
	s.Plan.Name = "nightly"
	s.Web = s.Launch("web", map[string]string{tag.Plan: "nightly"})
	s.publish()
	return s
}

// clients are those of the account's services.
func (s *Stage) clients() {
	cfg := s.config()
	s.EC2, s.EBS = sdk.NewFromConfig(cfg), direct.NewFromConfig(cfg)
	s.KMS, s.Quotas = kmssdk.NewFromConfig(cfg), quotas.NewFromConfig(cfg)
	s.AutoScaling, s.SSM = scaling.NewFromConfig(cfg), ssmsdk.NewFromConfig(cfg)
	s.SFN, s.Scheduler = sfnsdk.NewFromConfig(cfg), scheduler.NewFromConfig(cfg)
	s.ELB = elasticloadbalancingv2.NewFromConfig(cfg)
	s.secrets = secretsmanager.NewFromConfig(cfg)
}

// ignore is where the stage's schedules end: a case calls its function itself.
func ignore(context.Context, string, []byte) error { return nil }

// config is that of every client: the product's own retries, and no socket.
func (s *Stage) config() aws.Config {
	return aws.Config{
		Region: Region, Credentials: credentials.NewStaticCredentialsProvider("AKIAEMBEDDED", "embedded", ""),
		BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(http.HandlerFunc(s.serve)),
		Retryer: func() aws.Retryer { return awsclient.Retryer() },
	}
}

// Notifier tells people in the embedded Slack.
func (s *Stage) Notifier() notify.Notifier {
	sender := slack.New(s.secrets, "goldsmith/slack", query.Client(s.Slack))
	return notify.Notifier{Runs: s.Ledger, Results: s.Ledger, Requests: s.Ledger,
		Channels: map[plan.Channel]notify.Channel{plan.Slack: sender}, Tags: s.EC2, Now: time.Now}
}

// Pages is the suite's bucket, with nothing in it.
func (s *Stage) Pages() bucket.Bucket {
	const name = "goldsmith-pages"
	s.account.Buckets.Deploy(name)
	return bucket.Bucket{S3: s3.NewFromConfig(s.config()), Name: name, Region: Region, Account: Account}
}

// Buckets is the embedded S3.
func (s *Stage) Buckets() *locals3.Service { return s.account.Buckets }

// Get follows a link of the embedded AWS, as a browser does.
func (s *Stage) Get(link string) (status int, body string) {
	request, err := http.NewRequestWithContext(s.Context(), http.MethodGet, link, http.NoBody)
	s.Must(err)
	answer, err := query.Client(http.HandlerFunc(s.serve)).Do(request)
	s.Must(err)
	defer func() { _ = answer.Body.Close() }() // It is read whole.
	text, err := io.ReadAll(answer.Body)
	s.Must(err)
	return answer.StatusCode, string(text)
}

// People hear by the embedded Slack.
func (s *Stage) People() notify.People { return notify.People{Channels: s.Notifier().Channels} }

// Launch starts an instance that runs already, and returns its id.
func (s *Stage) Launch(name string, tags map[string]string, edit ...func(*sdk.RunInstancesInput)) string {
	s.Helper()
	in := &sdk.RunInstancesInput{
		ImageId: aws.String(ec2.ImageX86), InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1),
		MaxCount: aws.Int32(1),
		NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0),
			AssociatePublicIpAddress: aws.Bool(false)}},
	}
	for _, e := range edit {
		e(in)
	}
	out, err := s.EC2.RunInstances(s.Context(), in)
	s.Must(err)
	id := aws.ToString(out.Instances[0].InstanceId)
	s.Must(s.Cloud.SetState(id, ec2.Running))
	all := map[string]string{"Name": name}
	for key, value := range tags {
		all[key] = value
	}
	s.Must(s.Cloud.SetTags(id, all))
	return id
}

// Set puts an instance into Running, Stopped or Terminated at once.
func (s *Stage) Set(id string, to ec2.State) {
	s.Helper()
	s.Must(s.Cloud.SetState(id, to))
}

// StopWeb asks EC2 to stop instance Web, which takes its time.
func (s *Stage) StopWeb() error {
	_, err := s.EC2.StopInstances(s.Context(), &sdk.StopInstancesInput{InstanceIds: []string{s.Web}})
	return err
}

// StartWeb asks EC2 to start instance Web.
func (s *Stage) StartWeb() error {
	_, err := s.EC2.StartInstances(s.Context(), &sdk.StartInstancesInput{InstanceIds: []string{s.Web}})
	return err
}

// Must ends the case when the scene could not be set.
func (s *Stage) Must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// Tags are the tags of an instance now.
func (s *Stage) Tags(id string) map[string]string {
	s.Helper()
	out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
	s.Must(err)
	return tag.Map(out.Reservations[0].Instances[0].Tags)
}

// Sample is a sample of package events that speaks of the given instance,
// image or snapshot instead of its own.
func (s *Stage) Sample(name string, ids ...string) json.RawMessage {
	s.Helper()
	raw, err := events.Sample(name)
	s.Must(err)
	text := string(raw)
	for _, id := range ids {
		kind, _, _ := strings.Cut(id, "-")
		text = strings.ReplaceAll(text, sampled[kind], id)
	}
	return json.RawMessage(text)
}

// sampled are the ids in the samples, by kind.
var sampled = map[string]string{"i": "i-0a1b2c3d4e5f60718", "ami": "ami-0abcdef1234567890",
	"snap": "snap-0c1d2e3f4a5b60718"}

// publish makes the state machine, with one version and the alias that leads to it.
func (s *Stage) publish() {
	s.Helper()
	machine, err := s.States.Create("goldsmith", []byte(waiting), nil)
	if err != nil {
		s.Fatal(err)
	}
	version, err := s.States.Publish(machine)
	if err != nil {
		s.Fatal(err)
	}
	if err := s.States.Lead(machine, workflow.Alias, version); err != nil {
		s.Fatal(err)
	}
}
