package usage_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/test/steptest"
)

// refreshing is a group of one member whose refresh has just begun to what it is to launch, in a template that names
// the image in an old version.
func (w *world) refreshing(
	image string, byName bool, to func(id string) *scaling.DesiredConfiguration,
) (name, id, group string) {
	w.Helper()
	name, id = w.template(w.other, image, w.other)
	w.standard(id, 3)
	group = w.group(func(in *autoscaling.CreateAutoScalingGroupInput) {
		in.MinSize, in.MaxSize, in.LaunchTemplate = aws.Int32(1), aws.Int32(2), spec(id, "$Default")
		if byName {
			in.LaunchTemplate = &scaling.LaunchTemplateSpecification{LaunchTemplateName: &name, Version: aws.String("$Default")}
		}
	})
	time.Sleep(10 * time.Minute)
	_, err := w.AutoScaling.StartInstanceRefresh(w.Context(), &autoscaling.StartInstanceRefreshInput{
		AutoScalingGroupName: &group, DesiredConfiguration: to(id),
		Preferences: &scaling.RefreshPreferences{MinHealthyPercentage: aws.Int32(100), MaxHealthyPercentage: aws.Int32(200)},
	})
	w.Must(err)
	return name, id, group
}

// What a refresh is to launch keeps its image before anything runs from it.
func TestWhatARefreshIsToLaunch(t *testing.T) {
	single := func(id string) *scaling.DesiredConfiguration {
		return &scaling.DesiredConfiguration{LaunchTemplate: spec(id, "2")}
	}
	mixed := func(id string) *scaling.DesiredConfiguration {
		return &scaling.DesiredConfiguration{MixedInstancesPolicy: &scaling.MixedInstancesPolicy{
			LaunchTemplate: &scaling.LaunchTemplate{LaunchTemplateSpecification: spec(id, "2")},
		}}
	}
	for kind, to := range map[string]func(id string) *scaling.DesiredConfiguration{"single": single, "mixed": mixed} {
		for _, byName := range []bool{false, true} {
			t.Run(fmt.Sprint(kind, " by name ", byName), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					image := w.image()
					name, id, group := w.refreshing(image, byName, to)
					uses, err := w.finder().Uses(w.Context(), w.describe(image))
					w.Must(err)
					w.Same("uses", uses, map[string][]string{image: {fmt.Sprintf(
						"instance refresh of Auto Scaling group %s pins version 2 of launch template %s (%s)", group, name, id)}})
				})
			})
		}
	}
}

// A refresh that has ended keeps nothing, and one that cannot be asked for keeps everything.
func TestRefreshesThatEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		image := w.image()
		_, _, group := w.refreshing(image, false, func(id string) *scaling.DesiredConfiguration {
			return &scaling.DesiredConfiguration{LaunchTemplate: spec(id, "2")}
		})
		_, err := w.AutoScaling.CancelInstanceRefresh(w.Context(),
			&autoscaling.CancelInstanceRefreshInput{AutoScalingGroupName: &group})
		w.Must(err)
		time.Sleep(time.Hour)
		uses, err := w.finder().Uses(w.Context(), w.describe(image))
		w.Must(err)
		for _, why := range uses[image] {
			w.Same("kept by an instance", why[:9], "instance ")
			w.Same("and not by the refresh", why[:12] != "instance ref", true)
		}
		all := append(codes(t, "other-error-codes.txt"), codes(t, "ec2-error-codes.txt")...)
		other := w.image()
		_, _, _ = w.refreshing(other, false, func(id string) *scaling.DesiredConfiguration {
			return &scaling.DesiredConfiguration{LaunchTemplate: spec(id, "2")}
		})
		for _, code := range all {
			w.Refuse("DescribeInstanceRefreshes", code, steptest.Attempts)
			w.keepsAll(w.describe(other), code, false)
			w.Allow("DescribeInstanceRefreshes")
		}
	})
}
