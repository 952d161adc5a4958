package usage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/usage"
	"goldsmith/test/steptest"
)

// world is an account with some images; n keeps names apart.
type world struct {
	*steptest.Stage
	other string // an image that nothing asks about
	n     int
}

func newWorld(t *testing.T) *world {
	w := &world{Stage: steptest.New(t)}
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

func (w *world) finder() usage.Finder {
	return usage.Finder{EC2: w.EC2, AutoScaling: w.AutoScaling, SSM: w.SSM}
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
	return w.templateNamed(w.name("template"), images...)
}

func (w *world) templateNamed(title string, images ...string) (name, id string) {
	w.Helper()
	name = title
	data := func(image string) *types.RequestLaunchTemplateData {
		return &types.RequestLaunchTemplateData{ImageId: aws.String(image), InstanceType: types.InstanceTypeT3Micro}
	}
	out, err := w.EC2.CreateLaunchTemplate(w.Context(),
		&sdk.CreateLaunchTemplateInput{LaunchTemplateName: aws.String(name), LaunchTemplateData: data(images[0])})
	w.Must(err)
	id = aws.ToString(out.LaunchTemplate.LaunchTemplateId)
	for _, image := range images[1:] {
		_, err := w.EC2.CreateLaunchTemplateVersion(w.Context(),
			&sdk.CreateLaunchTemplateVersionInput{LaunchTemplateId: aws.String(id), LaunchTemplateData: data(image)})
		w.Must(err)
	}
	return name, id
}

func (w *world) standard(id string, version int) {
	w.Helper()
	_, err := w.EC2.ModifyLaunchTemplate(w.Context(),
		&sdk.ModifyLaunchTemplateInput{LaunchTemplateId: aws.String(id), DefaultVersion: aws.String(fmt.Sprint(version))})
	w.Must(err)
}

// group makes an empty Auto Scaling group.
func (w *world) group(edit func(*autoscaling.CreateAutoScalingGroupInput)) string {
	w.Helper()
	name := w.name("group")
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(0), MaxSize: aws.Int32(0),
		AvailabilityZones: []string{steptest.Region + "a"},
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
	_, err := w.SSM.PutParameter(w.Context(),
		&ssm.PutParameterInput{Name: aws.String(name), Value: aws.String(value), Type: ssmtypes.ParameterTypeString,
			DataType: aws.String("aws:ec2:image")})
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
