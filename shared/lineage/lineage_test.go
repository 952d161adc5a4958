package lineage_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/shared/lineage"
	"goldsmith/test/steptest"
)

// A member stands for its group, over pages of fifty; any other instance for itself, whatever its tags say.
func TestOfInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		ids := s.Group("fleet", 60)
		s.Same("members", len(ids), 60)
		s.Must(s.Cloud.SetTags(s.Web, map[string]string{"aws:autoscaling:groupName": "fleet"}))
		found, err := lineage.OfInstances(s.Context(), s.AutoScaling, append(ids, s.Web, "i-0123456789abcdef0"))
		s.Must(err)
		s.Same("of a stranger", []string{found[s.Web], found["i-0123456789abcdef0"]}, []string{s.Web, "i-0123456789abcdef0"})
		for _, id := range ids {
			s.Same("of "+id, found[id], fleet(s))
		}
		s.Refuse("DescribeAutoScalingInstances", "AccessDenied", 1)
		if _, err := lineage.OfInstances(s.Context(), s.AutoScaling, ids); err == nil {
			s.Error("what was not answered is told")
		}
		s.Refuse("DescribeAutoScalingGroups", "AccessDenied", 1)
		if _, err := lineage.OfInstances(s.Context(), s.AutoScaling, ids); err == nil {
			s.Error("which group it is was not answered, and that is told")
		}
	})
}

func TestOfSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		loose, err := s.EC2.CreateVolume(s.Context(),
			&sdk.CreateVolumeInput{AvailabilityZone: aws.String(steptest.Region + "a"), Size: aws.Int32(8)})
		s.Must(err)
		time.Sleep(time.Minute)
		out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{s.Web}})
		s.Must(err)
		want := map[string]string{"snap-0123456789abcdef0": "snap-0123456789abcdef0"}
		ids := []string{"snap-0123456789abcdef0"}
		for volume, of := range map[string]string{
			aws.ToString(loose.VolumeId): aws.ToString(loose.VolumeId),
			aws.ToString(out.Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.VolumeId): s.Web,
		} {
			made, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{VolumeId: aws.String(volume)})
			s.Must(err)
			want[aws.ToString(made.SnapshotId)], ids = of, append(ids, aws.ToString(made.SnapshotId))
		}
		found, err := lineage.OfSnapshots(s.Context(), s.EC2, ids)
		s.Must(err)
		s.Same("lineages", found, want)
	})
}

// A lineage has ended when EC2 or Auto Scaling says so; what cannot be asked, or is of no kind that is known, lives.
func TestLiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Group("fleet", 1)
		stopped, gone := s.Launch("stopped", nil), s.Launch("gone", nil)
		s.Set(stopped, ec2.Stopped)
		s.Set(gone, ec2.Terminated)
		finder := lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling}
		fleet, another := fleet(s), "group/fleet:00000000-0000-0000-0000-000000000000"
		all := []string{s.Web, stopped, gone, "i-0123456789abcdef0", "group/fleet", fleet, another, "group/fleet:earlier",
			"group/gone", "group/gone:00000000-0000-0000-0000-000000000000", "vol-0123456789abcdef0", "ami-0123456789abcdef0"}
		for n := range 250 { // more than one filter takes
			all = append(all, fmt.Sprintf("i-%017x", n))
		}
		s.Same("living", finder.Living(s.Context(), all),
			map[string]bool{
				s.Web: true, stopped: true, "group/fleet": true, fleet: true, "ami-0123456789abcdef0": true,
			})
		s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation"})
		s.Cloud.Inject(ec2.Fault{Action: "DescribeVolumes", Code: "UnauthorizedOperation"})
		s.Refuse("DescribeAutoScalingGroups", "AccessDenied", 1)
		s.Same("unread", finder.Living(s.Context(), []string{gone, "group/gone", "vol-0123456789abcdef0"}),
			map[string]bool{gone: true, "group/gone": true, "vol-0123456789abcdef0": true})
	})
}

func TestNames(t *testing.T) {
	for text, want := range map[string]bool{
		"i-0123456789abcdef0": true, "i-01234567": true, "vol-01234567": true, "snap-01234567": true, "ami-01234567": true,
		"group/web": true, "group/web:1": true,
		"web": false, "i-web": false, "i-0123456": false, "group/": false, "group": false, "": false, "my i-01234567": false,
	} {
		if lineage.Names(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
