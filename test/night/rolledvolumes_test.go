package night_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// volumesToRoll is a plan that leaves /dev/sdf out of images, and has an empty volume in its place and a better root.
func volumesToRoll(edits ...func(*plan.Plan)) plan.Plans {
	return nightly(append([]func(*plan.Plan){func(p *plan.Plan) {
		p.Image.Volumes.LeaveOut = []string{"/dev/sdf"}
		p.Roll.Volumes = map[string]plan.RollVolume{
			plan.RollRoot: {Type: plan.GP3, Size: 40, IOPS: 4000, Throughput: 250},
			"/dev/sdf":    {Empty: 50, Type: plan.GP3, Encrypted: true},
		}
	}}, edits...)...)
}

// wholeTemplate makes an image of an instance with all its volumes, and a template that takes the images of web, whose
// mappings name the snapshots of that one as those of an instance's template do.
func (n *night) wholeTemplate(web string) (template, image string) {
	n.t.Helper()
	whole := must(n.cloud.CreateImage(n.ctx, &sdk.CreateImageInput{InstanceId: &web, Name: aws.String("whole")}))(n.t)
	n.second = *whole.ImageId // It is a person's.
	time.Sleep(15 * time.Minute)
	made := must(n.cloud.DescribeImages(n.ctx, &sdk.DescribeImagesInput{ImageIds: []string{*whole.ImageId}}))(n.t)
	var named []types.LaunchTemplateBlockDeviceMappingRequest
	for _, m := range made.Images[0].BlockDeviceMappings {
		named = append(named, types.LaunchTemplateBlockDeviceMappingRequest{DeviceName: m.DeviceName,
			Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: m.Ebs.SnapshotId}})
	}
	out := must(n.cloud.CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("fleet"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: whole.ImageId, InstanceType: "t3.micro",
			BlockDeviceMappings: named},
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate,
			Tags: tag.List(map[string]string{tag.Source: "web"})}},
	}))(n.t)
	return *out.LaunchTemplate.LaunchTemplateId, *whole.ImageId
}

// mapped are the mappings of the default version of the template fleet, in words.
func (n *night) mapped() string {
	n.t.Helper()
	out := must(n.cloud.DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateName: aws.String("fleet"), Versions: []string{"$Default"}}))(n.t)
	var all []string
	for _, m := range out.LaunchTemplateVersions[0].LaunchTemplateData.BlockDeviceMappings {
		e := m.Ebs
		all = append(all, fmt.Sprintf("%s %d %s %d %d snapshot %t encrypted %t deleted %t", *m.DeviceName,
			aws.ToInt32(e.VolumeSize), e.VolumeType, aws.ToInt32(e.Iops), aws.ToInt32(e.Throughput), e.SnapshotId != nil,
			aws.ToBool(e.Encrypted), aws.ToBool(e.DeleteOnTermination)))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

const (
	// asPlanned are the mappings that a roll makes of those that named the former image's snapshots.
	asPlanned = "/dev/sdf 50 gp3 0 0 snapshot false encrypted true deleted true\n" +
		"/dev/xvda 40 gp3 4000 250 snapshot false encrypted false deleted false"
	// asBefore are those.
	asBefore = "/dev/sdf 0  0 0 snapshot true encrypted false deleted false\n" +
		"/dev/xvda 0  0 0 snapshot true encrypted false deleted false"
)

// What the plan says of volumes goes into the versions that a roll makes, night after night, whoever launches former
// ones; what is launched has them; the rehearsal says so before. A rollback gives back what there was.
func TestRolledVolumes(t *testing.T) {
	t.Parallel()
	plans := volumesToRoll()
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "gp3")
		fleet, whole := n.wholeTemplate(web)
		n.group("pinned", fleet, "1")
		n.group("newest", fleet, "$Default")
		n.begin()
		time.Sleep(time.Until(due.Add(-time.Millisecond)))
		said := n.rehearse(rehearsal.Scheduled(plans.Plans["nightly"], due), plans.Plans["nightly"])
		n.finishAfter(due)
		r := n.onlyRun()
		n.equals(said, r)
		n.saysOf(r, "roll.volumes: /dev/sdf empty, nothing of snap-")
		n.want("its version", n.mapped(), asPlanned)
		n.want("launched", n.launchedBy("newest"), "/dev/sdf 50 gp3 true, /dev/xvda 40 gp3 false")
		n.nights(1)
		n.nights(2)
		n.want("its version", n.mapped(), asPlanned)
		number, third := n.standard("fleet")
		n.want("rolled thrice", number, int64(4))
		if first := n.results(r)[web].Image.ID; third == first || third == whole {
			t.Errorf("it has %s still", third)
		}
		n.rollBack(event.Rollback{Name: "web", By: "ada"})
		n.want("led back", n.mapped(), asPlanned)
		n.rollBack(event.Rollback{Name: "web", By: "ada", To: whole})
		n.want("led back to what was launched first", n.mapped(), asBefore)
	})
}

func (n *night) instancesOf(group string) (ids []string) {
	for _, m := range n.groupOf(group).Instances {
		ids = append(ids, *m.InstanceId)
	}
	return ids
}

