package snapshot_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/snapshot"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// known says what nothing else says of an instance that is gone.
var known = map[string]string{
	tag.Request: "nightly", tag.ImageSettings: "rootDeviceName=/dev/xvda enaSupport=true",
}

// policy is the description that every snapshot of a policy's run carries, whatever instance it is of.
const policy = "Created for policy: policy-0123456789abcdef0 schedule: nightly"

// gone takes the snapshots of two instances in one second, each with data volumes at /dev/sdf and /dev/sdg, and
// terminates both. Those at /dev/sdf say so.
func gone(s *steptest.Stage, tags func(instance string) map[string]string) (of, other map[string]string) {
	s.Helper()
	var sets []map[string]string
	for range 2 {
		sets = append(sets, taken(s, policy, tags))
	}
	time.Sleep(time.Hour)
	return sets[0], sets[1]
}

// taken is a set of a new instance's snapshots, by devices; the instance is terminated.
func taken(s *steptest.Stage, description string, tags func(instance string) map[string]string) map[string]string {
	s.Helper()
	id, by := started(s, description)
	for _, snapshot := range by {
		s.Must(s.Cloud.SetTags(snapshot, tags(id)))
	}
	s.Must(s.Cloud.SetTags(by["/dev/sdf"], with(tags(id), tag.Device, "/dev/sdf")))
	s.Set(id, ec2.Terminated)
	return by
}

func with(tags map[string]string, key, value string) map[string]string {
	all := maps.Clone(tags)
	if all == nil {
		all = map[string]string{}
	}
	all[key] = value
	return all
}

// told are the warnings that a job has of its data volumes.
func told(j job.Job) (all []string) {
	for _, w := range j.Warnings {
		if strings.Contains(w.Text, "was started with it") {
			all = append(all, w.Text)
		}
	}
	slices.Sort(all)
	return all
}

// A data volume of another instance never becomes part of an image, however alike their snapshots are.
func TestASetIsOfOneInstance(t *testing.T) {
	for _, c := range []struct {
		name string
		tags func(instance string) map[string]string
		want []string
	}{
		{"nothing says of which instance they are: none is added", func(string) map[string]string { return nil }, nil},
		{"a tag of the policy says it: its own is added", func(id string) map[string]string {
			return map[string]string{"instance-id": id}
		}, []string{"/dev/sdf"}},
		{"tags say the same of all: none is added", func(string) map[string]string {
			return map[string]string{"Backup": "daily", "aws-backup": "plan"}
		}, nil},
	} {
		steptest.Play(t, scene, []given{{
			Name: c.name, Anything: true,
			Given: func(s *steptest.Stage, in *snapshot.Input) {
				of, _ := gone(s, c.tags)
				in.Job = s.SnapshotJob(of[root])
				s.Must(s.Cloud.SetTags(of[root], with(s.Cloud.Tags(of[root]), tag.Request, "nightly")))
				s.Must(s.Cloud.SetTags(of[root], with(s.Cloud.Tags(of[root]), tag.ImageSettings, known[tag.ImageSettings])))
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.RegisterIt)
				s.Same("devices", disks(j), c.want)
				for _, d := range j.Registering.Disks[1:] {
					s.Same("its own", s.Cloud.Tags(d.From)["instance-id"], s.Cloud.Tags(j.Source.ID)["instance-id"])
				}
				for _, text := range told(j) {
					sure := strings.Contains(text, "nothing says that it is of the same instance. If it is, --data ")
					s.Same("sure of "+text, !sure, strings.Contains(text, "or its tag goldsmith:device="))
				}
				if len(told(j)) == 0 {
					s.Errorf("what was started with it is not offered: %v", j.Warnings)
				}
			},
		}})
	}
}

