package reference_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/local/ec2"
	"goldsmith/local/stage"
	"goldsmith/shared/reference"
)

// world is an account with some images; n keeps names apart.
type world struct {
	*stage.Stage
	other string // an image that nothing asks about
	n     int
}

func newWorld(t *testing.T) *world {
	w := &world{Stage: stage.New(t)}
	w.other = w.image()
	return w
}

func (w *world) image() string {
	return w.Cloud.SeedImage(w.name("image"), time.Now().Add(-90*24*time.Hour), nil)
}

func (w *world) name(kind string) string {
	w.n++
	return fmt.Sprintf("%s-%d", kind, w.n)
}

func (w *world) gate() reference.Gate {
	return reference.Gate{EC2: w.EC2, AutoScaling: w.AutoScaling, SSM: w.SSM}
}

func (w *world) describe(ids ...string) []types.Image {
	w.Helper()
	out, err := w.EC2.DescribeImages(w.Context(), &sdk.DescribeImagesInput{ImageIds: ids})
	w.Must(err)
	return out.Images
}

// template makes a template whose versions name these images, and returns its name and id.
func (w *world) template(images ...string) (name, id string) {
	w.Helper()
	name = w.name("template")
	data := func(image string) *types.RequestLaunchTemplateData {
		return &types.RequestLaunchTemplateData{ImageId: aws.String(image), InstanceType: types.InstanceTypeT3Micro}
	}
	out, err := w.EC2.CreateLaunchTemplate(w.Context(), &sdk.CreateLaunchTemplateInput{LaunchTemplateName: aws.String(name), LaunchTemplateData: data(images[0])})
	w.Must(err)
	id = aws.ToString(out.LaunchTemplate.LaunchTemplateId)
	for _, image := range images[1:] {
		_, err := w.EC2.CreateLaunchTemplateVersion(w.Context(), &sdk.CreateLaunchTemplateVersionInput{LaunchTemplateId: aws.String(id), LaunchTemplateData: data(image)})
		w.Must(err)
	}
	return name, id
}

func (w *world) standard(id string, version int) {
	w.Helper()
	_, err := w.EC2.ModifyLaunchTemplate(w.Context(), &sdk.ModifyLaunchTemplateInput{LaunchTemplateId: aws.String(id), DefaultVersion: aws.String(fmt.Sprint(version))})
	w.Must(err)
}

// group makes an empty Auto Scaling group.
func (w *world) group(edit func(*autoscaling.CreateAutoScalingGroupInput)) string {
	w.Helper()
	name := w.name("group")
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(0), MaxSize: aws.Int32(0), AvailabilityZones: []string{stage.Region + "a"},
	}
	edit(in)
	_, err := w.AutoScaling.CreateAutoScalingGroup(w.Context(), in)
	w.Must(err)
	return name
}

func spec(id, version string) *scaling.LaunchTemplateSpecification {
	return &scaling.LaunchTemplateSpecification{LaunchTemplateId: aws.String(id), Version: aws.String(version)}
}

func (w *world) mixed(base *scaling.LaunchTemplateSpecification, o scaling.LaunchTemplateOverrides) string {
	w.Helper()
	o.InstanceType = aws.String("t3.micro")
	return w.group(func(in *autoscaling.CreateAutoScalingGroupInput) {
		in.MixedInstancesPolicy = &scaling.MixedInstancesPolicy{LaunchTemplate: &scaling.LaunchTemplate{
			LaunchTemplateSpecification: base, Overrides: []scaling.LaunchTemplateOverrides{o},
		}}
	})
}

func (w *world) parameter(name, value string) {
	w.Helper()
	_, err := w.SSM.PutParameter(w.Context(), &ssm.PutParameterInput{Name: aws.String(name), Value: aws.String(value), Type: ssmtypes.ParameterTypeString, DataType: aws.String("aws:ec2:image")})
	w.Must(err)
	time.Sleep(time.Minute) // for the parameter's check
}

func (w *world) permit(image string, p types.LaunchPermission) {
	w.Helper()
	_, err := w.EC2.ModifyImageAttribute(w.Context(), &sdk.ModifyImageAttributeInput{
		ImageId: aws.String(image), LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{p}},
	})
	w.Must(err)
}

