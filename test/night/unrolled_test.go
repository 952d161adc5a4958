package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/plan"
)

// withoutENA registers an image like ImageX86 that does not support the Elastic Network Adapter.
func (n *night) withoutENA() string {
	n.t.Helper()
	return n.registered("without ENA", false)
}

// registered registers an image of that name like ImageX86.
func (n *night) registered(name string, ena bool, edits ...func(*sdk.RegisterImageInput)) string {
	n.t.Helper()
	in := &sdk.RegisterImageInput{
		Name: aws.String(name), Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"),
		EnaSupport: aws.Bool(ena), RootDeviceName: aws.String("/dev/xvda"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{
			DeviceName: aws.String("/dev/xvda"),
			Ebs:        &types.EbsBlockDevice{SnapshotId: aws.String("snap" + ec2.ImageX86[len("ami"):])},
		}},
	}
	for _, edit := range edits {
		edit(in)
	}
	out := must(n.cloud.RegisterImage(n.ctx, in))(n.t)
	time.Sleep(time.Minute)
	return aws.ToString(out.ImageId)
}

// imageIn is the image of a template's version.
func (n *night) imageIn(template, version string) string {
	n.t.Helper()
	out := must(n.cloud.DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(template), Versions: []string{version},
	}))(n.t)
	return aws.ToString(out.LaunchTemplateVersions[0].LaunchTemplateData.ImageId)
}

// throttle has the first changes of a template's default refused, all of them where times is 0.
func (n *night) throttle(resource string, times int) {
	fault := ec2.Fault{Action: "ModifyLaunchTemplate", Resource: resource, Code: "RequestLimitExceeded", Status: 503}
	for i := range times {
		fault.Nth = append(fault.Nth, i+1)
	}
	n.EC2.Inject(fault)
}

// A default that cannot be moved however often it is tried: $Latest does not launch the image of the failed job.
func TestABusyDefaultLeavesNothingOnLatest(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack, n.excused.dead = true, true
		web := n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.group("latest", fleet, "$Latest")
		n.throttle(fleet, 0)
		r := n.nights(0)
		n.want("rolled", len(n.results(r)[web].Rolled), 0)
		n.want("default", n.imageIn(fleet, "$Default"), ec2.ImageX86)
		n.want("latest", n.imageIn(fleet, "$Latest"), ec2.ImageX86)
		n.want("versions: before, rolled, and what was before on top", len(n.versions(fleet)), 3)
	})
}

// One template of two stays busy: the failure names the other, which is rolled.
func TestABusyTemplateIsToldBesideThoseThatAreRolled(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack, n.excused.dead = true, true
		web := n.launch("web", "")
		a := n.template("one", "web", "t3.micro", ec2.ImageX86)
		b := n.template("two", "web", "t3.micro", ec2.ImageX86)
		busy, other := max(a, b), "one"
		if busy == a {
			other = "two"
		}
		n.throttle(busy, 0)
		problem := n.results(n.nights(0))[web].Problem
		n.want("told in "+problem, strings.Contains(problem, "rolled all the same: "+other), true)
	})
}

// A default that can be moved at a later try: both lead to the image, whatever was covered in between.
func TestABusyDefaultIsRolledLater(t *testing.T) {
	for _, version := range []string{"$Default", "$Latest"} {
		for _, times := range []int{3, 6, 20} {
			t.Run(fmt.Sprint(version, times), func(t *testing.T) {
				play(t, stack.Options{}, func(n *night) {
					web := n.launch("web", "")
					fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
					n.group("members", fleet, version)
					n.throttle(fleet, times)
					made := n.results(n.nights(0))[web].Image.ID
					n.want("default", n.imageIn(fleet, "$Default"), made)
					n.want("latest", n.imageIn(fleet, "$Latest"), made)
					n.want("at most three versions are made", len(n.versions(fleet)) <= 4, true)
				})
			})
		}
	}
}

// What is held makes no later roll of all or none fail, and a template that comes to the held name is held with it.
func TestAllOrNoneBesideAHeldTemplate(t *testing.T) {
	play(t, stack.Options{Plans: nightly(func(p *plan.Plan) { p.Roll.Together = true })}, func(n *night) {
		n.excused.slack = true
		web := n.launch("web", "")
		n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.nights(0)
		n.nights(1)
		n.rollBack(event.Rollback{Name: "web", By: "ada"})
		n.template("later", "web", "t3.micro", ec2.ImageX86)
		r := n.nights(2)
		n.want("held", n.rolled(r, web, "fleet").Held, true)
		n.want("later", n.rolled(r, web, "later").Held, true)
		n.saysOf(r, "OK: ")
	})
}

// A stopped source was given a type that its image does not run on: a template of that type is left alone.
func TestTheTypeOfTheSourceIsAskedToo(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		image := n.withoutENA()
		web := n.launch("web", "stopped t2.micro image="+image)
		_, err := n.cloud.ModifyInstanceAttribute(n.ctx, &sdk.ModifyInstanceAttributeInput{
			InstanceId: aws.String(web), InstanceType: &types.AttributeValue{Value: aws.String("m5.large")},
		})
		n.ok(err)
		n.template("fleet", "web", "m5.large", ec2.ImageX86)
		problem := n.rolled(n.nights(0), web, "fleet").Problem
		n.want("told", strings.Contains(problem, "m5.large needs images with ENA"), true)
		// It is no golden image.
		must(n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: aws.String(image)}))(n.t)
	})
}

// A person makes another version the default between the look and the change: it stays, and $Latest too.
func TestADefaultMovedMeanwhileStays(t *testing.T) {
	middle := &middle{action: "CreateLaunchTemplateVersion"}
	play(t, stack.Options{Guard: middle.guard}, func(n *night) {
		web := n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageWindows)
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(fleet), SourceVersion: aws.String("1"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86)},
		}))(n.t)
		n.makeDefault(fleet, "2")
		middle.do = func() { n.makeDefault(fleet, "1") }
		problem := n.rolled(n.nights(0), web, "fleet").Problem
		n.want("told", strings.Contains(problem, "version 1 was made its default"), true)
		n.want("default", n.imageIn(fleet, "$Default"), ec2.ImageWindows)
		n.want("latest", n.imageIn(fleet, "$Latest"), ec2.ImageX86)
	})
}

// A template that may have no more versions is told with what to do, and launches what it did.
func TestATemplateWithAsManyVersionsAsItMayHave(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		web := n.launch("web", "")
		full := n.template("full", "web", "t3.micro", ec2.ImageX86)
		n.template("other", "web", "t3.micro", ec2.ImageX86)
		for range 9999 {
			must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
				LaunchTemplateId: aws.String(full), SourceVersion: aws.String("1"),
				LaunchTemplateData: &types.RequestLaunchTemplateData{},
			}))(n.t)
		}
		r := n.nights(0)
		problem := n.rolled(r, web, "full").Problem
		n.want("told in "+problem, strings.Contains(problem, "it has as many versions as EC2 allows") &&
			strings.Contains(problem, "Delete old ones"), true)
		n.want("default", n.imageIn(full, "$Default"), ec2.ImageX86)
		n.want("latest", n.imageIn(full, "$Latest"), ec2.ImageX86)
		n.want("the other", n.rolled(r, web, "other").Problem, "")
		n.saysOf(r, "PARTIAL: ", "it has as many versions as EC2 allows")
	})
}
