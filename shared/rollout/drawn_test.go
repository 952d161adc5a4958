package rollout_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// drawn is a world that chance has made: templates by any version, what launches from them, parameters that they take
// images from, and persons who edit all of them between rolls and rollbacks.
type drawn struct {
	*world
	*rand.Rand
	// templates are their ids, by number, versions how many each was made with.
	templates []string
	versions  []int
	fleets    []string
	roll      plan.Roll
	// twin is another instance that is called web.
	twin string
	// last is the roll that was tried last.
	last attempt
	log  strings.Builder
	// seen is how all was when it was looked at last.
	seen map[string]bool
	// machine is what EC2 says of the images that are rolled.
	machine rollout.Machine
	// told are problems and notes that were written down before.
	told map[string]bool
	// first is what the versions of each template are edits of.
	first []*types.RequestLaunchTemplateData
}

// parameters are those that there may be; the last one is the alias of web.
var parameters = []string{"/golden/web", "/golden/text", "/goldsmith/images/web"}

// attempt is an image of a source that is to be rolled.
type attempt struct{ source, image, run string }

// newDrawn makes a world; the same one for the same number.
func newDrawn(t *testing.T, number int) *drawn {
	t.Helper()
	s := steptest.New(t)
	d := &drawn{world: newWorld(s), Rand: rand.New(rand.NewPCG(uint64(number), 1)),
		told: map[string]bool{}} //nolint:gosec // drawn worlds, no secrets
	for i, name := range []string{"next", "last"} {
		d.images[name] = fmt.Sprintf("ami-0000000000000001%d", i)
		s.Cloud.AddImage(d.images[name])
	}
	out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{d.images["new"]}})
	s.Must(err)
	d.machine = rollout.MachineOf(out.Images[0])
	d.images["windows"], d.images["arm"], d.images["gone"] = ec2.ImageWindows, ec2.ImageARM, "ami-0123456789abcdef0"
	d.twin = s.Launch("web", map[string]string{tag.Plan: "nightly"})
	for _, name := range parameters {
		if d.odds(2) {
			d.parameter(name, "old")
		}
	}
	d.roll = plan.Roll{Together: d.odds(3), Base: pick(d, "", "", plan.BaseDefault, plan.BaseLatest)}
	d.roll.Refresh.Enabled, d.roll.Refresh.Warn = d.odds(3), d.odds(3)
	for n := range 1 + d.IntN(3) {
		d.template(n)
	}
	for n := range d.IntN(4) {
		d.launcher(n)
	}
	return d
}

// odds are one in so many.
func (d *drawn) odds(most int) bool { return d.IntN(most) == 0 }

func pick[T any](d *drawn, from ...T) T { return from[d.IntN(len(from))] }

// template makes one that follows web by name, by id, by the plan's list, or not at all.
func (d *drawn) template(n int) {
	d.Helper()
	follows := pick(d, "web", "web", "web", d.Web, "")
	tags := map[string]string{"team": "a"}
	switch {
	case follows != "":
		tags[tag.Source] = follows
	case d.odds(2):
		d.roll.Templates = map[string][]string{pick(d, "web", "web", "db"): {fmt.Sprint("fleet", n)}}
	}
	if d.odds(3) {
		tags[tag.Base] = pick(d, "default", "latest", "default", "latest", "newest")
	}
	if d.odds(15) {
		tags["eks:nodegroup-name"] = "blue"
	}
	first := d.drawnData(nil)
	made, err := d.EC2.CreateLaunchTemplate(d.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(fmt.Sprint("fleet", n)), LaunchTemplateData: first,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(tags)}},
	})
	d.Must(err)
	d.templates, d.first = append(d.templates, aws.ToString(made.LaunchTemplate.LaunchTemplateId)), append(d.first, first)
	count := d.IntN(3)
	for range count {
		d.edited(n, d.drawnData(first))
	}
	d.versions = append(d.versions, count+1)
	d.standard(n, 1+d.IntN(count+1))
}