// references are all kinds of references: each makes one and says what the gate should say of it.
var references = map[string]func(w *world, image string) string{
	"a running instance": func(w *world, image string) string {
		return "instance " + w.Launch("x", nil, func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(image) }) + " (running)"
	},
	"a stopped instance": func(w *world, image string) string {
		id := w.Launch("x", nil, func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(image) })
		w.Set(id, ec2.Stopped)
		return "instance " + id + " (stopped)"
	},
	"a template's default version": func(w *world, image string) string {
		name, id := w.template(image, w.other)
		return fmt.Sprintf("launch template %s (%s) version 1, its default", name, id)
	},
	"a template's latest version": func(w *world, image string) string {
		name, id := w.template(w.other, image)
		return fmt.Sprintf("launch template %s (%s) version 2, its latest", name, id)
	},
	"a template's alias": func(w *world, image string) string {
		parameter := "/golden/" + w.name("p")
		w.parameter(parameter, image)
		name, id := w.template("resolve:ssm:" + parameter)
		return fmt.Sprintf("launch template %s (%s) version 1, its default\nparameter %s", name, id, parameter)
	},
	"a template's alias of a parameter's version": func(w *world, image string) string {
		parameter := "/golden/" + w.name("p")
		w.parameter(parameter, image)
		name, id := w.template("resolve:ssm:" + parameter + ":1")
		return fmt.Sprintf("launch template %s (%s) version 1, its default\nparameter %s", name, id, parameter)
	},
	"a version that a group pins": func(w *world, image string) string {
		name, id := w.template(w.other, image, w.other)
		group := w.group(func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate = spec(id, "2") })
		return fmt.Sprintf("Auto Scaling group %s pins version 2 of launch template %s (%s)", group, name, id)
	},
	"a version that a mixed group pins": func(w *world, image string) string {
		name, id := w.template(w.other, image, w.other)
		group := w.mixed(spec(id, "2"), scaling.LaunchTemplateOverrides{})
		return fmt.Sprintf("Auto Scaling group %s pins version 2 of launch template %s (%s)", group, name, id)
	},
	"a version that an override pins": func(w *world, image string) string {
		_, base := w.template(w.other)
		name, id := w.template(w.other, image, w.other)
		group := w.mixed(spec(base, "$Default"), scaling.LaunchTemplateOverrides{LaunchTemplateSpecification: spec(id, "2")})
		return fmt.Sprintf("Auto Scaling group %s pins version 2 of launch template %s (%s)", group, name, id)
	},
	"an override's image": func(w *world, image string) string {
		_, id := w.template(w.other)
		return "override of Auto Scaling group " + w.mixed(spec(id, "$Default"), scaling.LaunchTemplateOverrides{ImageId: aws.String(image)})
	},
	"a launch configuration": func(w *world, image string) string {
		name := w.name("configuration")
		_, err := w.AutoScaling.CreateLaunchConfiguration(w.Context(), &autoscaling.CreateLaunchConfigurationInput{
			LaunchConfigurationName: aws.String(name), ImageId: aws.String(image), InstanceType: aws.String("t3.micro"),
		})
		w.Must(err)
		return "launch configuration " + name
	},
	"Goldsmith's alias": func(w *world, image string) string {
		name := "/goldsmith/images/" + w.name("p")
		w.parameter(name, image)
		return "parameter " + name
	},
	"any other parameter": func(w *world, image string) string {
		name := w.name("p")
		w.parameter(name, image)
		return "parameter " + name
	},
	"another account": func(w *world, image string) string {
		account := fmt.Sprintf("%012d", w.n)
		w.n++
		w.permit(image, types.LaunchPermission{UserId: aws.String(account)})
		return "shared with account " + account
	},
	"an organization": func(w *world, image string) string {
		arn := "arn:aws:organizations::123456789012:organization/" + w.name("o")
		w.permit(image, types.LaunchPermission{OrganizationArn: aws.String(arn)})
		return "shared with organization " + arn
	},
	"an organizational unit": func(w *world, image string) string {
		arn := "arn:aws:organizations::123456789012:ou/o-1/" + w.name("ou")
		w.permit(image, types.LaunchPermission{OrganizationalUnitArn: aws.String(arn)})
		return "shared with organizational unit " + arn
	},
	"everybody": func(w *world, image string) string {
		w.permit(image, types.LaunchPermission{Group: types.PermissionGroupAll})
		return "public"
	},
	"its protection": func(w *world, image string) string {
		_, err := w.EC2.EnableImageDeregistrationProtection(w.Context(), &sdk.EnableImageDeregistrationProtectionInput{ImageId: aws.String(image)})
		w.Must(err)
		return "deregistration-protected"
	},
	"a launch in the last two days": func(w *world, image string) string {
		w.Must(w.Cloud.SetLastLaunched(image, time.Now().Add(-47*time.Hour)))
		return "last launched 47h ago"
	},
}

// noise refers to an image in ways that keep nothing.
var noise = map[string]func(w *world, image string){
	"an old version of a template": func(w *world, image string) {
		_, id := w.template(image, w.other)
		w.standard(id, 2)
	},
	"a launch long ago": func(w *world, image string) {
		w.Must(w.Cloud.SetLastLaunched(image, time.Now().Add(-50*time.Hour)))
	},
	"a parameter's old value": func(w *world, image string) {
		name := "/goldsmith/images/" + w.name("p")
		w.parameter(name, image)
		_, err := w.SSM.PutParameter(w.Context(), &ssm.PutParameterInput{Name: aws.String(name), Value: aws.String(w.other), Overwrite: aws.Bool(true)})
		w.Must(err)
		time.Sleep(time.Minute)
	},
	"a template whose parameter is gone": func(w *world, _ string) { w.template("resolve:ssm:/nobody/" + w.name("p")) },
	"a group that pins another version": func(w *world, image string) {
		_, id := w.template(w.other, image, w.other)
		w.group(func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate = spec(id, "1") })
	},
}

