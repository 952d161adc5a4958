package demo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	autoscalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/local/clock"
	world "goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/tag"
)

// scene is a small fleet built through the same API that people use.
type scene struct {
	ec2     *ec2.Client
	scaling *autoscaling.Client
	ssm     *ssm.Client
	suite   *stack.Stack
	clock   *clock.Clock
	*chosen
	random *rand.Rand
	// api is the instance that has a history of images.
	api string
	// lab is the instance that somebody asks an image of during the night.
	lab string
	// orders is the database that is imaged as it runs.
	orders string
	// mail is an instance that is lost before the night, root and data are the snapshots that are left of it.
	mail, root, data string
}

// build sets the scene: every kind of instance Goldsmith has an opinion of.
func build(ctx context.Context, n *night) (*scene, error) {
	cfg := n.suite.AWS()
	c := &scene{
		ec2: ec2.NewFromConfig(cfg), scaling: autoscaling.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg),
		suite: n.suite, clock: n.clock, chosen: n.chosen, random: rand.New(rand.NewPCG(n.options.Seed, 0x901d)),
	}
	for _, step := range []func(context.Context) error{c.instances, c.history, c.templates, c.group, c.shop} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("setting the scene: %w", err)
		}
	}
	return c, nil
}

// server is an instance of the fleet.
type server struct {
	name, image, kind string
	tags              map[string]string
	disks             []types.VolumeType // besides the root volume
	spot              types.SpotInstanceType
	stopped           bool
	protected         bool
	// managed is whether Systems Manager reaches its agent.
	managed bool
}

func (c *scene) instances(ctx context.Context) error {
	servers := []server{
		{name: "web", kind: "t3.large"},
		{name: "api", kind: "m5.large"},
		{name: "db", kind: "m5.xlarge", disks: []types.VolumeType{types.VolumeTypeGp3, types.VolumeTypeSt1}},
		{name: "cache", kind: "m5d.large"},
		{name: "edge", kind: "t4g.small", image: world.ImageARM},
		{name: "reports", kind: "t3.medium", stopped: true},
		{name: "batch", kind: "m5.large", spot: types.SpotInstanceTypePersistent},
		{name: "burst", kind: "m5.large", spot: types.SpotInstanceTypeOneTime},
		{name: "legacy", kind: "m3.medium", image: world.ImageInstanceStore},
		{name: "bastion", kind: "t3.small", protected: true},
	}
	kinds := []string{"t3.small", "t3.medium", "m5.large"}
	for n := range 2 + c.random.IntN(4) {
		servers = append(servers, server{name: fmt.Sprintf("app-%d", n+1), kind: kinds[c.random.IntN(len(kinds))]})
	}
	for _, s := range servers {
		s.tags = c.tags(map[string]string{tag.Plan: c.name})
		id, err := c.launch(ctx, s)
		if err != nil {
			return err
		}
		if s.name == "api" {
			c.api = id
		}
		// RunInstances refills two calls a second.
		if err := c.clock.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	var err error
	if c.lab, err = c.launch(ctx, server{name: "lab", kind: "t3.medium"}); err != nil {
		return err
	}
	c.suite.EC2.AddInstanceProfile(profile)
	c.orders, err = c.launch(ctx, server{name: "orders", kind: "m5.xlarge", disks: []types.VolumeType{types.VolumeTypeGp3},
		managed: true})
	if err != nil {
		return err
	}
	c.mail, err = c.launch(ctx, server{name: "mail", kind: "t3.small", disks: []types.VolumeType{types.VolumeTypeGp3}})
	return err
}

// profile is the instance profile of what is managed.
const profile = "managed"

func (c *scene) launch(ctx context.Context, s server) (string, error) {
	tags := map[string]string{"Name": s.name, "Team": "platform"}
	for key, value := range s.tags {
		tags[key] = value
	}
	in := &ec2.RunInstancesInput{
		ImageId: aws.String(world.ImageX86), InstanceType: types.InstanceType(s.kind),
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), DisableApiStop: aws.Bool(s.protected),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tag.List(tags)}},
	}
	if s.managed {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String(profile)}
	}
	if s.image != "" {
		in.ImageId = aws.String(s.image)
	}
	for n, kind := range s.disks {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
			DeviceName: aws.String(fmt.Sprintf("/dev/sd%c", 'f'+n)),
			Ebs:        &types.EbsBlockDevice{VolumeType: kind, VolumeSize: aws.Int32(500)},
		})
	}
	if s.spot != "" {
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{
			MarketType:  types.MarketTypeSpot,
			SpotOptions: &types.SpotMarketOptions{SpotInstanceType: s.spot},
		}
		if s.spot == types.SpotInstanceTypePersistent {
			in.InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior = types.InstanceInterruptionBehaviorStop
		}
	}
	out, err := c.ec2.RunInstances(ctx, in)
	if err != nil {
		return "", fmt.Errorf("launching %s: %w", s.name, err)
	}
	return aws.ToString(out.Instances[0].InstanceId), nil
}

// rest stops what the scene wants stopped, once it runs.
func (c *scene) rest(ctx context.Context) error {
	for {
		out, err := c.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{
			Filters: []types.Filter{{Name: aws.String("tag:Name"), Values: []string{"reports"}}},
		})
		if err != nil {
			return fmt.Errorf("looking for reports: %w", err)
		}
		if reports := out.Reservations[0].Instances[0]; reports.State.Name == types.InstanceStateNameRunning {
			_, err = c.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{aws.ToString(reports.InstanceId)}})
			return err
		}
		if err := c.clock.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

