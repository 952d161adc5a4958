package usage_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/local/ec2"
)

// references are all kinds of references: each makes one and says what the finder should say of it.
var references = map[string]func(w *world, image string) string{
	"a running instance": func(w *world, image string) string {
		return "instance " + w.Launch("x", nil, func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(image) }) +
			" (running)"
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
		return "override of Auto Scaling group " +
			w.mixed(spec(id, "$Default"), scaling.LaunchTemplateOverrides{ImageId: aws.String(image)})
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
		_, err := w.EC2.EnableImageDeregistrationProtection(w.Context(),
			&sdk.EnableImageDeregistrationProtectionInput{ImageId: aws.String(image)})
		w.Must(err)
		return "deregistration-protected"
	},
	"a Spot request that is open": func(w *world, image string) string {
		id, request := w.spot(image, types.SpotInstanceTypePersistent)
		w.Set(id, ec2.Terminated)
		return fmt.Sprintf("instance %s (terminated)\nSpot request %s (open)", id, request)
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
		_, err := w.SSM.PutParameter(w.Context(),
			&ssm.PutParameterInput{Name: aws.String(name), Value: aws.String(w.other), Overwrite: aws.Bool(true)})
		w.Must(err)
		time.Sleep(time.Minute)
	},
	"a template whose parameter is gone": func(w *world, _ string) { w.template("resolve:ssm:/nobody/" + w.name("p")) },
	"a group that pins another version": func(w *world, image string) {
		_, id := w.template(w.other, image, w.other)
		w.group(func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate = spec(id, "1") })
	},
}

// A launch is judged by the finder's own clock, if it has one.
func TestAFindersClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		image := w.image()
		w.Must(w.Cloud.SetLastLaunched(image, time.Now().Add(-30*time.Hour)))
		finder := w.finder()
		for later, uses := range map[time.Duration]int{17 * time.Hour: 1, 18 * time.Hour: 0} {
			finder.Now = func() time.Time { return time.Now().Add(later) }
			found, err := finder.Uses(w.Context(), w.describe(image))
			w.Must(err)
			w.Same(later.String(), len(found[image]), uses)
		}
	})
}
