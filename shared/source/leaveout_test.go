package source_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

func volumeAt(device string) string { return "vol" + strings.ReplaceAll("/"+device, "/", "-") }

// attached is an instance with a volume at each device.
func attached(root string, devices ...string) types.Instance {
	i := types.Instance{RootDeviceName: aws.String(root), InstanceId: aws.String("i-1")}
	for _, device := range devices {
		i.BlockDeviceMappings = append(i.BlockDeviceMappings, types.InstanceBlockDeviceMapping{
			DeviceName: aws.String(device),
			Ebs:        &types.EbsInstanceBlockDevice{VolumeId: aws.String(volumeAt(device))},
		})
	}
	return i
}

var anyDevice = rapid.SampledFrom([]string{"/dev/xvda", "/dev/sda1", "/dev/sdf", "/dev/xvdf", "xvdf", "/dev/sdg"})

// A volume is in the image or left out of it, never both and never neither; the root is always in it; a tag counts
// where the plan says so only; and a plan that says nothing leaves nothing out.
func TestLeaveOutDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		devices := rapid.SliceOfNDistinct(anyDevice, 1, 6, rapid.ID).Draw(t, "devices")
		root := rapid.SampledFrom(devices).Draw(t, "root")
		i := attached(root, devices...)
		v := plan.Volumes{
			LeaveOut: rapid.SliceOfNDistinct(anyDevice, 0, 4, rapid.ID).Draw(t, "named"),
			Tagged:   rapid.Bool().Draw(t, "tagged"), RootOnly: rapid.Bool().Draw(t, "root only"),
		}
		marked := rapid.SliceOfDistinct(rapid.SampledFrom(source.Volumes(i)), rapid.ID).Draw(t, "marked")
		out, rootMeant := source.LeaveOut(i, v, marked)

		all := job.Source{Volumes: source.Volumes(i), Kept: source.Kept(i)}
		expected := source.Without(all, out)
		left := job.Image{LeftOut: out}
		for _, device := range devices {
			volume := volumeAt(device)
			meant := slices.Contains(v.LeaveOut, device) || v.Tagged && slices.Contains(marked, volume)
			wanted := device == root || !meant && !v.RootOnly
			in := []bool{slices.Contains(expected.Volumes, volume), slices.Contains(expected.Kept, device),
				!left.Leaves(volume), !slices.Contains(left.Without(), device)}
			if slices.Contains(in, !wanted) || device == root && rootMeant != meant {
				t.Fatalf("%s (root %s, %v) of %+v, marked %v: expected %v, left out %+v", device, root, rootMeant, v, marked,
					expected, out)
			}
		}
		// What EC2 says in another order is the same decision.
		slices.Reverse(i.BlockDeviceMappings)
		if again, _ := source.LeaveOut(i, v, marked); !cmp.Equal(out, again, cmpopts.EquateEmpty()) {
			t.Fatal(cmp.Diff(out, again))
		}
	})
}

// What EC2 does not name stays in the image.
func TestLeaveOutUnnamed(t *testing.T) {
	everything := plan.Volumes{RootOnly: true}
	rootless := attached("", "/dev/xvda", "/dev/sdf")
	if out, _ := source.LeaveOut(rootless, everything, nil); len(out) > 0 {
		t.Errorf("without a known root %+v is left out", out)
	}
	i := attached("/dev/xvda", "/dev/xvda", "/dev/sdf")
	i.BlockDeviceMappings[1].DeviceName = nil
	i.BlockDeviceMappings = append(i.BlockDeviceMappings,
		types.InstanceBlockDeviceMapping{DeviceName: aws.String("/dev/sdg")})
	if out, _ := source.LeaveOut(i, everything, nil); len(out) > 0 {
		t.Errorf("%+v is left out", out)
	}
}

// The tag is exactly goldsmith:image=no; a plan's name or another writing leaves nothing out.
func TestMarked(t *testing.T) {
	for value, is := range map[string]bool{"no": true, "No": false, "now": false, "": false, "nightly": false} {
		if source.Marked(types.Volume{Tags: tag.List(map[string]string{tag.Request: value})}) != is {
			t.Errorf("%q", value)
		}
	}
	if source.Marked(types.Volume{Tags: tag.List(map[string]string{"image": "no"})}) {
		t.Error("another key counts")
	}
}

// What is left out is told with each volume, and with the tag where that is why; the boot test where none is made.
func TestLeftOutIsTold(t *testing.T) {
	f := source.Facts{Run: job.Run{Plan: "nightly"}, Instance: attached("/dev/xvda", "/dev/xvda", "/dev/sdf", "/dev/sdg")}
	f.Plan.Image.Volumes = plan.Volumes{LeaveOut: []string{"/dev/sdg", "/dev/xvda"}, Tagged: true}
	f.Marked = []string{volumeAt("/dev/sdf"), volumeAt("/dev/sdg")}
	_, told := f.LeaveOut()
	want := []job.Reason{
		{Code: job.VolumesLeftOut,
			Text: "its image is to be without /dev/sdf (vol--dev-sdf, tagged goldsmith:image=no), /dev/sdg (vol--dev-sdg): " +
				"no backup of these is made. What mounts them without nofail may not boot from it; a boot test (verify.boot) tells"},
		{Code: job.RootStays,
			Text: "plan nightly would leave out /dev/xvda, which is its root: that is in the image all the same"},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	f.Plan.Verify.Boot = true
	if _, told = f.LeaveOut(); strings.Contains(told[0].Text, "nofail") {
		t.Error(told)
	}
	many := []string{"/dev/xvda"}
	for n := range 20 {
		many = append(many, fmt.Sprintf("/dev/sd%c", 'f'+n))
	}
	f.Instance, f.Plan.Image.Volumes = attached("/dev/xvda", many...), plan.Volumes{RootOnly: true}
	if _, told = f.LeaveOut(); !strings.Contains(told[0].Text, "and 15 more") {
		t.Error(told)
	}
	f.Plan.Image.Volumes = plan.Volumes{}
	if out, told := f.LeaveOut(); len(out)+len(told) > 0 {
		t.Error(out, told)
	}
}
