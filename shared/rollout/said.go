package rollout

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/plan"
)

// said is what a plan says of the volumes of what is launched with an image; the zero value says nothing. What it says
// counts key by key more than what a template has, and what it does not say stays (decision 0043).
type said struct {
	volumes map[string]plan.RollVolume
	image   Machine
	leftOut []string
}

// saidOf resolves the root, which has another name in each image. A plan that names the root twice, by its device as
// well, says why that cannot be.
func saidOf(roll plan.Roll, image Image) (v said, problem string) {
	v = said{volumes: maps.Clone(roll.Volumes), image: image.Machine, leftOut: image.LeftOut}
	root, has := v.volumes[plan.RollRoot]
	if !has {
		return v, ""
	}
	delete(v.volumes, plan.RollRoot)
	if _, twice := v.volumes[image.Root]; twice {
		return v, fmt.Sprintf("the plan's roll.volumes says root and %s, which is the image's root: have it say one of them",
			image.Root)
	}
	if image.Root != "" {
		v.volumes[image.Root] = root
	}
	return v, ""
}

// say gives templates what the plan says of volumes.
func say(targets []*Target, roll plan.Roll, image Image) {
	v, problem := saidOf(roll, image)
	for _, t := range targets {
		if t.template != nil {
			t.template.said, t.Rolled.Problem = v, cmp.Or(t.Rolled.Problem, problem)
		}
	}
}

// empty reports whether an empty volume is to take the place of a device that was left out of the image.
func (v said) empty(device string) bool {
	return v.volumes[device].Empty > 0 && v.image.disk(device) == nil && slices.Contains(v.leftOut, device)
}

// over are the mappings of the version that is made from one with these. One that takes a device away stays, and where
// nothing is launched at a device nothing is added but an empty volume.
func (v said) over(all []types.LaunchTemplateBlockDeviceMapping) []types.LaunchTemplateBlockDeviceMapping {
	if len(v.volumes) == 0 {
		return all
	}
	laid := slices.Clone(all)
	for _, device := range slices.Sorted(maps.Keys(v.volumes)) {
		at := mappingOf(laid, device)
		switch {
		case at >= 0 && !suppresses(laid[at:at+1], device):
			laid[at].Ebs = v.lay(device, laid[at].Ebs)
		case at < 0 && (v.image.disk(device) != nil || v.empty(device)):
			if ebs := v.lay(device, nil); *ebs != (types.LaunchTemplateEbsBlockDevice{}) {
				laid = append(laid, types.LaunchTemplateBlockDeviceMapping{DeviceName: aws.String(device), Ebs: ebs})
			}
		}
	}
	return laid
}

func mappingOf(all []types.LaunchTemplateBlockDeviceMapping, device string) int {
	return slices.IndexFunc(all, func(m types.LaunchTemplateBlockDeviceMapping) bool {
		return aws.ToString(m.DeviceName) == device
	})
}

// lay is a mapping with what is said of its device.
func (v said) lay(device string, ebs *types.LaunchTemplateEbsBlockDevice) *types.LaunchTemplateEbsBlockDevice {
	var next types.LaunchTemplateEbsBlockDevice
	if ebs != nil {
		next = *ebs
	}
	say, own := v.volumes[device], v.image.disk(device)
	if own == nil {
		own = &disk{}
	}
	if kind := types.VolumeType(say.Type); kind != "" {
		if kind != cmp.Or(next.VolumeType, own.Type) {
			next.Iops, next.Throughput = nil, nil // They were provisioned of another type.
		}
		next.VolumeType = kind
	}
	next.Iops, next.Throughput = given(say.IOPS, next.Iops), given(say.Throughput, next.Throughput)
	if say.Size > 0 {
		next.VolumeSize = aws.Int32(max(*given(say.Size, nil), own.GiB))
	}
	if say.DeleteOnTermination != nil {
		next.DeleteOnTermination = say.DeleteOnTermination
	}
	if v.empty(device) {
		next.VolumeSize = given(say.Empty, nil)
		next.DeleteOnTermination = cmp.Or(next.DeleteOnTermination, aws.Bool(true))
		if say.Encrypted {
			next.Encrypted = aws.Bool(true)
		}
	}
	return &next
}

// given is a number that is said, or what was there.
func given(said int, was *int32) *int32 {
	if said == 0 {
		return was
	}
	return aws.Int32(int32(said)) //nolint:gosec // A plan's numbers are far below.
}

