package usage

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

const (
	subject  = "ami-1"
	snapshot = "snap-1"
)

// searching is a search for one image with one snapshot.
func searching() *search {
	return newSearch([]types.Image{{
		ImageId: aws.String(subject), OwnerId: aws.String("123456789012"),
		BlockDeviceMappings: []types.BlockDeviceMapping{
			{VirtualName: aws.String("ephemeral0")}, {Ebs: &types.EbsBlockDevice{}}, mapping(snapshot),
		},
	}})
}

func mapping(id string) types.BlockDeviceMapping {
	return types.BlockDeviceMapping{Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(id)}}
}

// said are the reasons that were found for the image.
func (s *search) said() []string { return s.found().Uses[subject] }

// twoPages is an AWS that answers every describe in two pages: what uses the image is the last thing of the second.
type twoPages struct {
	EC2
	most []int32 // the page size that was asked for, each time
}

// second is the token of the second page, given where the request has none.
func (p *twoPages) second(token *string, most *int32) (next *string, last bool) {
	p.most = append(p.most, aws.ToInt32(most))
	if token == nil {
		return aws.String("second"), false
	}
	return nil, true
}

// of are the things of a page: one that is nothing to us, and on the last page what is.
func of[T any](last bool, nothing, use T) []T {
	if last {
		return []T{nothing, use}
	}
	return []T{nothing}
}

func (p *twoPages) DescribeInstances(
	_ context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options),
) (*ec2.DescribeInstancesOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	i := types.Instance{InstanceId: aws.String("i-1"), ImageId: aws.String(subject)}
	return &ec2.DescribeInstancesOutput{NextToken: next, Reservations: of(last, types.Reservation{},
		types.Reservation{Instances: []types.Instance{{ImageId: aws.String("ami-2")}, i}})}, nil
}

func (p *twoPages) DescribeLaunchTemplateVersions(
	_ context.Context, in *ec2.DescribeLaunchTemplateVersionsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	v := types.LaunchTemplateVersion{LaunchTemplateId: aws.String("lt-1"), VersionNumber: aws.Int64(7),
		LaunchTemplateData: &types.ResponseLaunchTemplateData{BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMapping{
			{}, {Ebs: &types.LaunchTemplateEbsBlockDevice{SnapshotId: aws.String(snapshot)}},
		}}}
	return &ec2.DescribeLaunchTemplateVersionsOutput{NextToken: next,
		LaunchTemplateVersions: of(last, types.LaunchTemplateVersion{}, v)}, nil
}

func (p *twoPages) DescribeFleets(
	_ context.Context, in *ec2.DescribeFleetsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeFleetsOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	o := types.FleetLaunchTemplateOverrides{BlockDeviceMappings: []types.BlockDeviceMappingResponse{
		{}, {Ebs: &types.EbsBlockDeviceResponse{SnapshotId: aws.String("snap-2")}},
		{Ebs: &types.EbsBlockDeviceResponse{SnapshotId: aws.String(snapshot)}},
	}}
	f := types.FleetData{FleetId: aws.String("fleet-1"), LaunchTemplateConfigs: []types.FleetLaunchTemplateConfig{
		{}, {Overrides: []types.FleetLaunchTemplateOverrides{{}, o}},
	}}
	return &ec2.DescribeFleetsOutput{NextToken: next, Fleets: of(last, types.FleetData{}, f)}, nil
}

func (p *twoPages) DescribeSpotFleetRequests(
	_ context.Context, in *ec2.DescribeSpotFleetRequestsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeSpotFleetRequestsOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	f := types.SpotFleetRequestConfig{SpotFleetRequestId: aws.String("sfr-1"),
		SpotFleetRequestConfig: &types.SpotFleetRequestConfigData{LaunchSpecifications: []types.SpotFleetLaunchSpecification{
			{}, {BlockDeviceMappings: []types.BlockDeviceMapping{{}, mapping("snap-2"), mapping(snapshot)}},
		}}}
	return &ec2.DescribeSpotFleetRequestsOutput{NextToken: next,
		SpotFleetRequestConfigs: of(last, types.SpotFleetRequestConfig{}, f)}, nil
}

func (p *twoPages) DescribeSpotInstanceRequests(
	_ context.Context, in *ec2.DescribeSpotInstanceRequestsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeSpotInstanceRequestsOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	r := types.SpotInstanceRequest{SpotInstanceRequestId: aws.String("sir-1"), State: types.SpotInstanceStateOpen,
		LaunchSpecification: &types.LaunchSpecification{BlockDeviceMappings: []types.BlockDeviceMapping{mapping(snapshot)}}}
	return &ec2.DescribeSpotInstanceRequestsOutput{NextToken: next,
		SpotInstanceRequests: of(last, types.SpotInstanceRequest{}, r)}, nil
}

func (p *twoPages) DescribeImageReferences(
	_ context.Context, in *ec2.DescribeImageReferencesInput, _ ...func(*ec2.Options),
) (*ec2.DescribeImageReferencesOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	return &ec2.DescribeImageReferencesOutput{NextToken: next, ImageReferences: of(last, types.ImageReference{},
		types.ImageReference{
			ImageId: aws.String(subject), Arn: aws.String("arn:aws:new:thing/x"), ResourceType: "new:Thing",
		})}, nil
}

