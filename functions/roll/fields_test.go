package roll_test

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/test/steptest"
)

// TestRollKeepsEveryField rolls launch templates of any content through the
// real client: the new default version equals the one before in all but the image.
func TestRollKeepsEveryField(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var data types.RequestLaunchTemplateData
		steptest.Fill(r, reflect.ValueOf(&data).Elem(), "data")
		data.ImageId, data.InstanceType = aws.String(before), types.InstanceTypeT3Micro
		// Mappings and requirements are held against the image: made_test.go.
		data.BlockDeviceMappings, data.InstanceRequirements = nil, nil
		var diff string
		// rapid may not be used within a bubble.
		synctest.Test(t, func(t *testing.T) { diff = rolledOnce(steptest.New(t), data) })
		if diff != "" {
			r.Fatalf("the new version differs (-old +new):\n%s", diff)
		}
	})
}

// rolledOnce is what differs, but for the image, between a template's version and the one that is rolled.
func rolledOnce(s *steptest.Stage, data types.RequestLaunchTemplateData) string {
	step, j := scene(s)
	template(s, "any", "web", before, func(d *types.RequestLaunchTemplateData) { *d = data })
	done, err := step(s.Context(), j)
	s.Must(err)
	v := versions(s, "any")
	if len(v) != 2 || !aws.ToBool(v[0].DefaultVersion) {
		return fmt.Sprintf("%d versions, %+v", len(v), done.Rolled)
	}
	want := *v[1].LaunchTemplateData
	want.ImageId = aws.String(newest)
	return cmp.Diff(want, *v[0].LaunchTemplateData, exported)
}

// exported leaves out what the SDK's types embed for its own use.
var exported = cmp.FilterPath(func(p cmp.Path) bool {
	field, ok := p.Last().(cmp.StructField)
	return ok && (field.Name()[0] < 'A' || field.Name()[0] > 'Z')
}, cmp.Ignore())
