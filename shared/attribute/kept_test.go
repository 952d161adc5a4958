package attribute_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/attribute"
	"goldsmith/shared/tag"
)

// mapped are the root volume vol-1 and the data volume vol-2, both of snapshots, deleted with the instance or not.
func mapped(root, data *bool) []types.BlockDeviceMapping {
	return []types.BlockDeviceMapping{
		{DeviceName: aws.String("/dev/xvda"),
			Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-1"), DeleteOnTermination: root}},
		{DeviceName: aws.String("/dev/sdf"),
			Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-2"), DeleteOnTermination: data}},
	}
}

func attached(root, data *bool) []types.InstanceBlockDeviceMapping {
	return []types.InstanceBlockDeviceMapping{
		{DeviceName: aws.String("/dev/xvda"),
			Ebs: &types.EbsInstanceBlockDevice{VolumeId: aws.String("vol-1"), DeleteOnTermination: root}},
		{DeviceName: aws.String("/dev/sdf"),
			Ebs: &types.EbsInstanceBlockDevice{VolumeId: aws.String("vol-2"), DeleteOnTermination: data}},
	}
}

// Volumes stay with what is launched from the image as they do with the instance, or with what an image names; the
// instance counts more, and what people say most.
func TestVolumesThatStay(t *testing.T) {
	yes, no := aws.Bool(true), aws.Bool(false)
	for _, c := range []struct {
		what                string
		image               []types.BlockDeviceMapping
		instance            []types.InstanceBlockDeviceMapping
		says                string
		rootStays, dataStay bool
	}{
		{what: "nothing says it"},
		{what: "an image keeps both", image: mapped(no, no), rootStays: true, dataStay: true},
		{what: "an image keeps the data volume", image: mapped(yes, no), dataStay: true},
		{what: "an image keeps the root volume", image: mapped(no, yes), rootStays: true},
		{what: "the instance keeps both", instance: attached(no, no), rootStays: true, dataStay: true},
		{what: "the instance keeps the data volume", instance: attached(yes, no), dataStay: true},
		{what: "the instance keeps what the image deletes", image: mapped(yes, yes), instance: attached(no, no),
			rootStays: true, dataStay: true},
		{what: "the instance deletes what the image keeps", image: mapped(no, no), instance: attached(yes, yes)},
		{what: "people have both deleted", image: mapped(no, no), instance: attached(no, no),
			says: "deleteOnTermination=true"},
		{what: "people keep both", instance: attached(yes, yes), says: "deleteOnTermination=false",
			rootStays: true, dataStay: true},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := types.Snapshot{SnapshotId: aws.String("snap-2"), VolumeId: aws.String("vol-2"),
				State: types.SnapshotStateCompleted, VolumeSize: aws.Int32(8),
				Tags: tag.List(map[string]string{tag.Device: "/dev/sdf"})}
			e := attribute.Evidence{Snapshot: snapshot(), Unread: "denied",
				Data:   []attribute.Data{{Device: "/dev/sdf", Snapshot: s, Source: "its tag"}},
				Images: []attribute.Image{ami(func(i *attribute.Image) { i.BlockDeviceMappings = c.image })}}
			if c.image == nil {
				e.Images[0].BlockDeviceMappings = mapped(nil, nil)
			}
			if c.instance != nil {
				e.Instance = instance(true, func(i *attribute.Instance) {
					i.BlockDeviceMappings, i.RootDeviceName = c.instance, aws.String("/dev/xvda")
					i.PlatformDetails, i.UsageOperation, i.ProductCodes = e.Images[0].PlatformDetails, e.Images[0].UsageOperation, nil
				})
			}
			if c.says != "" {
				e.Settings = settings(c.says)
			}
			d := attribute.Decide(e)
			if d.Refused != nil {
				t.Fatal(d.Refused)
			}
			// What is sent is what is carried through the job, too.
			sent := d.Input("web").BlockDeviceMappings
			if got := !aws.ToBool(sent[0].Ebs.DeleteOnTermination); got != c.rootStays {
				t.Errorf("the root volume stays: %v", got)
			}
			if got := !aws.ToBool(sent[1].Ebs.DeleteOnTermination); got != c.dataStay {
				t.Errorf("the data volume stays: %v", got)
			}
		})
	}
}
