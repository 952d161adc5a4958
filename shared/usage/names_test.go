package usage_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// byName are all that launch version 2 of a template which they name by its name.
var byName = map[string]func(w *world, name string){
	"a group": func(w *world, name string) {
		w.group(func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate = named(name) })
	},
	"a mixed group": func(w *world, name string) { w.mixed(named(name), scaling.LaunchTemplateOverrides{}) },
	"an override": func(w *world, name string) {
		_, base := w.template(w.other)
		w.mixed(spec(base, "$Default"), scaling.LaunchTemplateOverrides{LaunchTemplateSpecification: named(name)})
	},
	"an EC2 Fleet": func(w *world, name string) {
		_, err := w.EC2.CreateFleet(w.Context(), &sdk.CreateFleetInput{
			Type:                        types.FleetTypeMaintain,
			TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(1)},
			LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{
					LaunchTemplateName: &name, Version: aws.String("2"),
				},
			}},
		})
		w.Must(err)
	},
	"a Spot Fleet": func(w *world, name string) {
		w.spotFleet(func(c *types.SpotFleetRequestConfigData) {
			c.LaunchTemplateConfigs = []types.LaunchTemplateConfig{{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecification{
					LaunchTemplateName: &name, Version: aws.String("2"),
				},
			}}
		})
	},
}

func named(name string) *scaling.LaunchTemplateSpecification {
	return &scaling.LaunchTemplateSpecification{LaunchTemplateName: aws.String(name), Version: aws.String("2")}
}

// A name is a name, also where it looks like an id, and where it is the id of another template.
func TestTemplatesNamedLikeIDs(t *testing.T) {
	for kind, launch := range byName {
		for _, name := range []string{"lt-0123456789abcdef0", "lt-01234567", "lt-workers", "workers", "another's id"} {
			t.Run(kind+" of "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					used := w.image()
					if name == "another's id" {
						_, name = w.template(w.other, w.other, w.other)
					}
					_, id := w.templateNamed(name, w.other, used, w.other)
					launch(w, name)
					uses, err := w.finder().Uses(w.Context(), w.describe(used))
					w.Must(err)
					if len(uses[used]) != 1 {
						t.Errorf("uses %v, want one of %s", uses, fmt.Sprintf("%s (%s)", name, id))
					}
				})
			})
		}
	}
}
