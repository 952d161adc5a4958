package rollout

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// differing names the fields, in EC2's words, in which two versions differ besides the image. That a version
// takes its image from another parameter, or from none, is a difference; so is a snapshot
// that a mapping names, unless it is the image's own.
func differing(a, b types.ResponseLaunchTemplateData, owns func(image, snapshot string) bool) []string {
	one, other := reflect.ValueOf(without(a, owns)), reflect.ValueOf(without(b, owns))
	var fields []string
	for i := range one.NumField() {
		field := one.Type().Field(i)
		if field.IsExported() && written(one.Field(i)) != written(other.Field(i)) {
			fields = append(fields, field.Name)
		}
	}
	return fields
}

// volumesField is the field that a roll changes where the plan says so.
const volumesField = "BlockDeviceMappings"

// written is a field's value as text; a list of nothing is no list.
func written(v reflect.Value) string {
	if v.Kind() == reflect.Slice && v.Len() == 0 {
		return ""
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return "?" // Types of the SDK are made of plain values.
	}
	return string(text)
}

// without is the data without its image and the image's own snapshots.
func without(d types.ResponseLaunchTemplateData,
	owns func(image, snapshot string) bool) types.ResponseLaunchTemplateData {
	image := aws.ToString(d.ImageId)
	if !strings.HasPrefix(image, aliasPrefix) {
		d.ImageId = nil
	}
	d.BlockDeviceMappings = slices.Clone(d.BlockDeviceMappings)
	for i, m := range d.BlockDeviceMappings {
		if hasSnapshot(m) && owns(image, *m.Ebs.SnapshotId) {
			ebs := *m.Ebs
			ebs.SnapshotId = nil
			d.BlockDeviceMappings[i].Ebs = &ebs
		}
	}
	return d
}

func hasSnapshot(m types.LaunchTemplateBlockDeviceMapping) bool {
	return m.Ebs != nil && aws.ToString(m.Ebs.SnapshotId) != ""
}

// listed joins words: "a", "a and b", "a, b and c".
func listed(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
