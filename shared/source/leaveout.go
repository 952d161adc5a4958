package source

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// LeaveOut are the volumes of an instance that its plan leaves out of the image, by device, and whether the root would
// be among them by its name or its tag: it never is. marked are the volumes that carry the tag goldsmith:image=no. A
// volume at a device that EC2 does not name is in the image, and so is everything where it does not name the root.
func LeaveOut(i types.Instance, v plan.Volumes, marked []string) (out []job.LeftOut, root bool) {
	rootName := aws.ToString(i.RootDeviceName)
	if rootName == "" {
		return nil, false
	}
	for _, m := range i.BlockDeviceMappings {
		device := aws.ToString(m.DeviceName)
		if m.Ebs == nil || device == "" {
			continue
		}
		volume := aws.ToString(m.Ebs.VolumeId)
		named, tagged := slices.Contains(v.LeaveOut, device), v.Tagged && slices.Contains(marked, volume)
		switch meant := named || tagged; {
		case device == rootName:
			root = meant
		case meant, v.RootOnly:
			out = append(out, job.LeftOut{Device: device, Volume: volume, Tagged: tagged && !named})
		}
	}
	slices.SortFunc(out, func(a, b job.LeftOut) int { return cmp.Compare(a.Device, b.Device) })
	return out, root
}

// Marked reports whether a volume carries the tag goldsmith:image=no.
func Marked(v types.Volume) bool { return tag.Map(v.Tags)[tag.Request] == tag.LeftOut }

// LeaveOut are the volumes that are left out of the instance's image, and what to know of that.
func (f Facts) LeaveOut() (out []job.LeftOut, told []job.Reason) {
	out, root := LeaveOut(f.Instance, f.Plan.Image.Volumes, f.Marked)
	if len(out) > 0 {
		told = append(told, job.Reason{Code: job.VolumesLeftOut, Text: leftOut(out, f.Plan)})
	}
	if root {
		told = append(told,
			job.Reason{Code: job.RootStays, Text: fmt.Sprintf("plan %s would leave out %s, which is its root: "+
				"that is in the image all the same", f.Run.Plan, aws.ToString(f.Instance.RootDeviceName))})
	}
	return out, told
}

// leaves reports whether a volume is left out of the image, as far as the volumes' tags are known.
func (f Facts) leaves(volume string) bool {
	out, _ := LeaveOut(f.Instance, f.Plan.Image.Volumes, f.Marked)
	return (job.Image{LeftOut: out}).Leaves(volume)
}

// leftOut says what the image does not hold, why, and what may come of that.
func leftOut(out []job.LeftOut, p plan.Plan) string {
	names := make([]string, len(out))
	for i, l := range out {
		names[i] = l.Device + " (" + l.Volume
		if l.Tagged {
			names[i] += ", tagged " + tag.Request + "=" + tag.LeftOut
		}
		names[i] += ")"
	}
	text := "its image is to be without " + job.Few(names, leftOutShown) + ": no backup of these is made"
	if !p.Verify.Boot {
		text += ". What mounts them without nofail may not boot from it; a boot test (verify.boot) tells"
	}
	return text
}

// Without is a source without volumes that are left out of its image.
func Without(s job.Source, out []job.LeftOut) job.Source {
	left := job.Image{LeftOut: out}
	s.Volumes = slices.DeleteFunc(slices.Clone(s.Volumes), left.Leaves)
	s.Kept = slices.DeleteFunc(slices.Clone(s.Kept), func(device string) bool {
		return slices.Contains(left.Without(), device)
	})
	return s
}

// leftOutShown is how many volumes a message names of one source.
const leftOutShown = 5
