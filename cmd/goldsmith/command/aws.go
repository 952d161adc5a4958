package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// configured is the SDK's own configuration, looked at before anything is asked:
// what is missing here is the commonest mistake.
func configured(ctx context.Context, account Account) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithSharedConfigProfile(account.Profile), config.WithRegion(account.Region),
		config.WithRetryer(func() aws.Retryer { return impatient{awsclient.Retryer()} }),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = reach })),
		// What the SDK would warn of is told by the error that follows.
		config.WithLogger(logging.Nop{}))
	if err != nil {
		return cfg, fault.Failure("Look at ~/.aws/config, or name another --profile.",
			"reading the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, fault.Failure("Name one with --region, or set AWS_REGION.", "no AWS Region is set")
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return cfg, fault.Failure("Sign in (aws sso login), name another --profile, or set AWS_PROFILE.",
			"there are no AWS credentials: %w", err)
	}
	return cfg, nil
}

// reach is how long a connection may take to come about, while a person waits for it.
const reach = 4 * time.Second

// impatient does not try a call again whose connection did not come about: a wrong Region or network is told at once.
type impatient struct{ aws.RetryerV2 }

// IsErrorRetryable is false for a connection that did not come about.
func (r impatient) IsErrorRetryable(err error) bool {
	var connection *net.OpError
	return (!errors.As(err, &connection) || connection.Op != "dial") && r.RetryerV2.IsErrorRetryable(err)
}

// username is who runs this, as the machine knows them.
func username() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// site is the suite in the account, with clients for it.
type site struct {
	deployment.Deployment
	aws    aws.Config
	ledger *ledger.Dynamo
}

// site finds the suite.
func (t *terms) site(ctx context.Context) (site, error) {
	cfg, err := t.AWS(ctx, t.account)
	if err != nil {
		return site{}, err
	}
	found, err := deployment.Find(ctx, lambda.NewFromConfig(cfg))
	if err != nil {
		t.suite = bare(ctx, cfg, err)
		return site{aws: cfg}, err
	}
	t.suite = suiteOf(found)
	return site{found, cfg, ledger.NewDynamo(dynamodb.NewFromConfig(cfg), found.Table)}, nil
}

// explain is what failed, and what to do now.
func explain(err error) string {
	var told *fault.Failed
	var absent *deployment.AbsentError
	if errors.As(err, &told) || errors.As(err, &absent) {
		return sentence(fault.Brief(err)) + "."
	}
	return sentence(unreached(err, fault.Brief(err))) + ". " + advice(err)
}

// unreached is the text of an error in which a service that was not reached is
// named shortly: the SDK tells of the attempts, the address twice, and no request's id.
func unreached(err error, text string) string {
	var call *smithy.OperationError
	var request *url.Error
	if !errors.As(err, &call) || !errors.As(err, &request) {
		return text
	}
	return strings.Replace(text, call.Error(), fmt.Sprintf("%s does not answer: %v", call.Service(), request.Err), 1)
}

// expired are the codes by which services refuse credentials that were good once, denied all by which they refuse
// who asks. EC2's own code for an expired session is RequestExpired.
var (
	expired = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
	denied  = append([]string{
		"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnrecognizedClientException", "AuthFailure",
		"InvalidClientTokenId",
	}, expired...)
)

func advice(err error) string {
	var unreachable net.Error
	switch code := fault.Code(err); {
	case slices.Contains(expired, code):
		return "Your session has expired: sign in again (aws sso login), then repeat the command."
	case slices.Contains(denied, code):
		return "Use credentials that may do this: docs/operations.md lists what the command line needs."
	case errors.As(err, &unreachable):
		return "Check the Region, the network and AWS_ENDPOINT_URL, then try again."
	case fault.IsTransient(err):
		return "AWS is busy; try again in a minute."
	default:
		return "Try again; if it stays so, AWS's answer above says what to look at."
	}
}

// sentence is a message without the full stop that another sentence brings, on one line.
func sentence(message string) string {
	return strings.TrimSuffix(strings.TrimSpace(message), ".")
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