// drawnData is launch data; most of it that of former versions.
func (d *drawn) drawnData(former *types.RequestLaunchTemplateData) *types.RequestLaunchTemplateData {
	image := pick(d, "old", "old", "old", "old", "old", "other", "other", "new", "none", "windows", "arm", "gone",
		"resolve:ssm:/golden/web", "resolve:ssm:/golden/web", "resolve:ssm:/goldsmith/images/web",
		"resolve:ssm:/golden/text", "resolve:ssm:/golden/web:1")
	if former != nil && !d.odds(8) {
		next := *former
		if d.odds(3) {
			next.KeyName = aws.String(pick(d, "a", "b"))
		} else {
			next.ImageId = d.named(image)
		}
		return &next
	}
	data := &types.RequestLaunchTemplateData{KeyName: aws.String("a"), ImageId: d.named(image),
		InstanceType: pick[types.InstanceType](d, "t3.micro", "t3.micro", "t3.micro", "m6g.large", "c5.metal", "")}
	if d.odds(9) {
		data.InstanceType, data.InstanceRequirements = "", &types.InstanceRequirementsRequest{
			VCpuCount: &types.VCpuCountRangeRequest{Min: aws.Int32(2), Max: aws.Int32(2)},
			MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(4096), Max: aws.Int32(8192)},
		}
	}
	if d.odds(4) {
		data.BlockDeviceMappings = []types.LaunchTemplateBlockDeviceMappingRequest{d.mapping()}
	}
	return data
}

// named is an image's id by its short name; other texts are themselves.
func (d *drawn) named(image string) *string {
	id, known := d.images[image]
	if !known {
		id = image
	}
	if id == "" {
		return nil
	}
	return aws.String(id)
}

func (d *drawn) mapping() types.LaunchTemplateBlockDeviceMappingRequest {
	ebs := types.LaunchTemplateEbsBlockDeviceRequest{}
	switch d.IntN(5) {
	case 0:
		return types.LaunchTemplateBlockDeviceMappingRequest{DeviceName: aws.String(pick(d, "/dev/xvda", "/dev/sdf")),
			NoDevice: aws.String("")}
	case 1:
		ebs.SnapshotId = aws.String("snap" + ec2.ImageX86[len("ami"):])
	case 2:
		ebs.SnapshotId = aws.String("snap" + ec2.ImageWindows[len("ami"):])
	case 3:
		ebs.VolumeType, ebs.Iops = types.VolumeTypeIo1, aws.Int32(300)
	}
	if d.odds(2) || ebs == (types.LaunchTemplateEbsBlockDeviceRequest{}) {
		ebs.VolumeSize = aws.Int32(pick[int32](d, 4, 8, 50))
	}
	return types.LaunchTemplateBlockDeviceMappingRequest{
		DeviceName: aws.String(pick(d, "/dev/xvda", "/dev/xvda", "/dev/sdf", "/dev/sda1")), Ebs: &ebs,
	}
}

// launcher is a group, or a fleet, that launches from one of the templates. What EC2 refuses is left out.
func (d *drawn) launcher(n int) {
	of := d.IntN(len(d.templates))
	version := pick(d, "$Default", "$Latest", "$Default", "$Latest", "1", fmt.Sprint(d.versions[of]))
	if d.odds(4) {
		made, err := d.EC2.CreateFleet(d.Context(), &sdk.CreateFleetInput{
			Type: types.FleetTypeMaintain, TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{
				TotalTargetCapacity: aws.Int32(0), DefaultTargetCapacityType: "on-demand"},
			LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{
					LaunchTemplateId: aws.String(d.templates[of]), Version: aws.String(version)},
			}},
		})
		d.Must(err)
		d.fleets = append(d.fleets, aws.ToString(made.FleetId))
		return
	}
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(fmt.Sprint("group", n)), MinSize: aws.Int32(0), MaxSize: aws.Int32(1),
		DesiredCapacity: aws.Int32(0), AvailabilityZones: []string{"eu-central-1a"},
		LaunchTemplate: &scaling.LaunchTemplateSpecification{LaunchTemplateId: aws.String(d.templates[of]),
			Version: aws.String(version)},
	}
	if d.odds(3) {
		override := scaling.LaunchTemplateOverrides{InstanceType: aws.String(pick(d, "t3.small", "m6g.large", "c5.metal"))}
		in.MixedInstancesPolicy = &scaling.MixedInstancesPolicy{LaunchTemplate: &scaling.LaunchTemplate{
			LaunchTemplateSpecification: in.LaunchTemplate, Overrides: []scaling.LaunchTemplateOverrides{override},
		}}
		in.LaunchTemplate = nil
	}
	if d.odds(4) {
		in.Tags = []scaling.Tag{{Key: aws.String("elasticbeanstalk:environment-name"), Value: aws.String("shop")}}
	}
	_, _ = d.AutoScaling.CreateAutoScalingGroup(d.Context(), in)
}

// short has names in the place of ids.
func (d *drawn) short(text string) string {
	names := []string{d.Web, "i-web", d.twin, "i-twin"}
	for name, id := range d.images {
		if id != "" {
			names = append(names, id, name)
		}
	}
	for n, id := range d.templates {
		names = append(names, id, fmt.Sprint("lt", n))
	}
	for n, id := range d.fleets {
		names = append(names, id, fmt.Sprint("f", n))
	}
	return strings.NewReplacer(names...).Replace(text)
}
