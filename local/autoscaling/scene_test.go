package autoscaling_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"goldsmith/local/autoscaling"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/elb"
	"goldsmith/local/query"
)

const zone = "eu-west-1a"

// scene is Auto Scaling and EC2 behind their real clients, on fake time.
type scene struct {
	*sdk.Client
	t   *testing.T
	ec2 *ec2sdk.Client
	// service is Auto Scaling from inside.
	service *autoscaling.Service
	world   *ec2.World
	targets *elb.Service
	log     *query.Log

	mu     sync.Mutex
	events []string
}

func play(t *testing.T, test func(*testing.T, *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t, log: &query.Log{}}
		s.world = ec2.New(ec2.Options{Clock: clock.Real(), Seed: 3, Region: "eu-west-1", Account: "123456789012", Log: s.log,
			Emit: func(string, string, []string, any) {}})
		s.world.Parameters(func(string) (string, bool) { return ec2.ImageX86, true }, func(string) []string { return nil })
		s.targets = elb.New(elb.Options{Clock: clock.Real(), EC2: s.world, Region: "eu-west-1", Account: "123456789012"})
		service := autoscaling.New(autoscaling.Options{Clock: clock.Real(), EC2: s.world, Region: "eu-west-1",
			Account: "123456789012", Log: s.log, Emit: s.hear, Targets: s.targets})
		defer service.Close()
		s.service = service
		s.Client = sdk.New(sdk.Options{Region: "eu-west-1", BaseEndpoint: aws.String("http://aws.local"),
			Retryer:     aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: query.Client(service)})
		s.ec2 = ec2sdk.New(ec2sdk.Options{Region: "eu-west-1", BaseEndpoint: aws.String("http://aws.local"),
			Retryer:     aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: query.Client(s.world)})
		test(t, s)
	})
}

func (s *scene) hear(source, detailType string, resources []string, detail any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if source != "aws.autoscaling" || len(resources) != 1 ||
		!strings.HasPrefix(resources[0], "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:") {
		s.t.Errorf("event from %s about %v", source, resources)
	}
	event := strings.TrimPrefix(detailType, "EC2 Auto Scaling Instance Refresh ")
	if d := detail.(map[string]string); d["CheckpointPercentage"] != "" {
		event += " " + d["CheckpointPercentage"] + "/" + d["CheckpointDelay"]
	}
	s.events = append(s.events, event)
}

func (s *scene) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.events, ", ")
}

// template makes a launch template; each image is a version.
func (s *scene) template(name string, images ...string) *types.LaunchTemplateSpecification {
	s.t.Helper()
	data := func(image string) *ec2types.RequestLaunchTemplateData {
		return &ec2types.RequestLaunchTemplateData{ImageId: aws.String(image), InstanceType: ec2types.InstanceTypeT3Micro}
	}
	out, err := s.ec2.CreateLaunchTemplate(s.t.Context(),
		&ec2sdk.CreateLaunchTemplateInput{LaunchTemplateName: aws.String(name), LaunchTemplateData: data(images[0])})
	s.must(err)
	for _, image := range images[1:] {
		_, err := s.ec2.CreateLaunchTemplateVersion(s.t.Context(),
			&ec2sdk.CreateLaunchTemplateVersionInput{LaunchTemplateName: aws.String(name), LaunchTemplateData: data(image)})
		s.must(err)
	}
	return &types.LaunchTemplateSpecification{LaunchTemplateId: out.LaunchTemplate.LaunchTemplateId,
		Version: aws.String("1")}
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// group makes a group of size between 0 and 4, and waits until it is there.
func (s *scene) group(name string, size int32, change ...func(*sdk.CreateAutoScalingGroupInput)) {
	s.t.Helper()
	in := &sdk.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(0), MaxSize: aws.Int32(4),
		DesiredCapacity:   aws.Int32(size),
		AvailabilityZones: []string{zone},
	}
	for _, f := range change {
		f(in)
	}
	if in.LaunchTemplate == nil && in.MixedInstancesPolicy == nil {
		in.LaunchTemplate = s.template(name, ec2.ImageX86)
	}
	_, err := s.CreateAutoScalingGroup(s.t.Context(), in)
	s.must(err)
	time.Sleep(2 * time.Minute)
}

func (s *scene) describe(name string) types.AutoScalingGroup {
	s.t.Helper()
	out, err := s.DescribeAutoScalingGroups(s.t.Context(),
		&sdk.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	s.must(err)
	if len(out.AutoScalingGroups) != 1 {
		s.t.Fatalf("%d groups %s", len(out.AutoScalingGroups), name)
	}
	return out.AutoScalingGroups[0]
}

// members says of group web how many are in which state and how healthy, such as "2 InService Healthy".
func (s *scene) members() string {
	s.t.Helper()
	counts := map[string]int{}
	var order []string
	for _, i := range s.describe("web").Instances {
		key := string(i.LifecycleState) + " " + aws.ToString(i.HealthStatus)
		if counts[key]++; counts[key] == 1 {
			order = append(order, key)
		}
	}
	var said []string
	for _, key := range order {
		said = append(said, fmt.Sprintf("%d %s", counts[key], key))
	}
	return strings.Join(said, ", ")
}

// ids are the members of group web.
func (s *scene) ids() []string {
	s.t.Helper()
	var ids []string
	for _, i := range s.describe("web").Instances {
		ids = append(ids, aws.ToString(i.InstanceId))
	}
	return ids
}

func (s *scene) want(members string) {
	s.t.Helper()
	if got := s.members(); got != members {
		s.t.Errorf("members: %s; want %s", got, members)
	}
}

func code(err error) string {
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorCode()
	}
	return fmt.Sprint(err)
}

func (s *scene) refused(err error, want, words string) {
	s.t.Helper()
	if code(err) != want || !strings.Contains(err.Error(), words) {
		s.t.Errorf("error %v; want %s with %q", err, want, words)
	}
}
