package night_test

import (
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/tag"
)

// launchMutations break what templates and groups launch.
var launchMutations = []mutation{
	{
		name: "every image counts as available", breaks: launches,
		edit: func(o *stack.Options) {
			o.Guard = guarded(answering("DescribeImages", "<imageState>failed<", "<imageState>available<"))
		},
		story: func(n *night) {
			web := n.launch("web", "")
			n.template("web", "web", "t3.micro", ec2.ImageX86)
			n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, ImageState: "failed"})
			n.run()
		},
	},
	{
		name: "an undo makes a version of what is undone", breaks: launches,
		edit: func(o *stack.Options) {
			o.Guard = guarded(between("CreateLaunchTemplateVersion", func(form string) string {
				if !strings.Contains(form, "Goldsmith+rollback") {
					return form
				}
				return ofVersion2(form)
			}, as))
		},
		story: func(n *night) {
			n.excused.slack = true // the rollback is told as well
			n.launch("web", "")
			n.template("web", "web", "t3.micro", ec2.ImageX86)
			n.run()
			time.Sleep(5 * time.Minute)
			n.rollBack(event.Rollback{Name: "web", By: "ada"})
		},
	},
	{
		name: "every image counts as available, and only $Latest is rolled", breaks: launches,
		edit: func(o *stack.Options) {
			o.Guard = guarded(answering("DescribeImages", "<imageState>failed<", "<imageState>available<"))
		},
		story: func(n *night) {
			web := n.launch("web", "")
			n.group("latest", n.staying(), "$Latest")
			n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, ImageState: "failed"})
			n.run()
		},
	},
	{
		name: "a version whose roll fails is covered by itself", breaks: launches,
		edit: func(o *stack.Options) {
			o.Guard = guarded(between("CreateLaunchTemplateVersion", func(form string) string {
				if !strings.Contains(form, "was+not+rolled") {
					return form
				}
				return ofVersion2(form)
			}, as))
		},
		story: func(n *night) {
			n.excused.slack = true // the run ends as failed
			n.launch("web", "")
			n.throttle(n.versioned("fleet", rollTemplate{
				tags: map[string]string{tag.Source: "web"}, standard: 1, first: types.RequestLaunchTemplateData{
					ImageId: aws.String(ec2.ImageX86), InstanceType: types.InstanceTypeT3Micro, EbsOptimized: aws.Bool(false),
				},
			}), 0)
			n.run()
		},
	},
}

// ofVersion2 makes a new version of a template one that equals version 2, its image included.
func ofVersion2(form string) string {
	form = regexp.MustCompile(`LaunchTemplateData.ImageId=[^&]*`).ReplaceAllString(form,
		"LaunchTemplateData.EbsOptimized=false")
	return regexp.MustCompile(`SourceVersion=[^&]*`).ReplaceAllString(form, "SourceVersion=2")
}

// staying is a template of web whose default stays where it is: the latest, which is launched, differs in more than
// the image.
func (n *night) staying() string {
	n.t.Helper()
	id := n.template("staying", "web", "t3.micro", ec2.ImageX86)
	must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(id), SourceVersion: aws.String("1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{EbsOptimized: aws.Bool(true)},
	}))(n.t)
	return id
}
