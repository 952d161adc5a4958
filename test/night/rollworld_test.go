package night_test

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/local/ec2"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// rollWorld is a plan, a source, templates that follow it, and what launches from them.
type rollWorld struct {
	edit      func(*plan.Plan)
	base      plan.Base
	source    string
	templates []rollTemplate
	launchers []rollLauncher
	refresh   bool // whether a rollback refreshes groups
	lost      bool // whether image second is deregistered before the rollback
	byID      bool // whether the rollback is of the source's id
	edits     []rollEdit
}

// What stands for something that is made with the world: an image equal to ec2.ImageX86, the source's id, and the
// aliases of its name and of its id.
const (
	second    = "second"
	webID     = "the id of web"
	nameAlias = "the alias of web"
	idAlias   = "the alias of the id of web"
)

// rollTemplate is a launch template; versions edit the first, one after the other.
type rollTemplate struct {
	listed   bool // whether the plan lists it
	tags     map[string]string
	first    types.RequestLaunchTemplateData
	versions []types.RequestLaunchTemplateData
	standard int // the default version
}

// rollLauncher launches from a template: a group, or a fleet.
type rollLauncher struct {
	template               int
	fleet, protected, warm bool
	version                string
	overrides              []string // instance types
	attributes             bool     // an override with instance requirements
	ofAws                  bool
}

// anyRollWorld draws what decides about rolls.
var anyRollWorld = rapid.Custom(func(t *rapid.T) rollWorld {
	w := rollWorld{
		source: rapid.SampledFrom([]string{"private", "private", "private", "private", "grown private", "kept private",
			"grown kept m5.large private", "t2.micro private", "image=uefi private", "image=tpm m5.large private",
			"image=plain t2.micro private", "image=tpm m5.large private", "magnetic kept private", "image=tpm m5.large private",
			"image=" + ec2.ImageWindows + " m5.large private"}).Draw(t, "source"),
		refresh: rapid.Bool().Draw(t, "refresh of a rollback"), lost: rapid.IntRange(0, 3).Draw(t, "second is lost") == 0,
	}
	refreshes := rapid.SampledFrom([]string{"enabled", "warn", "none", "enabled", "warn"}).Draw(t, "refreshes")
	w.base = rapid.SampledFrom([]plan.Base{"", "", plan.BaseDefault, plan.BaseLatest}).Draw(t, "base")
	together := rapid.IntRange(0, 4).Draw(t, "together") == 0
	protected := rapid.SampledFrom([]plan.Protected{"", plan.ProtectedIgnore, plan.ProtectedRefresh}).Draw(t, "protected")
	w.edit = func(p *plan.Plan) {
		p.Roll.Base, p.Roll.Together, p.Roll.Refresh.Protected = w.base, together, protected
		p.Roll.Refresh.Enabled, p.Roll.Refresh.Warn = refreshes == "enabled", refreshes == "warn"
		p.Roll.Templates = w.listing()
	}
	w.templates = rapid.SliceOfN(anyRollTemplate, 1, 3).Draw(t, "templates")
	for range rapid.IntRange(1, 6).Draw(t, "launchers") {
		w.launchers = append(w.launchers, anyLauncher(t, w.templates))
	}
	w.byID = rapid.IntRange(0, 5).Draw(t, "rollback of the id") == 0
	if rapid.Bool().Draw(t, "edited") {
		w.edits = rapid.SliceOfN(anyRollEdit(len(w.templates)), 1, 3).Draw(t, "edits")
	}
	return w
})

// listing is the templates that the plan lists.
func (w rollWorld) listing() map[string][]string {
	all := map[string][]string{}
	for i, t := range w.templates {
		if t.listed {
			all["web"] = append(all["web"], fmt.Sprintf("template-%d", i))
		}
	}
	return all
}