func (c *scene) templates(ctx context.Context) error {
	for _, t := range []struct{ name, source, kind, image string }{
		{"web-fleet", "web", "t3.large", world.ImageX86},
		{"api", "api", "m5.large", world.ImageX86},
		{"api-graviton", "api", "m6g.large", world.ImageARM},
		{"shop", "nothing", "t3.micro", world.ImageX86},
		{"edge-alias", "edge", "t4g.small", "resolve:ssm:/goldsmith/images/edge"},
	} {
		_, err := c.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String(t.name),
			LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(t.image),
				InstanceType: types.InstanceType(t.kind)},
			TagSpecifications: []types.TagSpecification{{
				ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(map[string]string{tag.Source: t.source}),
			}},
		})
		if err != nil {
			return fmt.Errorf("making launch template %s: %w", t.name, err)
		}
	}
	_, err := c.ssm.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String("/goldsmith/images/edge"), Value: aws.String(world.ImageARM),
		Type: ssmtypes.ParameterTypeString, DataType: aws.String("aws:ec2:image"),
	})
	return err
}

// group is an Auto Scaling group of mixed instances: its members are never
// stopped, but replaced by an instance refresh to the rolled template's new version.
func (c *scene) group(ctx context.Context) error {
	_, err := c.scaling.CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("web-fleet"), MinSize: aws.Int32(1), MaxSize: aws.Int32(4),
		DesiredCapacity:   aws.Int32(1),
		AvailabilityZones: []string{"eu-central-1a"},
		MixedInstancesPolicy: &autoscalingtypes.MixedInstancesPolicy{
			LaunchTemplate: &autoscalingtypes.LaunchTemplate{
				LaunchTemplateSpecification: &autoscalingtypes.LaunchTemplateSpecification{
					LaunchTemplateName: aws.String("web-fleet"), Version: aws.String("1"),
				},
				Overrides: []autoscalingtypes.LaunchTemplateOverrides{{InstanceType: aws.String("t3.large")},
					{InstanceType: aws.String("m5.large")}},
			},
		},
		Tags: []autoscalingtypes.Tag{
			{Key: aws.String("Name"), Value: aws.String("web-fleet"), PropagateAtLaunch: aws.Bool(true)},
			{Key: aws.String(tag.Plan), Value: &c.name, PropagateAtLaunch: aws.Bool(true)},
		},
	})
	if err != nil {
		return fmt.Errorf("making Auto Scaling group web-fleet: %w", err)
	}
	return nil
}

// shop is an Auto Scaling group of two that can do with one: a member is taken out of service for its image. They are
// launched one after the other, so that it is the same one in every night of a seed that is the oldest.
func (c *scene) shop(ctx context.Context) error {
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("shop"), MinSize: aws.Int32(1), MaxSize: aws.Int32(2), DesiredCapacity: aws.Int32(1),
		AvailabilityZones: []string{"eu-central-1a"},
		LaunchTemplate: &autoscalingtypes.LaunchTemplateSpecification{
			LaunchTemplateName: aws.String("shop"), Version: aws.String("1"),
		},
	}
	tags := c.tags(map[string]string{"Name": "shop", tag.Plan: c.name})
	for _, key := range slices.Sorted(maps.Keys(tags)) { // In one order: ids are drawn by what a request says.
		in.Tags = append(in.Tags, autoscalingtypes.Tag{
			Key: &key, Value: aws.String(tags[key]), PropagateAtLaunch: aws.Bool(true),
		})
	}
	if _, err := c.scaling.CreateAutoScalingGroup(ctx, in); err != nil {
		return fmt.Errorf("making Auto Scaling group shop: %w", err)
	}
	for {
		if err := c.clock.Sleep(ctx, 2*time.Second); err != nil { // EC2 tells launch times in whole seconds.
			return err
		}
		out, err := c.scaling.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{
			AutoScalingGroupNames: []string{"shop"},
		})
		if err != nil {
			return fmt.Errorf("looking at Auto Scaling group shop: %w", err)
		}
		if slices.ContainsFunc(out.AutoScalingGroups[0].Instances, inService) {
			break
		}
	}
	_, err := c.scaling.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("shop"), DesiredCapacity: aws.Int32(2),
	})
	return err
}

func inService(i autoscalingtypes.Instance) bool {
	return i.LifecycleState == autoscalingtypes.LifecycleStateInService
}

// lose takes snapshots of the mail instance, and terminates it.
func (c *scene) lose(ctx context.Context) error {
	out, err := c.ec2.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
		InstanceSpecification: &types.InstanceSpecification{InstanceId: &c.mail},
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeSnapshot, Tags: tag.List(map[string]string{
				"Name": "mail", tag.ImageSettings: "rootDeviceName=/dev/xvda enaSupport=true",
			}),
		}},
	})
	if err != nil {
		return fmt.Errorf("taking snapshots of mail: %w", err)
	}
	byVolume := func(a, b types.SnapshotInfo) int { return cmp.Compare(*a.VolumeSize, *b.VolumeSize) }
	c.root = aws.ToString(slices.MinFunc(out.Snapshots, byVolume).SnapshotId) // The data volumes of the fleet are larger.
	c.data = aws.ToString(slices.MaxFunc(out.Snapshots, byVolume).SnapshotId)
	_, err = c.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{c.mail}})
	return err
}

// wanted are the sources that requests are for.
func (c *scene) wanted() []string { return []string{c.lab, c.root, c.data, c.orders} }

// ask puts the request tag on the lab instance, on both snapshots and on the database, as a person would.
func (c *scene) ask(ctx context.Context) error {
	for name, ids := range map[string][]string{tag.RequestDefault: {c.lab, c.root, c.data}, frozen: {c.orders}} {
		_, err := c.ec2.CreateTags(ctx, &ec2.CreateTagsInput{
			Resources: ids, Tags: []types.Tag{{Key: aws.String(tag.Request), Value: &name}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
