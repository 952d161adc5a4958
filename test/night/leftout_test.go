package night_test

import (
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
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// volumesOf are an instance's volumes, by device.
func (n *night) volumesOf(id string) map[string]string {
	n.t.Helper()
	out := must(n.cloud.DescribeInstances(n.ctx, &sdk.DescribeInstancesInput{InstanceIds: []string{id}}))(n.t)
	all := map[string]string{}
	for _, m := range out.Reservations[0].Instances[0].BlockDeviceMappings {
		all[aws.ToString(m.DeviceName)] = aws.ToString(m.Ebs.VolumeId)
	}
	return all
}

// devicesOf are the devices of an image, sorted.
func devicesOf(i types.Image) string {
	var devices []string
	for _, m := range i.BlockDeviceMappings {
		devices = append(devices, aws.ToString(m.DeviceName))
	}
	slices.Sort(devices)
	return strings.Join(devices, " ")
}

// leaving is a plan that leaves volumes out of images, rolls nothing, and reckons with no boot test.
func leaving(v plan.Volumes) plan.Plans {
	return nightly(func(p *plan.Plan) { p.Image.Volumes, p.Roll.Skip = v, true })
}

// A plan leaves volumes out by device, by their tags if it says so, or all but the root, which is always in the image.
// The rehearsal says so before, and the message, the result and the register after.
func TestVolumesThatAreLeftOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		volumes plan.Volumes
		tagged  []string
		holds   string
		says    []string
	}{
		"by device": {plan.Volumes{LeaveOut: []string{"/dev/sdf"}}, nil, "/dev/sdg /dev/xvda",
			[]string{"its image is to be without /dev/sdf (vol-", "nofail"}},
		"by tag": {plan.Volumes{Tagged: true}, []string{"/dev/sdg"}, "/dev/sdf /dev/xvda",
			[]string{"its image is to be without /dev/sdg (vol-", "tagged goldsmith:image=no"}},
		"all but the root": {plan.Volumes{RootOnly: true}, nil, "/dev/xvda",
			[]string{"its image is to be without /dev/sdf (vol-", "/dev/sdg (vol-"}},
		"the root as well": {plan.Volumes{LeaveOut: []string{"/dev/xvda"}, Tagged: true}, []string{"/dev/xvda", "/dev/sdf"},
			"/dev/sdg /dev/xvda", []string{"would leave out /dev/xvda, which is its root", "Take the root's device out of"}},
		"a tag that the plan does not believe": {plan.Volumes{}, []string{"/dev/sdf", "/dev/sdg"},
			"/dev/sdf /dev/sdg /dev/xvda", nil},
	} {
		t.Run(name, func(t *testing.T) {
			plans := leaving(c.volumes)
			play(t, stack.Options{Plans: plans}, func(n *night) {
				db := n.launch("db", "gp3 gp3")
				at := n.volumesOf(db)
				for _, device := range c.tagged {
					n.ok(n.EC2.SetTags(at[device], map[string]string{tag.Request: tag.LeftOut}))
				}
				n.begin()
				time.Sleep(time.Until(due.Add(-time.Millisecond)))
				said := n.rehearse(rehearsal.Scheduled(plans.Plans["nightly"], due), plans.Plans["nightly"])
				n.finishAfter(due)
				r := n.onlyRun()
				n.equals(said, r)
				n.wasImaged(r, db)
				n.want("devices", devicesOf(n.imagesOf(db)[0]), c.holds)
				result := n.results(r)[db]
				registered, _, err := n.Ledger.Registration(n.ctx, result.Image.ID)
				n.ok(err)
				n.want("registered", strings.Join(registered.LeftOut, " "), strings.Join(result.Image.Without(), " "))
				n.want("left out", len(result.Image.LeftOut), len(at)-len(strings.Fields(c.holds)))
				if len(c.says) > 0 {
					n.saysOf(r, c.says...)
				} else if strings.Contains(n.messagesOf(r)[0], "without") {
					t.Error(n.messagesOf(r)[0])
				}
			})
		})
	}
}