var anyRollTemplate = rapid.Custom(func(t *rapid.T) rollTemplate {
	images := []string{ec2.ImageX86, ec2.ImageX86, ec2.ImageX86, ec2.ImageX86, second, second, "uefi", "plain",
		"encrypted", "resolve:ssm:/golden/one", "resolve:ssm:/golden/text", "resolve:ssm:/golden/one:1", nameAlias, idAlias}
	one := rollTemplate{
		tags: map[string]string{tag.Source: "web"},
		first: types.RequestLaunchTemplateData{
			ImageId: aws.String(rapid.SampledFrom(images).Draw(t, "image")), InstanceType: anyType(t),
			BlockDeviceMappings: anyMappings(t), UserData: aws.String("Zmlyc3Q="),
		},
	}
	if rapid.IntRange(0, 4).Draw(t, "requirements") == 0 {
		one.first.InstanceType, one.first.InstanceRequirements = "", &types.InstanceRequirementsRequest{
			VCpuCount: &types.VCpuCountRangeRequest{Min: aws.Int32(2), Max: aws.Int32(2)},
			MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(4096), Max: aws.Int32(8192)},
		}
	}
	if rapid.IntRange(0, 5).Draw(t, "hibernates") == 0 && one.first.InstanceRequirements == nil {
		one.first.HibernationOptions = &types.LaunchTemplateHibernationOptionsRequest{Configured: aws.Bool(true)}
		one.first.ImageId, one.first.InstanceType = aws.String("encrypted"), types.InstanceTypeM5Large
	}
	for range rapid.IntRange(0, 3).Draw(t, "versions") {
		edit := rapid.SampledFrom([]types.RequestLaunchTemplateData{
			{}, {UserData: aws.String("c2Vjb25k")}, {ImageId: aws.String(ec2.ImageX86)}, {EbsOptimized: aws.Bool(true)},
			{ImageId: aws.String(ec2.ImageWindows)}, {ImageId: aws.String(second)}, {ImageId: aws.String(second)},
		}).Draw(t, "edit")
		one.versions = append(one.versions, edit)
	}
	one.standard = rapid.IntRange(1, len(one.versions)+1).Draw(t, "default")
	switch rapid.IntRange(0, 9).Draw(t, "more tags") {
	case 0:
		one.tags[tag.Base] = "latest"
	case 1:
		one.tags[tag.Base] = "default"
	case 2:
		one.tags["eks:nodegroup-name"] = "blue"
	}
	if rapid.IntRange(0, 2).Draw(t, "plain") == 0 { // Every group can launch from such a one.
		one.first = types.RequestLaunchTemplateData{
			ImageId:      aws.String(rapid.SampledFrom([]string{ec2.ImageX86, second}).Draw(t, "plain image")),
			InstanceType: types.InstanceTypeT3Micro, UserData: one.first.UserData,
		}
	}
	one.by(rapid.SampledFrom([]string{"name", "name", "name", "name", "id", "list", "alias", "alias of the id"}).
		Draw(t, "by"))
	return one
})

// by has a template take the source's images by its name, by its id, by the plan's list, or by an alias alone.
func (t *rollTemplate) by(what string) {
	if what != "name" {
		delete(t.tags, tag.Source)
	}
	switch what {
	case "id":
		t.tags[tag.Source] = webID
	case "list":
		t.listed = true
	case "alias":
		t.first.ImageId = aws.String(nameAlias)
	case "alias of the id":
		t.first.ImageId = aws.String(idAlias)
	}
}

func anyType(t *rapid.T) types.InstanceType {
	return rapid.SampledFrom([]types.InstanceType{"t3.micro", "t3.micro", "t3.micro", "t3.micro", "m5.large",
		"m5.large", "t2.micro", "m6g.large", "m4.large", "c5.metal", "hpc7a.12xlarge", "hpc7a.12xlarge", ""}).Draw(t, "type")
}

