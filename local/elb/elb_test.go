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

// refused holds that a call is refused with a code.
func (s *scene) refused(what string, err error, code string) {
	s.t.Helper()
	if known, ok := errors.AsType[smithy.APIError](err); !ok || known.ErrorCode() != code {
		s.t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func (s *scene) register(arn string, t types.TargetDescription) error {
	_, err := s.client.RegisterTargets(s.t.Context(),
		&sdk.RegisterTargetsInput{TargetGroupArn: aws.String(arn), Targets: []types.TargetDescription{t}})
	return err
}

func (s *scene) deregister(arn string, t types.TargetDescription) error {
	_, err := s.client.DeregisterTargets(s.t.Context(),
		&sdk.DeregisterTargetsInput{TargetGroupArn: aws.String(arn), Targets: []types.TargetDescription{t}})
	return err
}

// A target is told from another by its port, and what does not run cannot be registered.
func TestRegisterTargets(t *testing.T) {
	play(t, func(s *scene) {
		plain, other := types.TargetDescription{Id: aws.String(s.id)},
			types.TargetDescription{Id: aws.String(s.id), Port: aws.Int32(8080)}
		for _, err := range []error{
			s.register(s.arn, plain), s.register(s.arn, other), s.deregister(s.arn, other),
			s.deregister(s.arn, types.TargetDescription{Id: aws.String("i-0123456789abcdef0")}),
		} {
			if err != nil {
				s.t.Fatal(err)
			}
		}
		if states := s.State(s.arn, s.id) + " " + s.StateAt(s.arn, s.id, 8080); states != "initial draining" {
			s.t.Errorf("states %s", states)
		}
		if err := s.register(s.arn, other); err != nil || s.StateAt(s.arn, s.id, 8080) != "initial" {
			s.t.Errorf("registered while it drains: %v, %s", err, s.StateAt(s.arn, s.id, 8080))
		}
		s.refused("a zone", s.register(s.arn, types.TargetDescription{Id: &s.id, AvailabilityZone: aws.String("eu-west-1a")}),
			"ValidationError")
		s.refused("no target", s.register(s.arn, types.TargetDescription{Id: aws.String("")}), "ValidationError")
		s.refused("another VPC", s.register(s.AddGroup(elb.Group{Name: "far", VPC: "vpc-1"}), plain), "InvalidTarget")
		s.refused("no such group", s.register(s.arn+"0", plain), "TargetGroupNotFound")
		if err := s.world.SetState(s.id, ec2.Stopped); err != nil {
			s.t.Fatal(err)
		}
		s.refused("stopped", s.register(s.arn, plain), "InvalidTarget")
		if err := s.deregister(s.arn, plain); err != nil {
			s.t.Errorf("a stopped target is deregistered: %v", err)
		}
	})
}

// Target groups come page by page, and each says how long its targets drain. One without a load balancer uses none.
func TestTargetGroups(t *testing.T) {
	play(t, func(s *scene) {
		unused := s.AddGroup(elb.Group{Name: "unused", Unused: true, Delay: time.Hour})
		s.AddGroup(elb.Group{Name: "function", Type: "lambda"})
		s.Register(unused, s.id)
		if state := s.State(unused, s.id); state != "unused" {
			s.t.Errorf("a target without a load balancer is %s", state)
		}
		seen := map[string]string{}
		pages := sdk.NewDescribeTargetGroupsPaginator(s.client, &sdk.DescribeTargetGroupsInput{PageSize: aws.Int32(1)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(s.t.Context())
			s.ok(err)
			for _, g := range page.TargetGroups {
				seen[aws.ToString(g.TargetGroupName)] = string(g.TargetType)
			}
		}
		if len(seen) != 3 || seen["function"] != "lambda" || seen["web"] != "instance" {
			s.t.Errorf("target groups %v", seen)
		}
		delay := s.delayOf(unused)
		if delay != "3600" {
			s.t.Errorf("delay %q", delay)
		}
	})
}

func (s *scene) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// delayOf is for how many seconds a target group says that it drains.
func (s *scene) delayOf(arn string) string {
	s.t.Helper()
	out, err := s.client.DescribeTargetGroupAttributes(s.t.Context(),
		&sdk.DescribeTargetGroupAttributesInput{TargetGroupArn: &arn})
	s.ok(err)
	for _, a := range out.Attributes {
		if aws.ToString(a.Key) == "deregistration_delay.timeout_seconds" {
			return aws.ToString(a.Value)
		}
	}
	return ""
}
