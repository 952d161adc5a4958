package snapshot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/snapshot"
	"goldsmith/shared/attribute"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// set is a running instance with data volumes at /dev/sdf and /dev/sdg, and the snapshots of one CreateSnapshots call,
// by their devices.
func set(s *steptest.Stage, name string) map[string]string {
	s.Helper()
	_, by := started(s, name)
	time.Sleep(time.Hour)
	return by
}

// started are the instance and the snapshots of a set that has just been asked for.
func started(s *steptest.Stage, description string) (id string, by map[string]string) {
	s.Helper()
	id = s.Launch("server", nil, func(in *sdk.RunInstancesInput) {
		in.BlockDeviceMappings = []types.BlockDeviceMapping{
			{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(20)}},
			{DeviceName: aws.String("/dev/sdg"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(20),
				VolumeType: types.VolumeTypeIo2, Iops: aws.Int32(9000)}},
		}
	})
	out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
	s.Must(err)
	made, err := s.EC2.CreateSnapshots(s.Context(), &sdk.CreateSnapshotsInput{
		InstanceSpecification: &types.InstanceSpecification{InstanceId: &id}, Description: aws.String(description),
	})
	s.Must(err)
	by = map[string]string{}
	for _, m := range out.Reservations[0].Instances[0].BlockDeviceMappings {
		for _, each := range made.Snapshots {
			if aws.ToString(each.VolumeId) == aws.ToString(m.Ebs.VolumeId) {
				by[aws.ToString(m.DeviceName)] = aws.ToString(each.SnapshotId)
			}
		}
	}
	return id, by
}

const root = "/dev/xvda"

// ofSet has the case copy the root volume's snapshot of a set.
func ofSet(tags func(s *steptest.Stage, of map[string]string) map[string]string) func(*steptest.Stage,
	*snapshot.Input) {
	return func(s *steptest.Stage, in *snapshot.Input) {
		of, other := set(s, "database"), set(s, "other")
		s.Must(s.Cloud.SetTags(other["/dev/sdf"], map[string]string{tag.Device: "/dev/sdf"})) // It is of another set.
		s.Must(s.Cloud.SetTags(of[root], map[string]string{tag.Request: "nightly"}))
		in.Job = s.SnapshotJob(of[root])
		in.Job.Run.Request.Data = tags(s, of)
	}
}

func disks(j job.Job) (devices []string) {
	for _, d := range j.Registering.Disks[1:] {
		devices = append(devices, d.Device)
	}
	return devices
}