func anyMappings(t *rapid.T) []types.LaunchTemplateBlockDeviceMappingRequest {
	one := func(device string, ebs types.LaunchTemplateEbsBlockDeviceRequest) []types.LaunchTemplateBlockDeviceMappingRequest {
		return []types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String(device), Ebs: &ebs}}
	}
	own, windows := "snap"+ec2.ImageX86[len("ami"):], "snap"+ec2.ImageWindows[len("ami"):]
	return rapid.SampledFrom([][]types.LaunchTemplateBlockDeviceMappingRequest{
		nil, nil, nil,
		one("/dev/xvda", types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(8)}),
		one("/dev/xvda", types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(100),
			DeleteOnTermination: aws.Bool(true)}),
		one("/dev/xvda", types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: aws.String(own)}),
		one("/dev/xvda", types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: aws.String(own), VolumeSize: aws.Int32(20)}),
		one("/dev/sdm", types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: aws.String(windows)}),
		one("/dev/sda1", types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(10)}),
		one("/dev/xvda", types.LaunchTemplateEbsBlockDeviceRequest{VolumeType: types.VolumeTypeIo2, Iops: aws.Int32(9000)}),
		one("/dev/xvda", types.LaunchTemplateEbsBlockDeviceRequest{Iops: aws.Int32(3500)}),
		one("/dev/xvda", types.LaunchTemplateEbsBlockDeviceRequest{Throughput: aws.Int32(300)}),
		one("/dev/xvda", types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(2000)}),
		one("/dev/sdk", types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(20)}),
		one("sdk", types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(20)}),
		one("sdk", types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(20)}),
	}).Draw(t, "mappings")
}

func anyLauncher(t *rapid.T, templates []rollTemplate) rollLauncher {
	l := rollLauncher{
		template: rapid.IntRange(0, len(templates)-1).Draw(t, "template"), fleet: rapid.IntRange(0, 3).Draw(t, "fleet") == 0,
		protected: rapid.IntRange(0, 4).Draw(t, "protected") == 0, ofAws: rapid.IntRange(0, 5).Draw(t, "of AWS") == 0,
		warm: rapid.Bool().Draw(t, "warm pool"),
	}
	versions := []string{"$Default", "$Latest", "$Default", "$Latest"}
	for v := range len(templates[l.template].versions) + 1 {
		versions = append(versions, fmt.Sprint(v+1))
	}
	l.version = rapid.SampledFrom(versions).Draw(t, "version")
	if rapid.IntRange(0, 2).Draw(t, "mixed") == 0 {
		l.overrides = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"t3.small", "m5.large", "t2.micro",
			"t3.medium", "m4.large", "c5.metal", "hpc7a.12xlarge"}), 1, 2, rapid.ID).Draw(t, "overrides")
		l.attributes = rapid.IntRange(0, 3).Draw(t, "attributes") == 0
	}
	return l
}

// build makes the world; launchers that AWS refuses are left out.
func (n *night) build(w rollWorld) (web string, templates []string, launchers []rollLauncher) {
	n.t.Helper()
	n.second = n.registered("second", true)
	n.stands = map[string]string{
		second: n.second, "plain": n.registered("plain", false),
		"uefi": n.registered("uefi", true, func(in *sdk.RegisterImageInput) { in.BootMode = types.BootModeValuesUefi }),
		"tpm": n.registered("tpm", true, func(in *sdk.RegisterImageInput) {
			in.BootMode, in.TpmSupport = types.BootModeValuesUefi, types.TpmSupportValuesV20
		}),
		"encrypted": n.encrypted(),
	}
	for name, id := range n.stands {
		w.source = strings.Replace(w.source, "image="+name+" ", "image="+id+" ", 1)
	}
	web = n.launch("web", w.source)
	n.stands[webID], n.stands[nameAlias] = web, "resolve:ssm:/goldsmith/images/web"
	n.stands[idAlias] = "resolve:ssm:/goldsmith/images/" + web
	n.alias("/golden/one", ec2.ImageX86)
	n.text("/golden/text", ec2.ImageX86)
	n.alias("/goldsmith/images/web", ec2.ImageX86)
	n.alias("/goldsmith/images/"+web, ec2.ImageX86)
	for i, t := range w.templates {
		templates = append(templates, n.versioned(fmt.Sprintf("template-%d", i), t))
	}
	for i, l := range w.launchers {
		if err := n.launcher(fmt.Sprintf("launcher-%d", i), templates[l.template], l); err == nil {
			launchers = append(launchers, l)
		}
	}
	time.Sleep(5 * time.Minute)
	return web, templates, launchers
}

// encrypted is an image like ImageX86 whose root is encrypted.
func (n *night) encrypted() string {
	n.t.Helper()
	out := must(n.cloud.CopyImage(n.ctx, &sdk.CopyImageInput{
		Name: aws.String("encrypted"), SourceImageId: aws.String(ec2.ImageX86), SourceRegion: aws.String("eu-central-1"),
		Encrypted: aws.Bool(true),
	}))(n.t)
	time.Sleep(10 * time.Minute)
	return aws.ToString(out.ImageId)
}