// The snapshots of one CreateImage call name their instance, and are one set when it is gone.
func TestASetOfCreateImage(t *testing.T) {
	steptest.Play(t, scene, []given{{
		Name: "of one call", Anything: true,
		Given: func(s *steptest.Stage, in *snapshot.Input) {
			of := taken(s, "Created by CreateImage(i-0123456789abcdef0) for ami-0123456789abcdef0",
				func(string) map[string]string { return nil })
			s.Must(s.Cloud.SetTags(of[root], known))
			time.Sleep(time.Hour)
			in.Job = s.SnapshotJob(of[root])
		},
		Then: func(s *steptest.Stage, j job.Job) {
			s.Same("devices", disks(j), []string{"/dev/sdf"})
			s.Same("told", len(told(j)), 1)
			s.Same("offered", strings.Contains(told(j)[0], "(20 GiB) was started with it, and is not part of the image: "+
				"--data DEVICE=snap-"), true)
		},
	}})
}

// imaged is the AMI that another tool makes of a new instance with data volumes, which is then terminated; copied is
// whether it is a copy of that, whose snapshots say no volume.
func imaged(s *steptest.Stage, copied bool) types.Image {
	s.Helper()
	id, _ := started(s, "another set")
	time.Sleep(time.Minute)
	made, err := s.EC2.CreateImage(s.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("tool"),
		NoReboot: aws.Bool(true)})
	s.Must(err)
	ami := made.ImageId
	time.Sleep(time.Hour)
	if copied {
		out, err := s.EC2.CopyImage(s.Context(), &sdk.CopyImageInput{Name: aws.String("copy"), SourceImageId: ami,
			SourceRegion: aws.String(steptest.Region)})
		s.Must(err)
		ami = out.ImageId
		time.Sleep(time.Hour)
	}
	s.Set(id, ec2.Terminated)
	out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{*ami}})
	s.Must(err)
	return out.Images[0]
}

// The data volumes of an AMI that names the snapshot are offered with their devices, and added when they say them.
func TestTheVolumesOfAnAMIAreASet(t *testing.T) {
	for _, copied := range []bool{false, true} {
		steptest.Play(t, scene, []given{{
			Name: "of an AMI", Anything: true,
			Given: func(s *steptest.Stage, in *snapshot.Input) {
				for _, m := range imaged(s, copied).BlockDeviceMappings {
					switch aws.ToString(m.DeviceName) {
					case root:
						s.Must(s.Cloud.SetTags(*m.Ebs.SnapshotId, known))
						in.Job = s.SnapshotJob(*m.Ebs.SnapshotId)
					case "/dev/sdf":
						s.Must(s.Cloud.SetTags(*m.Ebs.SnapshotId, map[string]string{tag.Device: "/dev/sdf"}))
					}
				}
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("devices", disks(j), []string{"/dev/sdf"})
				offered := slices.ContainsFunc(j.Warnings, func(w job.Reason) bool {
					return strings.Contains(w.Text, "of /dev/sdg is in ami-") && strings.Contains(w.Text, "--data /dev/sdg=snap-")
				})
				s.Same("the other is offered", offered, true)
			},
		}})
	}
}

// shotsOf are snapshots of one data volume at /dev/sdf, started so long after the one of its root volume, which the job
// is about.
func shotsOf(s *steptest.Stage, in *snapshot.Input, after []time.Duration) (ids []string) {
	s.Helper()
	id, _ := started(s, "another set")
	time.Sleep(time.Hour)
	out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
	s.Must(err)
	shoot := func(device string, tags map[string]string) string {
		for _, m := range out.Reservations[0].Instances[0].BlockDeviceMappings {
			if aws.ToString(m.DeviceName) == device {
				made, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{VolumeId: m.Ebs.VolumeId})
				s.Must(err)
				s.Must(s.Cloud.SetTags(*made.SnapshotId, tags))
				return *made.SnapshotId
			}
		}
		return ""
	}
	begin, rooted := time.Now().Add(10*time.Minute), false
	for _, d := range after {
		if d >= 0 && !rooted {
			time.Sleep(time.Until(begin))
			in.Job, rooted = s.SnapshotJob(shoot(root, known)), true
		}
		time.Sleep(time.Until(begin.Add(d)))
		ids = append(ids, shoot("/dev/sdf", map[string]string{tag.Device: "/dev/sdf"}))
	}
	time.Sleep(time.Hour)
	return ids
}

