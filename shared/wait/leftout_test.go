package wait_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
)

// A snapshot of what was to be left out is neither waited for nor in the way when it fails; once the image is there it
// is told, with whether the image holds it.
func TestLeftOut(t *testing.T) {
	left := func() job.Job {
		j := work()
		j.Source.Volumes, j.Image.LeftOut = []string{"vol-a"}, []job.LeftOut{{Device: "/dev/sdf", Volume: "vol-b"}}
		return j
	}
	snapshot := func(id, volume string, state types.SnapshotState) types.Snapshot {
		return types.Snapshot{SnapshotId: aws.String(id), VolumeId: aws.String(volume), State: state,
			StartTime: aws.Time(begun.Add(time.Hour))}
	}
	root, extra := snapshot("snap-a", "vol-a", "pending"), snapshot("snap-b", "vol-b", "error")
	settle(t, left(), job.ForSnapshots, time.Second, &cloud{snapshots: []types.Snapshot{extra}}, &tokens{}).pending(t)
	j := settle(t, left(), job.ForSnapshots, time.Second, &cloud{snapshots: []types.Snapshot{extra, root}},
		&tokens{}).reached(t)
	if strings.Join(j.Image.Snapshots, " ") != "snap-a" {
		t.Errorf("snapshots %v", j.Image.Snapshots)
	}
	at := func(device, id string) types.BlockDeviceMapping {
		return types.BlockDeviceMapping{DeviceName: aws.String(device),
			Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(id)}}
	}
	for name, c := range map[string]struct {
		mappings  []types.BlockDeviceMapping
		snapshots []types.Snapshot
		says      string
	}{
		"left out": {[]types.BlockDeviceMapping{at("/dev/xvda", "snap-a")}, []types.Snapshot{root}, ""},
		"a snapshot beside the image": {[]types.BlockDeviceMapping{at("/dev/xvda", "snap-a")}, []types.Snapshot{root, extra},
			"EC2 has made snap-b of /dev/sdf (vol-b), which was to be left out; the image does not hold it, so that it stays " +
				"when that goes"},
		"held by the image": {[]types.BlockDeviceMapping{at("/dev/xvda", "snap-a"), at("/dev/sdf", "snap-b")},
			[]types.Snapshot{root, extra},
			"EC2 has made snap-b of /dev/sdf (vol-b), which was to be left out, and the image holds it"},
	} {
		t.Run(name, func(t *testing.T) {
			before := left()
			j := settle(t, before, job.ForImage, time.Minute, &cloud{snapshots: c.snapshots,
				image: &types.Image{State: types.ImageStateAvailable, BlockDeviceMappings: c.mappings}}, &tokens{}).reached(t)
			said, id := "", ""
			for _, w := range j.Warnings {
				said += w.Text
			}
			if c.says != "" {
				id = "snap-b"
			}
			if said != c.says || j.Image.LeftOut[0].Snapshot != id {
				t.Errorf("%q, and %+v", said, j.Image.LeftOut)
			}
		})
	}
}