func (p *twoPages) DescribeVolumes(
	_ context.Context, in *ec2.DescribeVolumesInput, _ ...func(*ec2.Options),
) (*ec2.DescribeVolumesOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	return &ec2.DescribeVolumesOutput{NextToken: next, Volumes: of(last, types.Volume{},
		types.Volume{VolumeId: aws.String("vol-1"), SnapshotId: aws.String(snapshot)})}, nil
}

func (p *twoPages) DescribeFastSnapshotRestores(
	_ context.Context, in *ec2.DescribeFastSnapshotRestoresInput, _ ...func(*ec2.Options),
) (*ec2.DescribeFastSnapshotRestoresOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	return &ec2.DescribeFastSnapshotRestoresOutput{NextToken: next, FastSnapshotRestores: of(last,
		types.DescribeFastSnapshotRestoreSuccessItem{State: "disabled", SnapshotId: aws.String(snapshot)},
		types.DescribeFastSnapshotRestoreSuccessItem{
			State: "enabled", SnapshotId: aws.String(snapshot), AvailabilityZone: aws.String("a"),
		})}, nil
}

func (p *twoPages) DescribeLockedSnapshots(
	_ context.Context, in *ec2.DescribeLockedSnapshotsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeLockedSnapshotsOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	return &ec2.DescribeLockedSnapshotsOutput{NextToken: next, Snapshots: of(last,
		types.LockedSnapshotsInfo{LockState: types.LockStateExpired, SnapshotId: aws.String(snapshot)},
		types.LockedSnapshotsInfo{LockState: types.LockStateGovernance, SnapshotId: aws.String(snapshot)})}, nil
}

func (p *twoPages) DescribeSnapshotTierStatus(
	_ context.Context, in *ec2.DescribeSnapshotTierStatusInput, _ ...func(*ec2.Options),
) (*ec2.DescribeSnapshotTierStatusOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	if len(in.Filters) != 1 || !slices.Equal(in.Filters[0].Values, []string{snapshot}) {
		return &ec2.DescribeSnapshotTierStatusOutput{}, nil
	}
	return &ec2.DescribeSnapshotTierStatusOutput{NextToken: next, SnapshotTierStatuses: of(last,
		types.SnapshotTierStatus{SnapshotId: aws.String(snapshot), StorageTier: types.StorageTierStandard},
		types.SnapshotTierStatus{SnapshotId: aws.String(snapshot), StorageTier: types.StorageTierArchive})}, nil
}

func (p *twoPages) DescribeAutoScalingGroups(
	_ context.Context, in *autoscaling.DescribeAutoScalingGroupsInput, _ ...func(*autoscaling.Options),
) (*autoscaling.DescribeAutoScalingGroupsOutput, error) {
	next, last := p.second(in.NextToken, in.MaxRecords)
	overrides := []scaling.LaunchTemplateOverrides{{}, {ImageId: aws.String(subject)}}
	g := scaling.AutoScalingGroup{
		AutoScalingGroupName: aws.String("web"), MixedInstancesPolicy: &scaling.MixedInstancesPolicy{
			LaunchTemplate: &scaling.LaunchTemplate{Overrides: overrides},
		},
	}
	mixed := scaling.AutoScalingGroup{MixedInstancesPolicy: &scaling.MixedInstancesPolicy{}}
	return &autoscaling.DescribeAutoScalingGroupsOutput{NextToken: next, AutoScalingGroups: of(last, mixed, g)}, nil
}

func (p *twoPages) DescribeLaunchConfigurations(
	_ context.Context, in *autoscaling.DescribeLaunchConfigurationsInput, _ ...func(*autoscaling.Options),
) (*autoscaling.DescribeLaunchConfigurationsOutput, error) {
	next, last := p.second(in.NextToken, in.MaxRecords)
	mappings := []scaling.BlockDeviceMapping{
		{}, {Ebs: &scaling.Ebs{SnapshotId: aws.String("snap-2")}}, {Ebs: &scaling.Ebs{SnapshotId: aws.String(snapshot)}},
	}
	c := scaling.LaunchConfiguration{LaunchConfigurationName: aws.String("web"), BlockDeviceMappings: mappings}
	return &autoscaling.DescribeLaunchConfigurationsOutput{NextToken: next,
		LaunchConfigurations: of(last, scaling.LaunchConfiguration{}, c)}, nil
}

func (p *twoPages) DescribeInstanceRefreshes(
	_ context.Context, in *autoscaling.DescribeInstanceRefreshesInput, _ ...func(*autoscaling.Options),
) (*autoscaling.DescribeInstanceRefreshesOutput, error) {
	next, last := p.second(in.NextToken, in.MaxRecords)
	return &autoscaling.DescribeInstanceRefreshesOutput{NextToken: next,
		InstanceRefreshes: of(last, scaling.InstanceRefresh{},
			scaling.InstanceRefresh{Status: scaling.InstanceRefreshStatusInProgress,
				DesiredConfiguration: &scaling.DesiredConfiguration{
					MixedInstancesPolicy: &scaling.MixedInstancesPolicy{LaunchTemplate: &scaling.LaunchTemplate{
						Overrides: []scaling.LaunchTemplateOverrides{{ImageId: aws.String(subject)}},
					}},
				}})}, nil
}