func (n *night) versioned(name string, t rollTemplate) string {
	n.t.Helper()
	t.first = n.filled(t.first)
	tags := maps.Clone(t.tags)
	if id := n.stands[tags[tag.Source]]; id != "" {
		tags[tag.Source] = id
	}
	made := must(n.cloud.CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name), LaunchTemplateData: &t.first,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(tags)}},
	}))(n.t)
	id := aws.ToString(made.LaunchTemplate.LaunchTemplateId)
	for i, edit := range t.versions {
		edit = n.filled(edit)
		edit.BlockDeviceMappings = t.first.BlockDeviceMappings // EC2 drops snapshots that are not sent again.
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(id), SourceVersion: aws.String(fmt.Sprint(i + 1)), LaunchTemplateData: &edit,
		}))(n.t)
	}
	n.makeDefault(id, fmt.Sprint(t.standard))
	return id
}

// filled is launch data with the image that a name stands for.
func (n *night) filled(data types.RequestLaunchTemplateData) types.RequestLaunchTemplateData {
	if id := n.stands[aws.ToString(data.ImageId)]; id != "" {
		data.ImageId = aws.String(id)
	}
	return data
}

func (n *night) launcher(name, template string, l rollLauncher) error {
	if l.fleet {
		return n.fleetOf(template, l)
	}
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(1), MaxSize: aws.Int32(9),
		AvailabilityZones:                []string{"eu-central-1a"},
		NewInstancesProtectedFromScaleIn: aws.Bool(l.protected), LaunchTemplate: specOf(template, l.version),
	}
	if l.ofAws {
		in.Tags = []scaling.Tag{{Key: aws.String("elasticbeanstalk:environment-name"), Value: aws.String("shop")}}
	}
	if len(l.overrides) > 0 {
		policy := &scaling.LaunchTemplate{LaunchTemplateSpecification: in.LaunchTemplate}
		for _, kind := range l.overrides {
			policy.Overrides = append(policy.Overrides, scaling.LaunchTemplateOverrides{InstanceType: aws.String(kind)})
		}
		if l.attributes {
			policy.Overrides = []scaling.LaunchTemplateOverrides{{InstanceRequirements: &scaling.InstanceRequirements{
				VCpuCount: &scaling.VCpuCountRequest{Min: aws.Int32(2)}, MemoryMiB: &scaling.MemoryMiBRequest{Min: aws.Int32(4096)},
			}}}
		}
		in.LaunchTemplate, in.MixedInstancesPolicy = nil, &scaling.MixedInstancesPolicy{LaunchTemplate: policy}
	}
	_, err := n.scaling().CreateAutoScalingGroup(n.ctx, in)
	if err == nil && l.warm { // A group that may have none goes without.
		_, _ = n.scaling().PutWarmPool(n.ctx, &autoscaling.PutWarmPoolInput{
			AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(1), MaxGroupPreparedCapacity: aws.Int32(2),
		})
	}
	return err
}

func (n *night) fleetOf(template string, l rollLauncher) error {
	config := types.FleetLaunchTemplateConfigRequest{
		LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{LaunchTemplateId: aws.String(template),
			Version: aws.String(l.version)},
	}
	for _, kind := range l.overrides {
		config.Overrides = append(config.Overrides,
			types.FleetLaunchTemplateOverridesRequest{InstanceType: types.InstanceType(kind)})
	}
	if l.attributes {
		config.Overrides = []types.FleetLaunchTemplateOverridesRequest{{
			InstanceRequirements: &types.InstanceRequirementsRequest{
				VCpuCount: &types.VCpuCountRangeRequest{Min: aws.Int32(2)},
				MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(4096)},
			},
		}}
	}
	_, err := n.cloud.CreateFleet(n.ctx, &sdk.CreateFleetInput{
		Type: types.FleetTypeMaintain, LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{config},
		TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(1),
			DefaultTargetCapacityType: "on-demand"},
	})
	return err
}
