package permissions

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/image"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// retired are three nights: old images are deprecated, disabled and removed, and what was
// left of one that a person deregistered by hand is swept.
func retired(n *night) {
	must(n.ssm().PutParameter(n.ctx, &ssm.PutParameterInput{
		Name: aws.String("/golden/web"), Value: aws.String(ec2.ImageX86), Type: ssmtypes.ParameterTypeString,
		DataType: aws.String("aws:ec2:image"),
	}))(n.t)
	web := n.launch(ec2.ImageX86, "", enrolled("web", "aging"))
	l := n.ledger
	old := func(days int) string {
		made, name := time.Now().AddDate(0, 0, -days), fmt.Sprintf("old/%d", days)
		id := n.EC2.SeedImage(name, made, map[string]string{
			tag.Managed: "true", tag.Plan: "aging", tag.Name: "web", tag.Source: web, tag.Run: fmt.Sprint(days),
		})
		must(l.Register(n.ctx, ledger.Registration{
			Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: web, Source: web, Name: "web", Plan: "aging",
			Run:     fmt.Sprint(days),
			AMIName: name, ID: id, Snapshots: image.Snapshots(n.image(id)), Good: true, Begun: made,
		}))(n.t)
		return id
	}
	due, shared, gone := old(100), old(101), old(102)
	registered, _, err := l.Registration(n.ctx, due)
	n.ok(err)
	registered.Snapshots = nil
	must(l.Amend(n.ctx, registered))(n.t)
	// One of the same name that was made of a volume, and one that is not registered.
	volume := n.EC2.SeedImage("old/volume", time.Now().AddDate(0, 0, -99),
		map[string]string{tag.Managed: "true", tag.Plan: "aging", tag.Name: "web", tag.Source: web})
	must(l.Register(n.ctx, ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: "vol-0123456789abcdef0", Source: web, Name: "web",
		Plan: "aging", Run: "volume",
		AMIName: "old/volume", ID: volume, Begun: time.Now().AddDate(0, 0, -99),
	}))(n.t)
	n.EC2.SeedImage("by hand", time.Now().AddDate(0, 0, -99),
		map[string]string{tag.Managed: "true", tag.Plan: "aging", tag.Name: "web", tag.Source: web})
	l.forgetful = true
	n.template("by-alias", "resolve:ssm:/golden/web", nil)
	for _, id := range []string{n.template("subscribed", due, map[string]string{tag.Source: "web"}),
		n.template("listed", due, nil)} {
		n.version(id, ec2.ImageX86)
		must(l.PutTarget(n.ctx, ledger.TargetRecord{Source: "web", ID: id, Made: []int64{1}}))(n.t)
	}
	n.emptyGroup("listed")
	must(n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: aws.String(gone)}))(n.t)
	n.run(aging)
	l.forgetful = false
	n.want("deprecated", n.image(due).DeprecationTime != nil, true)
	must(n.cloud.ModifyImageAttribute(n.ctx,
		&sdk.ModifyImageAttributeInput{ImageId: aws.String(shared), LaunchPermission: &types.LaunchPermissionModifications{
			Add: []types.LaunchPermission{{UserId: aws.String("210987654321")}},
		}}))(n.t)
	n.run(aging.AddDate(0, 0, 1))
	n.want("shared", n.image(shared).DeprecationTime == nil, true)
	n.want("state", n.image(due).State, types.ImageStateDisabled)
	n.run(aging.AddDate(0, 0, 2))
	n.want("gone", n.image(due).ImageId == nil, true)
}

// aging is when plan aging runs first.
var aging = time.Date(2000, time.January, 1, 2, 0, 0, 0, time.UTC)

// version adds a version to a template and makes it the default.
func (n *night) version(template, image string) {
	n.t.Helper()
	must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId:   aws.String(template),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(image), InstanceType: "m5.large"},
	}))(n.t)
	must(n.cloud.ModifyLaunchTemplate(n.ctx,
		&sdk.ModifyLaunchTemplateInput{LaunchTemplateId: aws.String(template), DefaultVersion: aws.String("2")}))(n.t)
}

// image is an image as EC2 describes it; the zero one when it is gone.
func (n *night) image(id string) (found types.Image) {
	n.t.Helper()
	for _, i := range must(n.cloud.DescribeImages(n.ctx,
		&sdk.DescribeImagesInput{ImageIds: []string{id}, IncludeDisabled: aws.Bool(true)}))(n.t).Images {
		found = i
	}
	return found
}