// Each reference alone keeps its image, and no other.
func TestEachReferenceAlone(t *testing.T) {
	for name, refer := range references {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				used, free := w.image(), w.image()
				want := map[string][]string{used: strings.Split(refer(w, used), "\n")}
				uses, err := w.gate().Uses(w.Context(), w.describe(used, free))
				w.Must(err)
				w.Same("uses", sorted(uses), sorted(want))
			})
		})
	}
}

func TestNoReference(t *testing.T) {
	for name, refer := range noise {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				free := w.image()
				refer(w, free)
				uses, err := w.gate().Uses(w.Context(), w.describe(free))
				w.Must(err)
				w.Same("uses", uses, map[string][]string{})
			})
		})
	}
}

// isLaunch sorts the last launch behind everything else.
func isLaunch(kind string) string {
	if kind == "a launch in the last two days" {
		return "last"
	}
	return ""
}

// drawn is what refers to one image of a world.
type drawn struct{ references, noise []string }

// In any world every image is kept for exactly what refers to it.
func TestWorldsOfReferences(t *testing.T) {
	kinds, others := names(references), slices.DeleteFunc(names(noise), func(kind string) bool {
		return kind == "a launch long ago" // an image has one last launch
	})
	rapid.Check(t, func(r *rapid.T) {
		var images []drawn
		for range rapid.IntRange(1, 12).Draw(r, "images") {
			d := drawn{
				rapid.SliceOfNDistinct(rapid.SampledFrom(kinds), 0, 3, rapid.ID).Draw(r, "references"),
				rapid.SliceOfNDistinct(rapid.SampledFrom(others), 0, 2, rapid.ID).Draw(r, "noise"),
			}
			// An instance that is launched now makes the last launch a later one.
			slices.SortStableFunc(d.references, func(a, b string) int { return strings.Compare(isLaunch(a), isLaunch(b)) })
			images = append(images, d)
		}
		var diff string
		synctest.Test(t, func(t *testing.T) { diff = newWorld(t).difference(images) })
		if diff != "" {
			r.Fatal(diff)
		}
	})
}

// difference builds a world and compares what the gate says of it.
func (w *world) difference(images []drawn) string {
	want := map[string][]string{}
	var ids []string
	for _, d := range images {
		id := w.image()
		ids = append(ids, id)
		for _, kind := range d.references {
			want[id] = append(want[id], strings.Split(references[kind](w, id), "\n")...)
		}
		for _, kind := range d.noise {
			noise[kind](w, id)
		}
	}
	uses, err := w.gate().Uses(context.Background(), w.describe(ids...))
	w.Must(err)
	return cmp.Diff(sorted(want), sorted(uses))
}

func names[T any](of map[string]T) []string {
	var all []string
	for name := range of {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// sorted is for comparing: reasons come in the order of the look-ups.
func sorted(uses map[string][]string) map[string][]string {
	all := map[string][]string{}
	for image, of := range uses {
		slices.Sort(of)
		all[image] = slices.Compact(of)
	}
	return all
}

// Whatever cannot be read to its end keeps everything.
func TestFailingDescribes(t *testing.T) {
	for _, action := range []string{"DescribeInstances", "DescribeLaunchTemplateVersions", "DescribeImageAttribute", "DescribeImageReferences"} {
		for _, code := range []string{"UnauthorizedOperation", "RequestLimitExceeded", "InternalError"} {
			broken(t, action+" "+code, code, func(w *world) { w.Cloud.Inject(ec2.Fault{Action: action, Code: code}) })
		}
	}
	for _, operation := range []string{"DescribeAutoScalingGroups", "DescribeLaunchConfigurations", "GetParametersByPath", "GetParameters"} {
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
			uses, err := w.gate().Uses(w.Context(), images)
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
			want[ids[n]] = append(want[ids[n]], fmt.Sprintf("Auto Scaling group %s pins version 2 of launch template template-%d (%s)", group, w.n-1, id))
			references["a launch configuration"](w, w.other)
		}
		for range 15 {
			w.parameter("/goldsmith/images/"+w.name("p"), w.other)
		}
		for _, kind := range []string{"a template's default version", "a stopped instance", "a launch configuration", "Goldsmith's alias", "any other parameter", "an override's image"} {
			want[last] = append(want[last], references[kind](w, last))
		}
		uses, err := w.gate().Uses(w.Context(), w.describe(ids...))
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
				LaunchTemplateId: aws.String(id), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(w.other)},
			})
			w.Must(err)
		}
		found, err := w.gate().Look(w.Context(), w.describe(image))
		w.Must(err)
		w.Same("uses", found.Uses, map[string][]string{})
		w.Same("old", found.Old, map[string][]string{image: {id}})
	})
}
