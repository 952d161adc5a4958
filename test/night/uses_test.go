package night_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
)

// An image that a fleet launches stays, also where the fleet names its template by a name that looks like an id.
func TestAFleetOfATemplateNamedLikeAnID(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web := n.launch("web", "")
		first := n.old("web", web, 9)
		n.old("web", web, 8)
		name := aws.String("lt-0123456789abcdef0")
		data := func(image string) *types.RequestLaunchTemplateData {
			return &types.RequestLaunchTemplateData{ImageId: aws.String(image), InstanceType: types.InstanceTypeT3Micro}
		}
		must(n.cloud.CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
			LaunchTemplateName: name, LaunchTemplateData: data(first),
		}))(n.t)
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateName: name, LaunchTemplateData: data(ec2.ImageX86),
		}))(n.t)
		must(n.cloud.ModifyLaunchTemplate(n.ctx, &sdk.ModifyLaunchTemplateInput{
			LaunchTemplateName: name, DefaultVersion: aws.String("2"),
		}))(n.t)
		must(n.cloud.CreateFleet(n.ctx, &sdk.CreateFleetInput{
			Type:                        types.FleetTypeMaintain,
			TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(2)},
			LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{
					LaunchTemplateName: name, Version: aws.String("1"),
				},
			}},
		}))(n.t)
		n.until(0)
		n.until(1)
		n.want("the fleet's image", n.is(first), "available")
	})
}

// A persistent Spot request whose instance is gone launches the image as soon as there is room for it.
func TestAnOpenSpotRequestKeepsItsImage(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web := n.launch("web", "")
		first := n.old("web", web, 9)
		n.old("web", web, 8)
		n.as(n.launch("worker", "spot unenrolled image="+first), ec2.Terminated)
		for days := range 4 {
			n.until(days)
		}
		n.want("the request's image", n.is(first), "available")
		n.saysOf(n.runs()[0], "OK: nightly", "Spot request sir-")
	})
}

// A version that a person made of a template which is rolled stays when the image that it names goes.
func TestAPersonsVersionStays(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web := n.launch("web", "")
		first, second := n.old("web", web, 9), n.old("web", web, 8)
		template := n.template("web", "web", "t3.micro", first)
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(template), LaunchTemplateData: &types.RequestLaunchTemplateData{
				ImageId: aws.String(first), InstanceType: types.InstanceTypeM5Large, UserData: aws.String("aGVsbG8="),
			},
		}))(n.t)
		n.version(template, second)
		n.made(template, 3, 1)
		n.until(0)
		n.until(1)
		n.want("the image", n.is(first), "gone")
		n.want("versions 1 and 2", []string{n.versions(template)[1], n.versions(template)[2]}, []string{"", first})
		n.saysOf(n.runs()[0], "version 2 of launch template web names it and stays: no roll made it")
	})
}
