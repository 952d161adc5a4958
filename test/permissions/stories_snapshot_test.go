package permissions

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// imageOfASnapshot is made of the snapshot of an image that there is, which carries the tag of its plan.
func imageOfASnapshot(n *night) {
	n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
	n.run(due)
	time.Sleep(time.Hour)
	out := must(n.cloud.DescribeImages(n.ctx, &sdk.DescribeImagesInput{Owners: []string{"self"}}))(n.t)
	root := aws.ToString(out.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId)
	volume := must(n.cloud.CreateVolume(n.ctx, &sdk.CreateVolumeInput{
		AvailabilityZone: aws.String(here.Region + "a"), Size: aws.Int32(1), VolumeType: types.VolumeTypeGp3,
	}))(n.t)
	time.Sleep(time.Minute)
	data := must(n.cloud.CreateSnapshot(n.ctx, &sdk.CreateSnapshotInput{VolumeId: volume.VolumeId}))(n.t)
	n.tag(aws.ToString(data.SnapshotId), map[string]string{tag.Device: "/dev/sdf"})
	time.Sleep(time.Hour)
	sent := must(event.RunNow{Plan: "nightly", Source: root,
		Data: map[string]string{"/dev/sdf": aws.ToString(data.SnapshotId)}}.MarshalJSON())(n.t)
	must(n.Stack.Invoke(n.ctx, here.ARN("lambda", "function:goldsmith-trigger"), sent))(n.t)
	n.run(time.Now())
	n.want("ending", n.result(root).Ending, job.Imaged)
}

func requestOnASnapshot(value string) func(n *night) {
	return func(n *night) {
		// A type with UEFI, whose variables are asked for.
		n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"}, func(in *sdk.RunInstancesInput) {
			in.InstanceType = types.InstanceTypeT3Micro
		})
		volumes := must(n.cloud.DescribeVolumes(n.ctx, &sdk.DescribeVolumesInput{}))(n.t).Volumes
		made := must(n.cloud.CreateSnapshot(n.ctx, &sdk.CreateSnapshotInput{
			VolumeId: volumes[0].VolumeId,
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot,
				Tags: tag.List(map[string]string{"Name": "lab"})}},
		}))(n.t)
		snapshot := aws.ToString(made.SnapshotId)
		n.tag(snapshot, map[string]string{tag.Request: value})
		n.run(time.Now())
		time.Sleep(time.Minute)
		n.want("request", n.EC2.Tags(snapshot)[tag.Request], "")
	}
}

// snapshotOfAVolumeThatIsLeft: the instance of the volume is gone, and its name is that of another volume, which is
// gone too.
func snapshotOfAVolumeThatIsLeft(n *night) {
	must(n.ledger.PutOwner(n.ctx, ledger.Owner{Name: "lab", Lineage: "vol-0123456789abcdef0"}))(n.t)
	lab := n.launch(ec2.ImageX86, "keeps its volume", map[string]string{"Name": "lab"})
	volumes := must(n.cloud.DescribeVolumes(n.ctx, &sdk.DescribeVolumesInput{}))(n.t).Volumes
	n.ok(n.EC2.SetState(lab, ec2.Terminated))
	time.Sleep(2 * time.Hour)
	made := must(n.cloud.CreateSnapshot(n.ctx, &sdk.CreateSnapshotInput{
		VolumeId: volumes[0].VolumeId,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot,
			Tags: tag.List(map[string]string{"Name": "lab"})}},
	}))(n.t)
	time.Sleep(time.Hour)
	n.tag(aws.ToString(made.SnapshotId), map[string]string{tag.Request: "now"})
	n.run(time.Now().Add(time.Hour))
	n.want("ending", n.result(aws.ToString(made.SnapshotId)).Ending, job.Imaged)
}
