package usage_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// Whatever cannot be read to its end keeps everything.
func TestFailingDescribes(t *testing.T) {
	for _, action := range []string{"DescribeInstances", "DescribeLaunchTemplateVersions", "DescribeImageAttribute",
		"DescribeImageReferences"} {
		for _, code := range []string{"UnauthorizedOperation", "RequestLimitExceeded", "InternalError"} {
			broken(t, action+" "+code, code, func(w *world) { w.Cloud.Inject(ec2.Fault{Action: action, Code: code}) })
		}
	}
	for _, operation := range []string{"DescribeAutoScalingGroups", "DescribeLaunchConfigurations", "GetParametersByPath",
		"GetParameters"} {
		broken(t, operation, "AccessDenied", func(w *world) { w.Refuse(operation, "AccessDenied", 1) })
	}
	broken(t, "the second page of instances", "UnauthorizedOperation", func(w *world) {
		w.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Nth: []int{2}, Code: "UnauthorizedOperation"})
		image := w.image()
		for range 1001 {
			w.Launch("x", nil, func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(image) })
		}
	})
	broken(t, "the second page of templates", "UnauthorizedOperation", func(w *world) {
		w.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplateVersions", Nth: []int{2}, Code: "UnauthorizedOperation"})
		for range 101 {
			w.template(w.other)
		}
	})
	broken(t, "a pinned version", "UnauthorizedOperation", func(w *world) {
		references["a version that a group pins"](w, w.other)
		w.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplateVersions", Nth: []int{2}, Code: "UnauthorizedOperation"})
	})
}

func broken(t *testing.T, name, code string, breaks func(*world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			images := w.describe(append([]string{w.image(), w.image()}, w.all()...)...)
			w.template("resolve:ssm:/golden/x") // so that parameters are asked for
			breaks(w)
			images = append(images, w.describe(w.all()...)...)
			uses, err := w.finder().Uses(w.Context(), images)
			if err == nil || !strings.Contains(err.Error(), code) || uses != nil {
				t.Errorf("uses %v, error %v", uses, err)
			}
		})
	})
}

// all are the account's own images.
func (w *world) all() []string {
	out, err := w.EC2.DescribeImages(w.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}})
	w.Must(err)
	var ids []string
	for _, i := range out.Images {
		ids = append(ids, aws.ToString(i.ImageId))
	}
	return ids
}

// The last of many is found, on whatever page it is.
func TestPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var ids []string
		for range 230 {
			ids = append(ids, w.image())
		}
		want := map[string][]string{}
		last := ids[len(ids)-1]
		for range 205 {
			w.template(w.other)
		}
		for n := range 105 {
			_, id := w.template(w.other, ids[n], w.other)
			group := w.group(func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate = spec(id, "2") })
			want[ids[n]] = append(want[ids[n]],
				fmt.Sprintf("Auto Scaling group %s pins version 2 of launch template template-%d (%s)", group, w.n-1, id))
			references["a launch configuration"](w, w.other)
		}
		for range 15 {
			w.parameter("/goldsmith/images/"+w.name("p"), w.other)
		}
		for _, kind := range []string{"a template's default version", "a stopped instance", "a launch configuration",
			"Goldsmith's alias", "any other parameter", "an override's image"} {
			want[last] = append(want[last], references[kind](w, last))
		}
		uses, err := w.finder().Uses(w.Context(), w.describe(ids...))
		w.Must(err)
		w.Same("uses", sorted(uses), sorted(want))
	})
}

// Old versions of templates are named, so that they can be pruned.
func TestOldVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		image := w.image()
		_, id := w.template(image, w.other)
		w.standard(id, 2)
		for range 12 { // beyond the versions that EC2 looks at by itself
			_, err := w.EC2.CreateLaunchTemplateVersion(w.Context(), &sdk.CreateLaunchTemplateVersionInput{
				LaunchTemplateId:   aws.String(id),
				LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(w.other)},
			})
			w.Must(err)
		}
		found, err := w.finder().Look(w.Context(), w.describe(image), nil)
		w.Must(err)
		w.Same("uses", found.Uses, map[string][]string{})
		w.Same("old", found.Old, map[string][]string{image: {id}})
	})
}
