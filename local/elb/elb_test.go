package elb_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ec2sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	sdk "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/elb"
	"goldsmith/local/query"
)

const region, account = "eu-west-1", "123456789012"

// scene is a target group and an instance that runs, behind the real client.
type scene struct {
	*elb.Service
	t       *testing.T
	world   *ec2.World
	client  *sdk.Client
	arn, id string
}

func play(t *testing.T, story func(*scene)) {
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t, world: ec2.New(ec2.Options{Clock: clock.Real(), Seed: 3, Region: region, Account: account,
			Emit: func(string, string, []string, any) {}})}
		s.Service = elb.New(elb.Options{Clock: clock.Real(), EC2: s.world, Region: region, Account: account})
		cfg := aws.Config{Region: region, BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(s.world),
			Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
		run, err := ec2sdk.NewFromConfig(cfg).RunInstances(t.Context(), &ec2sdk.RunInstancesInput{
			ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		cfg.HTTPClient = query.Client(s.Service)
		s.client, s.id, s.arn = sdk.NewFromConfig(cfg), aws.ToString(run.Instances[0].InstanceId), s.Add("web", time.Minute)
		story(s)
	})
}

func (s *scene) is(want types.TargetHealthStateEnum, reason types.TargetHealthReasonEnum) {
	s.t.Helper()
	out, err := s.client.DescribeTargetHealth(s.t.Context(), &sdk.DescribeTargetHealthInput{
		TargetGroupArn: aws.String(s.arn), Targets: []types.TargetDescription{{Id: aws.String(s.id)}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if h := out.TargetHealthDescriptions; len(h) != 1 || h[0].TargetHealth.State != want ||
		h[0].TargetHealth.Reason != reason || *h[0].Target.Id != s.id {
		s.t.Errorf("health %+v, want %s %s", h, want, reason)
	}
}

// A target is initial, healthy, draining and unused, in this order.
func TestTargetHealth(t *testing.T) {
	play(t, func(s *scene) {
		s.is("unused", "Target.NotRegistered")
		s.Register(s.arn, s.id)
		s.is("initial", "Elb.InitialHealthChecking")
		time.Sleep(time.Minute)
		s.is("healthy", "")
		s.Fail(s.id, true)
		s.is("unhealthy", "Target.FailedHealthChecks")
		s.Fail(s.id, false)
		s.Deregister(s.arn, s.id)
		s.is("draining", "Target.DeregistrationInProgress")
		time.Sleep(time.Minute)
		s.is("unused", "Target.NotRegistered")
		s.Register(s.arn, s.id)
		if err := s.world.SetState(s.id, ec2.Stopped); err != nil {
			s.t.Fatal(err)
		}
		s.is("unused", "Target.InvalidState")
	})
}

func TestTargetsOfAGroup(t *testing.T) {
	play(t, func(s *scene) {
		s.Register(s.arn, s.id)
		all, err := s.client.DescribeTargetHealth(s.t.Context(), &sdk.DescribeTargetHealthInput{TargetGroupArn: &s.arn})
		if err != nil || len(all.TargetHealthDescriptions) != 1 {
			s.t.Errorf("%d targets: %v", len(all.TargetHealthDescriptions), err)
		}
		_, err = s.client.DescribeTargetHealth(s.t.Context(),
			&sdk.DescribeTargetHealthInput{TargetGroupArn: aws.String(s.arn + "0")})
		if known, ok := errors.AsType[smithy.APIError](err); !ok || known.ErrorCode() != "TargetGroupNotFound" {
			s.t.Errorf("a target group that is none: %v", err)
		}
	})
}
