package members

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	balancers "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"goldsmith/local/clock"
	local "goldsmith/local/organizations"
	"goldsmith/local/query"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// world is the embedded AWS with one of everything in it, the same every time.
type world struct {
	t       *testing.T
	suite   *stack.Stack
	ec2     *ec2.Client
	scaling *autoscaling.Client
	ssm     *ssm.Client
	secrets *secretsmanager.Client
	states  *sfn.Client
	lambda  *lambda.Client

	dynamodb  *dynamodb.Client
	ebs       *ebs.Client
	scheduler *scheduler.Client
	sts       *sts.Client
	sqs       *sqs.Client
	kms       *kms.Client
	quotas    *servicequotas.Client
	orgs      *organizations.Client
	balancing *balancers.Client
	events    *eventbridge.Client
	sns       *sns.Client
	logs      *cloudwatchlogs.Client
	// ids are what the scene made, by a name of ours.
	ids map[string]string
}

// tokens are the idempotency tokens that the SDK makes up, the same in every world.
type tokens struct{ n int }

// GetIdempotencyToken is the next token.
func (t *tokens) GetIdempotencyToken() (string, error) {
	t.n++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", t.n), nil
}

func sameTokens(o *sfn.Options) { o.IdempotencyTokenProvider = &tokens{} }

// unchecked lets the client send what it would refuse itself: members are sent one at a time.
func unchecked(stack *middleware.Stack) error {
	_, err := stack.Initialize.Remove("OperationInputValidation")
	if err != nil && !strings.Contains(err.Error(), "not found") {
		return err
	}
	return nil
}

// within plays one story in a world of its own, on fake time, with what the actions of a service need; without a
// service with everything.
func within(t *testing.T, service string, story func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := stack.New(stack.Options{Clock: clock.Real(), Seed: 3, Plans: plan.Plans{}, History: true,
			Sweep: 1000 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		cfg := aws.Config{
			Region: "eu-central-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(s),
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
			Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
			APIOptions:  []func(*middleware.Stack) error{unchecked},
		}
		w := &world{
			t: t, suite: s, ids: map[string]string{},
			ec2:     ec2.NewFromConfig(cfg, func(o *ec2.Options) { o.IdempotencyTokenProvider = &tokens{} }),
			scaling: autoscaling.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg),
			secrets: secretsmanager.NewFromConfig(cfg, func(o *secretsmanager.Options) {
				o.IdempotencyTokenProvider = &tokens{}
			}),
		}
		w.dynamodb, w.ebs = dynamodb.NewFromConfig(cfg), ebs.NewFromConfig(cfg, func(o *ebs.Options) {
			o.IdempotencyTokenProvider = &tokens{}
		})
		w.scheduler, w.sts, w.sqs = scheduler.NewFromConfig(cfg), sts.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
		w.balancing = balancers.NewFromConfig(cfg)
		w.events, w.sns = eventbridge.NewFromConfig(cfg), sns.NewFromConfig(cfg)
		w.kms, w.quotas = kms.NewFromConfig(cfg), servicequotas.NewFromConfig(cfg)
		w.orgs, w.logs = organizations.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
		w.suite.Organizations.Join(local.Organization{ID: "o-a1b2c3d4e5", Management: "999999999999"})
		w.states, w.lambda = sfn.NewFromConfig(cfg, sameTokens), lambda.NewFromConfig(cfg)
		w.build(service)
		story(w)
	})
}

// crowded plays a story in a world with more of everything than a page of the smallest size holds.
func crowded(t *testing.T, story func(*world)) {
	t.Helper()
	within(t, "", func(w *world) {
		w.crowd()
		story(w)
	})
}

// call makes a call by the action's name.
func call(client any, action string, input any) (any, error) {
	out := reflect.ValueOf(client).MethodByName(action).Call([]reflect.Value{
		reflect.ValueOf(context.Background()), reflect.ValueOf(input),
	})
	err, _ := out[1].Interface().(error)
	return out[0].Interface(), err
}

// beside stands between a refusal and what it shows besides.
const beside = "\nwith "

// text is an answer, for comparing it.
func text(out any, err error) string {
	if failed, ok := errors.AsType[*tabletypes.ConditionalCheckFailedException](err); ok && failed.Item != nil {
		return text(nil, &smithy.GenericAPIError{Code: failed.ErrorCode(), Message: failed.ErrorMessage()}) +
			beside + fmt.Sprint(failed.Item)
	}
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorCode() + ": " + known.ErrorMessage()
	}
	if err != nil {
		return err.Error()
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return err.Error()
	}
	before, _, _ := strings.Cut(string(raw), `"ResultMetadata"`)
	return before
}

// inputOf is a new input of an action.
func inputOf(client any, action string) reflect.Value {
	method := reflect.ValueOf(client).MethodByName(action)
	return reflect.New(method.Type().In(1).Elem())
}

// actions are the names of a client's operations.
func actions(client any) []string {
	var names []string
	t := reflect.TypeOf(client)
	for i := range t.NumMethod() {
		m := t.Method(i)
		if m.Type.NumIn() > 2 && strings.HasSuffix(m.Type.In(2).String(), "."+m.Name+"Input") {
			names = append(names, m.Name)
		}
	}
	return names
}

var _ http.Handler = (*stack.Stack)(nil)