// laid is what a version has with what the plan says.
func (t *template) laid(n int64) types.ResponseLaunchTemplateData {
	data := t.data(n)
	if _, _, alias := Alias(t.image(n)); alias {
		return data // No roll makes a version of it.
	}
	data.BlockDeviceMappings = t.said.over(data.BlockDeviceMappings)
	return data
}

// asSaid reports whether a version is as the plan says.
func (t *template) asSaid(n int64) bool {
	return equal(t.data(n).BlockDeviceMappings, t.laid(n).BlockDeviceMappings)
}

// done reports whether a version is what a roll of the image would make, and what $Latest launches.
func (t *template) done(n int64, image Image) bool {
	return t.image(n) == image.ID && n == t.latest && t.asSaid(n)
}

func equal(a, b []types.LaunchTemplateBlockDeviceMapping) bool { return text(a) == text(b) }

func text(all []types.LaunchTemplateBlockDeviceMapping) string {
	written, err := json.Marshal(all)
	if err != nil {
		return "?" // Types of the SDK are made of plain values.
	}
	return string(written)
}

// clash says that a device which the plan adds is one that the template maps under another name.
func clash(own, laid []types.LaunchTemplateBlockDeviceMapping) string {
	for _, added := range laid[len(own):] {
		name := aws.ToString(added.DeviceName)
		for _, m := range own {
			if other := aws.ToString(m.DeviceName); strings.TrimPrefix(other, devices) == strings.TrimPrefix(name, devices) {
				return fmt.Sprintf("its %s and the plan's %s are one device, which EC2 takes by one name only: "+
					"have roll.volumes name it as the template does", other, name)
			}
		}
	}
	return ""
}

// provisions tells what the plan's volumes change of the version that the next is made from.
func (t *template) provisions() string {
	own := t.data(t.base).BlockDeviceMappings
	var changed, idle []string
	for _, device := range slices.Sorted(maps.Keys(t.said.volumes)) {
		at, laid := mappingOf(own, device), t.said.over(own)
		now := mappingOf(laid, device)
		switch {
		case now < 0:
			idle = append(idle, device)
		case suppresses(laid[now:now+1], device):
			idle = append(idle, device+", which the template takes away")
		default:
			var was types.LaunchTemplateEbsBlockDevice
			if at >= 0 && own[at].Ebs != nil {
				was = *own[at].Ebs
			}
			if what := t.said.changes(device, was, *laid[now].Ebs); what != "" {
				changed = append(changed, device+" "+what)
			}
		}
	}
	note := ""
	if len(changed) > 0 {
		note = "roll.volumes: " + strings.Join(changed, "; ")
	}
	if len(idle) > 0 {
		note = notes(note, "roll.volumes changes nothing of "+few(idle))
	}
	return note
}

// changes are in words what a mapping has anew.
func (v said) changes(device string, was, now types.LaunchTemplateEbsBlockDevice) string {
	var all []string
	add := func(is bool, text string) {
		if is {
			all = append(all, text)
		}
	}
	number := func(was, now *int32, form string) {
		n := aws.ToInt32(now)
		add(n != aws.ToInt32(was) && n > 0, fmt.Sprintf(form, n))
	}
	snapshot := aws.ToString(was.SnapshotId)
	add(v.empty(device) && snapshot != "", "nothing of "+snapshot)
	number(was.VolumeSize, now.VolumeSize, "%d GiB")
	add(now.VolumeType != was.VolumeType, "type "+string(now.VolumeType))
	number(was.Iops, now.Iops, "%d IOPS")
	number(was.Throughput, now.Throughput, "%d MiB/s")
	add(aws.ToBool(now.Encrypted) != aws.ToBool(was.Encrypted), "encrypted")
	d := now.DeleteOnTermination
	add(d != nil && (was.DeleteOnTermination == nil || *d != *was.DeleteOnTermination),
		map[bool]string{true: "deleted on termination", false: "kept on termination"}[aws.ToBool(d)])
	if v.empty(device) && len(all) > 0 {
		all = append([]string{"empty"}, all...)
	}
	return strings.Join(all, ", ")
}

// unwritten tells of templates that take their image from a parameter: a roll makes no version of them.
func (t *Target) unwritten(roll plan.Roll) string {
	if len(roll.Volumes) == 0 || len(t.through) == 0 {
		return ""
	}
	var names []string
	for _, each := range t.through {
		names = append(names, cmp.Or(each.name, each.id))
	}
	return fmt.Sprintf("roll.volumes is not written where an image is taken from a parameter, as by %s: its versions "+
		"say of which volumes it launches", few(names))
}