func (p *twoPages) GetParametersByPath(
	_ context.Context, in *ssm.GetParametersByPathInput, _ ...func(*ssm.Options),
) (*ssm.GetParametersByPathOutput, error) {
	next, last := p.second(in.NextToken, in.MaxResults)
	last = last && aws.ToBool(in.Recursive) // It lies below another level.
	return &ssm.GetParametersByPathOutput{NextToken: next, Parameters: of(last, ssmtypes.Parameter{},
		ssmtypes.Parameter{Name: aws.String("/golden/web"), Value: aws.String(subject)})}, nil
}

func (p *twoPages) GetParameters(
	_ context.Context, in *ssm.GetParametersInput, _ ...func(*ssm.Options),
) (*ssm.GetParametersOutput, error) {
	var out ssm.GetParametersOutput
	for _, name := range in.Names {
		value := "ami-2"
		if name == last11 {
			value = subject
		}
		out.Parameters = append(out.Parameters, ssmtypes.Parameter{
			ARN: aws.String(name), Name: aws.String("by its ARN"), Value: aws.String(value),
		})
	}
	return &out, nil
}

// last11 is the last of eleven parameters that templates name by their ARNs.
const last11 = "arn:aws:ssm:eu-west-1:123456789012:parameter/p-10"

// Every describe is read to its last page and to the last thing in it, in the largest pages that there are.
func TestEveryPageIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		look func(Finder, context.Context, *search) error
		most int32
		said string
	}{
		"instances":      {Finder.instances, 1000, "instance i-1 (state unknown)"},
		"templates":      {Finder.templates, 200, "snapshot snap-1: launch template  (lt-1) version 7, its latest"},
		"groups":         {resolved(Finder.groups), 100, "override of Auto Scaling group web"},
		"configurations": {Finder.configurations, 100, "snapshot snap-1: launch configuration web"},
		"refreshes":      {refreshing, 100, "override of instance refresh of Auto Scaling group web"},
		"fleets":         {Finder.fleets, 1000, "snapshot snap-1: override of EC2 Fleet fleet-1"},
		"spot fleets":    {Finder.spotFleets, 1000, "snapshot snap-1: Spot Fleet sfr-1"},
		"spot requests":  {Finder.spotRequests, 1000, "snapshot snap-1: Spot request sir-1 (open)"},
		"pins":           {pinning, 200, "snapshot snap-1: group web pins version 7 of launch template  (lt-1)"},
		"references":     {Finder.references, 1000, "new:Thing arn:aws:new:thing/x"},
		"aliases":        {Finder.aliases, 10, "parameter /golden/web"},
		"volumes":        {Finder.volumes, 500, "snapshot snap-1: volume vol-1 is being created from it"},
		"restores":       {Finder.restores, 200, "snapshot snap-1: Fast Snapshot Restore is enabled in a"},
		"locks":          {Finder.locks, 1000, "snapshot snap-1: locked (governance)"},
		"tiers":          {Finder.tiers, 1000, "snapshot snap-1: archived, or on its way into or out of the archive"},
	} {
		p, s := &twoPages{}, searching()
		if err := c.look(Finder{EC2: p, AutoScaling: p, SSM: p}, t.Context(), s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := s.said(); !slices.Equal(got, []string{c.said}) {
			t.Errorf("%s: %q, want %q", name, got, c.said)
		}
		if !slices.Equal(p.most, []int32{c.most, c.most}) {
			t.Errorf("%s: pages of %d, want two of %d", name, p.most, c.most)
		}
	}
}

// resolved looks, and resolves what was named.
func resolved(look func(Finder, context.Context, *search) error) func(Finder, context.Context, *search) error {
	return func(g Finder, ctx context.Context, s *search) error {
		if err := look(g, ctx, s); err != nil {
			return err
		}
		return g.resolve(ctx, s)
	}
}

func refreshing(g Finder, ctx context.Context, s *search) error {
	s.old[subject], s.groupsOf[templateOf{id: "lt-1"}] = []string{"lt-1"}, []string{"web"}
	return g.refreshes(ctx, s)
}

func pinning(g Finder, ctx context.Context, s *search) error {
	s.pins.add("group web", aws.String("lt-1"), nil, aws.String("7"))
	return g.pinnedVersions(ctx, s)
}

// Parameters are read ten at a time, also when they are named by their ARNs.
func TestParametersByTheirARNs(t *testing.T) {
	p, s := &twoPages{}, searching()
	for _, n := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"} {
		name := "resolve:ssm:arn:aws:ssm:eu-west-1:123456789012:parameter/p-" + n
		s.named = append(s.named, mention{name, use{"lt-" + n, "template " + n}})
	}
	if err := (Finder{SSM: p}).resolve(t.Context(), s); err != nil || !slices.Equal(s.said(), []string{"template 10"}) {
		t.Errorf("%q, %v", s.said(), err)
	}
}