func TestDataVolumes(t *testing.T) {
	noted := func(s *steptest.Stage, j job.Job, text string) {
		s.Helper()
		for _, w := range j.Warnings {
			if strings.Contains(w.Text, text) {
				return
			}
		}
		s.Errorf("no warning says %q: %v", text, j.Warnings)
	}
	for _, c := range []struct {
		name string
		data func(s *steptest.Stage, of map[string]string) map[string]string
		then func(s *steptest.Stage, j job.Job)
	}{
		{
			"one says its device: it is added, and the other is offered",
			func(s *steptest.Stage, of map[string]string) map[string]string {
				s.Must(s.Cloud.SetTags(of["/dev/sdf"], map[string]string{tag.Device: "/dev/sdf"}))
				return nil
			},
			func(s *steptest.Stage, j job.Job) {
				s.Same("devices", disks(j), []string{"/dev/sdf"})
				noted(s, j, "of /dev/sdg was started with it, and is not part of the image: --data /dev/sdg=snap-")
				s.Same("copies", len(j.Registering.Snapshots()), 2)
			},
		},
		{
			"one is named, at another device",
			func(s *steptest.Stage, of map[string]string) map[string]string {
				s.Must(s.Cloud.SetTags(of["/dev/sdf"], map[string]string{tag.Plan: "nightly"}))
				return map[string]string{"/dev/sdh": of["/dev/sdf"]}
			},
			func(s *steptest.Stage, j job.Job) { s.Same("devices", disks(j), []string{"/dev/sdh"}) },
		},
		{
			"one is named that may not be copied",
			func(_ *steptest.Stage, of map[string]string) map[string]string {
				return map[string]string{"/dev/sdf": of["/dev/sdf"]}
			},
			func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.SkipIt)
				s.Same("says", strings.Contains(j.Skip.Text, "carries none of the tags goldsmith:device"), true)
			},
		},
		{
			"two say the same device",
			func(s *steptest.Stage, of map[string]string) map[string]string {
				for _, device := range []string{"/dev/sdf", "/dev/sdg"} {
					s.Must(s.Cloud.SetTags(of[device], map[string]string{tag.Device: "/dev/sdf"}))
				}
				return nil
			},
			func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.SkipIt)
				s.Same("says", strings.Contains(j.Skip.Text,
					"is to be at /dev/sdf, says its tag goldsmith:device, and so is snap-"), true)
			},
		},
		{
			"one says the root device, or none",
			func(s *steptest.Stage, of map[string]string) map[string]string {
				s.Must(s.Cloud.SetTags(of["/dev/sdf"], map[string]string{tag.Device: "sdf"}))
				return nil
			},
			func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.SkipIt)
				s.Same("says", strings.Contains(j.Skip.Text, `is to be at "sdf"`), true)
			},
		},
		{
			"one is named that there is not",
			func(*steptest.Stage, map[string]string) map[string]string {
				return map[string]string{"/dev/sdf": "snap-0123456789abcdef0"}
			},
			func(s *steptest.Stage, j job.Job) {
				s.Same("says", strings.Contains(j.Skip.Text, "snap-0123456789abcdef0 is no snapshot of this account"), true)
			},
		},
	} {
		steptest.Play(t, scene, []given{{Name: c.name, Given: ofSet(c.data), Then: c.then, Anything: true}})
	}
}

func TestDataVolumesAreRegistered(t *testing.T) {
	steptest.Play(t, scene, []given{{
		Name: "each on its copy", Anything: true,
		Given: func(s *steptest.Stage, in *snapshot.Input) {
			ofSet(func(s *steptest.Stage, of map[string]string) map[string]string {
				s.Must(s.Cloud.SetTags(of["/dev/sdf"], map[string]string{tag.Device: "/dev/sdf"}))
				return nil
			})(s, in)
			handle, _ := scene(s)
			var err error
			in.Job, err = handle(s.Context(), *in)
			s.Must(err)
			time.Sleep(time.Hour)
			in.Do = snapshot.Register
		},
		Then: func(s *steptest.Stage, j job.Job) {
			sent := s.Sent("RegisterImage")[0]
			s.Same("device", sent.Get("BlockDeviceMapping.2.DeviceName"), "/dev/sdf")
			s.Same("snapshot", sent.Get("BlockDeviceMapping.2.Ebs.SnapshotId"), j.Registering.Disks[1].Snapshot)
			s.Same("a copy", j.Registering.Disks[1].Snapshot != j.Registering.Disks[1].From, true)
			time.Sleep(time.Minute)
			out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
			s.Must(err)
			s.Same("volumes", len(out.Images[0].BlockDeviceMappings), 2)
		},
	}})
}

// A data volume is made as the instance has it, whatever the root volume is.
func TestADataVolumeIsMadeAsItWas(t *testing.T) {
	steptest.Play(t, scene, []given{{
		Name: "io2 with its IOPS", Anything: true,
		Given: func(s *steptest.Stage, in *snapshot.Input) {
			ofSet(func(s *steptest.Stage, of map[string]string) map[string]string {
				s.Must(s.Cloud.SetTags(of["/dev/sdg"], map[string]string{tag.Device: "/dev/sdg"}))
				return nil
			})(s, in)
		},
		Then: func(s *steptest.Stage, j job.Job) {
			made := attribute.Carried(j.Registering).Input("x").BlockDeviceMappings
			s.Same("type of the root volume", made[0].Ebs.VolumeType, types.VolumeTypeGp3)
			s.Same("type", made[1].Ebs.VolumeType, types.VolumeTypeIo2)
			s.Same("IOPS", aws.ToInt32(made[1].Ebs.Iops), int32(9000))
		},
	}})
}
