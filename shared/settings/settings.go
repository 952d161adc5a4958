// Package settings reads what a deployment tells its functions: once, at cold
// start, with everything that is missing named in one message.
package settings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/event"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// Name is the name of an environment variable that infra sets.
type Name string

// What functions can be told.
const (
	// Table is the ledger's DynamoDB table.
	Table Name = "GOLDSMITH_TABLE"
	// StateMachine is the state machine's ARN, or its alias's.
	StateMachine Name = "GOLDSMITH_STATE_MACHINE"
	// Account is the account's number.
	Account Name = "GOLDSMITH_ACCOUNT"
	// PlansFile is the path of plans.yaml as JSON, beside the function's bootstrap.
	PlansFile Name = "GOLDSMITH_PLANS"
	// SlackSecret is the id or ARN of the secret with Slack's credentials; "off" for no Slack messages.
	SlackSecret Name = "GOLDSMITH_SLACK_SECRET"
	// Topic is the ARN of the SNS topic that runs are told to; "off" when no plan is told there.
	Topic Name = "GOLDSMITH_TOPIC"
	// Bucket is the name of the bucket with the pages of runs; "off" when no plan's messages lead to them.
	Bucket Name = "GOLDSMITH_BUCKET"
	// Channels are those that any plan is told by, between commas.
	Channels Name = "GOLDSMITH_CHANNELS"
	// ImagePath is the Parameter Store path that the aliases of images lie under.
	ImagePath Name = "GOLDSMITH_IMAGE_PATH"
	// VolumeKeys are the ARNs of the keys on which grants may be made to start instances, between commas; "off" when
	// there is none.
	VolumeKeys Name = "GOLDSMITH_VOLUME_KEYS"
	// PlanSums are sums of the plans in PlansFile, between commas, for who reads how the function is set up.
	PlanSums Name = "GOLDSMITH_PLAN_SUMS"
	// Version is the release that is deployed, for the same.
	Version Name = "GOLDSMITH_VERSION"
)

// Off is the value of a setting that switches its feature off, so that a
// setting that was forgotten is told from one that is not wanted.
const Off = "off"

// Settings are a function's settings, and what of the world it works with.
type Settings struct {
	// AWS is the configuration of every AWS client.
	AWS aws.Config
	// Ledger is the ledger in Table, and Plans are those of PlansFile.
	Ledger ledger.Ledger
	Plans  plan.Plans
	Now    func() time.Time
	// Web is the client of what is not AWS; nil for the default one.
	Web *http.Client
	// Values are the settings themselves.
	Values map[Name]string
}

// Reader reads the named settings. All that is missing or wrong comes in one error.
type Reader = func(ctx context.Context, names ...Name) (Settings, error)

// Load is the Reader of the environment.
func Load(_ context.Context, names ...Name) (Settings, error) {
	s := Settings{Now: time.Now, Values: map[Name]string{}}
	var problems []string
	for _, name := range names {
		if s.Values[name] = os.Getenv(string(name)); s.Values[name] == "" {
			problems = append(problems, string(name)+" is not set")
		}
	}
	var err error
	if path := s.Values[PlansFile]; path != "" {
		if s.Plans, err = readPlans(path); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", PlansFile, err))
		}
	}
	if s.AWS, err = ofLambda(); err != nil {
		problems = append(problems, err.Error())
	}
	if len(problems) > 0 {
		return s, fmt.Errorf("settings: %s", strings.Join(problems, "; "))
	}
	s.Ledger = ledger.NewDynamo(dynamodb.NewFromConfig(s.AWS), s.Get(Table))
	return s, nil
}

// ofLambda is the configuration of AWS clients in Lambda, which sets these variables for as long as the process lives
// (docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html). The SDK's own package looks in every other place
// that a machine may keep credentials in, which costs each cold start milliseconds and each zip half a megabyte
// (docs/decisions/0029).
func ofLambda() (aws.Config, error) {
	fips, err := chosen("AWS_USE_FIPS_ENDPOINT")
	dual, wrong := chosen("AWS_USE_DUALSTACK_ENDPOINT")
	if err := cmp.Or(err, wrong); err != nil {
		return aws.Config{}, err
	}
	c := aws.Config{
		Region: os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"),
			os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
		Retryer:       func() aws.Retryer { return awsclient.Retryer() },
		ConfigSources: []any{endpoints{fips, dual}},
	}
	if endpoint := os.Getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		c.BaseEndpoint = aws.String(endpoint)
	}
	if c.Region == "" {
		return c, errors.New("AWS_REGION is not set")
	}
	return c, nil
}

// chosen is what a variable says that is true, false or not set.
func chosen(name string) (*bool, error) {
	value := os.Getenv(name)
	if value == "" {
		return nil, nil
	}
	yes, err := strconv.ParseBool(strings.ToLower(value))
	if err != nil {
		return nil, fmt.Errorf("%s is %q, neither true nor false", name, value)
	}
	return &yes, nil
}

// endpoints is which of a service's endpoints are called; nil is what the client chooses. Clients look for these
// methods.
type endpoints struct{ fips, dual *bool }

// GetUseFIPSEndpoint is whether FIPS endpoints are called.
func (e endpoints) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if e.fips != nil && *e.fips {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateDisabled, e.fips != nil, nil
}

// GetUseDualStackEndpoint is whether endpoints are called that have IPv6 addresses too.
func (e endpoints) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	if e.dual != nil && *e.dual {
		return aws.DualStackEndpointStateEnabled, true, nil
	}
	return aws.DualStackEndpointStateDisabled, e.dual != nil, nil
}

func readPlans(path string) (plan.Plans, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the path is the deployment's own setting
	if err != nil {
		return plan.Plans{}, err
	}
	return plan.Decode(text)
}

// Get is the value of a setting that Load was asked for; "" for one that is off.
func (s Settings) Get(name Name) string {
	if value := s.Values[name]; value != Off {
		return value
	}
	return ""
}

// Home is where the function runs: the account of Account, and the Region of AWS.
func (s Settings) Home() event.Home { return event.Home{Account: s.Get(Account), Region: s.AWS.Region} }