// What EC2 makes of NoDevice beyond what is documented is told, and the instance is back as soon as without it.
func TestSnapshotsOfWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		comes ec2.NoDevice
		says  string
	}{
		"beside the image": {ec2.SnapshotsAllTheSame, "the image does not hold it, so that it stays when that goes"},
		"in the image":     {ec2.HoldsAllTheSame, "which was to be left out, and the image holds it"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Plans: leaving(plan.Volumes{LeaveOut: []string{"/dev/sdf"}})}, func(n *night) {
				n.EC2.SetNoDevice(c.comes)
				db := n.launch("db", "gp3")
				n.begin()
				n.run()
				r := n.onlyRun()
				result := n.results(r)[db]
				n.want("ending", result.Ending, job.Imaged)
				n.want("state", n.EC2.State(db), ec2.Running)
				n.saysOf(r, "EC2 has made snap-", c.says, "Delete the snapshots that no image holds")
				snapshot := result.Image.LeftOut[0].Snapshot
				n.want("its snapshot is on record", snapshot != "", true)
				if !slices.Contains(result.Image.Snapshots, snapshot) { // A person does what the message says.
					must(n.cloud.DeleteSnapshot(n.ctx, &sdk.DeleteSnapshotInput{SnapshotId: &snapshot}))(t)
				}
			})
		})
	}
}

// A template that names a size for a device which was left out launches an empty volume there from then on, and its
// mapping stays as it is.
func TestATemplateOfADeviceThatIsLeftOut(t *testing.T) {
	t.Parallel()
	plans := nightly(func(p *plan.Plan) { p.Image.Volumes.LeaveOut = []string{"/dev/sdf"} })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "gp3")
		whole := must(n.cloud.CreateImage(n.ctx, &sdk.CreateImageInput{InstanceId: &web, Name: aws.String("whole")}))(n.t)
		time.Sleep(15 * time.Minute)
		out := must(n.cloud.CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String("fleet"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: whole.ImageId, InstanceType: "t3.micro",
				BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/sdf"),
					Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(600)}}}},
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate,
				Tags: tag.List(map[string]string{tag.Source: "web"})}},
		}))(n.t)
		n.begin()
		n.run()
		result := n.firstOf(web)
		versions := must(n.cloud.DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
			LaunchTemplateId: out.LaunchTemplate.LaunchTemplateId, Versions: []string{"$Default"}}))(n.t)
		data := versions.LaunchTemplateVersions[0].LaunchTemplateData
		n.want("the template's image", aws.ToString(data.ImageId), result.Image.ID)
		n.want("mappings", len(data.BlockDeviceMappings), 1)
		n.want("size", aws.ToInt32(data.BlockDeviceMappings[0].Ebs.VolumeSize), int32(600))
		must(n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: whole.ImageId,
			DeleteAssociatedSnapshots: aws.Bool(true)}))(n.t)
	})
}

// Tools that copy a volume's tags put goldsmith:image=no on its snapshots, where it asks for nothing, and stays.
func TestAVolumesTagOnASnapshot(t *testing.T) {
	t.Parallel()
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		db := n.launch("db", "gp3")
		made := must(n.cloud.CreateSnapshot(n.ctx, &sdk.CreateSnapshotInput{
			VolumeId: aws.String(n.volumesOf(db)["/dev/sdf"]), TagSpecifications: []types.TagSpecification{{
				ResourceType: types.ResourceTypeSnapshot, Tags: tag.List(map[string]string{tag.Request: tag.LeftOut})}},
		}))(n.t)
		n.begin()
		n.ask(aws.ToString(made.SnapshotId), tag.LeftOut)
		n.excused.requests = true // It is none.
		n.finish()
		time.Sleep(time.Hour)
		n.want("runs", len(n.runs()), 0)
		n.want("the tag", n.tagsOf(aws.ToString(made.SnapshotId))[tag.Request], tag.LeftOut)
		n.want("messages", len(n.messages()), 0)
	})
}