// Of several snapshots of one volume the nearest is taken, and told.
func TestTwoPoliciesOnOneVolume(t *testing.T) {
	for _, c := range []struct {
		what  string
		after []time.Duration // when they are started, with the root volume's and later
		taken int
	}{
		{"with the root volume's, and later", []time.Duration{0, 8 * time.Minute}, 0},
		{"both later", []time.Duration{4 * time.Minute, 9 * time.Minute}, 0},
		{"before, and nearer after", []time.Duration{-9 * time.Minute, 4 * time.Minute}, 1},
	} {
		var shots []string
		steptest.Play(t, scene, []given{{
			Name: c.what, Anything: true,
			Given: func(s *steptest.Stage, in *snapshot.Input) {
				shots = shotsOf(s, in, c.after)
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("volumes", len(j.Registering.Disks), 2)
				s.Same("taken", j.Registering.Disks[1].From, shots[c.taken])
				text := shots[c.taken] + " is taken, which was started nearest to it; left out are " + shots[1-c.taken]
				s.Same("told", strings.Contains(fmt.Sprint(j.Warnings), text), true)
			},
		}})
	}
}

// foreign is EC2 with an image of another account that names the snapshot.
type foreign struct {
	*sdk.Client
	of string
}

func (f foreign) DescribeImages(ctx context.Context, in *sdk.DescribeImagesInput, options ...func(*sdk.Options),
) (*sdk.DescribeImagesOutput, error) {
	out, err := f.Client.DescribeImages(ctx, in, options...)
	if err == nil {
		out.Images = append(out.Images, types.Image{
			ImageId: aws.String("ami-0fedcba9876543210"), OwnerId: aws.String("999999999999"),
			Architecture: types.ArchitectureValuesArm64, RootDeviceName: aws.String("/dev/sda1"),
			BlockDeviceMappings: []types.BlockDeviceMapping{{
				DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{SnapshotId: &f.of},
			}},
		})
	}
	return out, err
}

// What other accounts register of a snapshot that was shared with them says nothing of it.
func TestAnImageOfAnotherAccountSaysNothing(t *testing.T) {
	steptest.Play(t, func(s *steptest.Stage) (step, snapshot.Input) {
		_, in := scene(s)
		return snapshot.Step{
			EC2: foreign{s.EC2, in.Job.Source.ID}, EBS: s.EBS, Ledger: s.Ledger, Region: steptest.Region, Now: time.Now,
		}.Handle, in
	}, []given{{
		Name: "it is left out", Anything: true,
		Then: func(s *steptest.Stage, j job.Job) {
			s.Same("decision", j.Decision, job.RegisterIt)
			s.Same("architecture", j.Source.Architecture, "x86_64")
		},
	}})
}

// An image's volume is of the type that the volume itself has, with what is provisioned of it.
func TestAVolumeSaysItsOwnType(t *testing.T) {
	steptest.Play(t, scene, []given{{
		Name: "launched with another than its image has", Anything: true,
		Given: func(s *steptest.Stage, in *snapshot.Input) {
			id := s.Launch("fast", nil, func(in *sdk.RunInstancesInput) {
				in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String(root), Ebs: &types.EbsBlockDevice{
					VolumeType: types.VolumeTypeIo2, Iops: aws.Int32(700),
				}}}
			})
			in.Job = s.SnapshotJob(s.Stored(id, map[string]string{tag.Request: "nightly"}))
		},
		Then: func(s *steptest.Stage, j job.Job) {
			said := map[string]string{}
			for _, a := range j.Registering.Attributes {
				said[a.Key] = a.Value + " " + a.Source[:4]
			}
			s.Same("type", said["volumeType"], "io2 vol-")
			s.Same("IOPS", said["iops"], "700 vol-")
			s.Same("throughput", said["throughput"], "")
		},
	}})
}