// launchedBy are the volumes of what a group launches by now, in words.
func (n *night) launchedBy(group string) string {
	n.t.Helper()
	before := n.instancesOf(group)
	n.resize(group, aws.ToInt32(n.groupOf(group).DesiredCapacity)+1)
	time.Sleep(10 * time.Minute)
	var all []string
	for _, id := range n.instancesOf(group) {
		if slices.Contains(before, id) {
			continue
		}
		for device, volume := range n.volumesOf(id) {
			v := must(n.cloud.DescribeVolumes(n.ctx, &sdk.DescribeVolumesInput{VolumeIds: []string{volume}}))(n.t).Volumes[0]
			all = append(all, fmt.Sprintf("%s %d %s %t", device, *v.Size, v.VolumeType, *v.Encrypted))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// What EC2 would not launch with what the plan says is not rolled, and with roll.together nothing is.
func TestRolledVolumesThatEC2Refuses(t *testing.T) {
	t.Parallel()
	plans := volumesToRoll(func(p *plan.Plan) {
		p.Roll.Together = true
		p.Roll.Volumes[plan.RollRoot] = plan.RollVolume{Type: plan.GP3, IOPS: 40_000}
	})
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "gp3")
		_, whole := n.wholeTemplate(web)
		n.template("beside", "web", "t3.micro", whole)
		n.begin()
		n.run()
		r := n.onlyRun()
		n.want("ending", n.results(r)[web].Ending, job.Imaged)
		n.saysOf(r, "its /dev/xvda has 40000 IOPS, for which type gp3 needs 80 GiB", "with what the plan's roll.volumes says")
		n.want("the template", n.mapped(), asBefore)
		_, beside := n.standard("beside")
		n.want("the other template", beside, whole)
	})
}

// volumesBack: what launches its former image again launches it with its former volumes.
func (n *night) volumesBack(before, after []rollLaunch, met map[string]int) {
	n.t.Helper()
	if !n.anyVolumes {
		return
	}
	n.anyVolumes = false
	for i, b := range before {
		a := after[i]
		if b.image == "" || a.image != b.image || b.unlaunched(before) {
			continue
		}
		if a.version != b.version || strings.HasPrefix(a.version, "$") {
			met["volumes given back"]++
		}
		if was, is := n.essence(b.data), n.essence(a.data); was != is {
			n.t.Errorf("%s launched by %s of %s, and after a rollback to the same image by %s:\n%s\n%s", b.who, b.version,
				b.template, a.version, was, is)
		}
	}
}

// In every generated world with a plan that says of which volumes to launch: what the rehearsal says is what the run
// does; what launched before the roll launches after it; and a rollback gives back what there was, volumes as well.
func TestRolloutsWithVolumes(t *testing.T) {
	t.Parallel()
	says := []map[string]plan.RollVolume{
		{plan.RollRoot: {Type: plan.GP3}},
		{plan.RollRoot: {Size: 30, DeleteOnTermination: aws.Bool(true)}},
		{plan.RollRoot: {Type: plan.GP3, Size: 12, IOPS: 6000, Throughput: 500}, "/dev/sdm": {Type: plan.GP3}},
		{"/dev/xvda": {Type: plan.IO2, IOPS: 9000}},
		{"/dev/sda1": {Type: plan.GP2}, "/dev/sdm": {Size: 100, IOPS: 3500}},
		{plan.RollRoot: {Type: plan.GP3, IOPS: 16_000}},
	}
	met := map[string]int{}
	for seed := range 10 * len(says) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := anyRollWorld.Example(1_000_000 + seed)
			edit := w.edit
			w.edit = func(p *plan.Plan) {
				edit(p)
				p.Roll.Volumes = says[seed%len(says)]
			}
			rollout(t, w, met)
		})
	}
	for _, what := range []string{"rolled", "not rolled", "stays", "fleet", "refreshed", "moved back", "edited",
		"volumes given back"} {
		if met[what] == 0 {
			t.Errorf("no world met %q; the seeds show too little: %v", what, met)
		}
	}
}

// What the plan says of volumes goes into the versions that are made of copies in other Regions, too; where an image is
// taken from a parameter there is no version to say it in, and that is told.
func TestRolledVolumesOfACopy(t *testing.T) {
	t.Parallel()
	play(t, rolledAfar(func(p *plan.Plan) {
		p.Roll.Volumes = map[string]plan.RollVolume{plan.RollRoot: {Type: plan.IO2, IOPS: 4000}}
	}), func(n *night) {
		web := n.launch("web", "gp3")
		n.alias("/goldsmith/images/web", ec2.ImageX86)
		n.template("follower", "web", "t3.micro", "resolve:ssm:/goldsmith/images/web")
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		r := n.run()[0]
		time.Sleep(5 * time.Minute) // Parameter Store checks images.
		n.want("there", n.launchesAfar(virginia, there), n.results(r)[web].Copies[0].ID)
		out := must(n.abroad(virginia).DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
			LaunchTemplateId: aws.String(there), Versions: []string{"$Default"}}))(n.t)
		m := out.LaunchTemplateVersions[0].LaunchTemplateData.BlockDeviceMappings
		if len(m) != 1 || m[0].Ebs.VolumeType != types.VolumeTypeIo2 || aws.ToInt32(m[0].Ebs.Iops) != 4000 {
			n.t.Errorf("mappings there: %+v", m)
		}
		n.saysOf(r, "roll.volumes is not written where an image is taken from a parameter, as by follower")
	})
}
