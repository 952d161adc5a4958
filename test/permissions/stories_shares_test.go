package permissions

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/local/organizations"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/sharing"
	"goldsmith/shared/tag"
)

// shared are an image that another account may launch and copy, once its key lets it, and one for an organization.
func shared(n *night) {
	own := organizations.Organization{ID: "o-a1b2c3d4e5", Management: "999999999999"}
	n.Organizations.Join(own)
	web := n.launch(ec2.ImageX86, "", enrolled("web", "shared"), under(keys.Volume))
	api := n.launch(ec2.ImageX86, "", enrolled("api", "organized"))
	n.EC2.Grant(keys.Volume, "arn:aws:iam::777777777777:root", "DescribeKey", "Decrypt", "ReEncryptFrom",
		"CreateGrant")
	n.run(due.Add(150 * time.Minute))
	for source, by := range map[string]ec2.Consumer{
		web: {Account: "777777777777"}, api: {Account: "666666666666", Organization: own.ARN()},
	} {
		n.want("ending", n.result(source).Ending, job.Imaged)
		if err := n.EC2.LaunchBy(by, n.result(source).Image.ID); err != nil {
			n.t.Errorf("account %s cannot launch it: %v", by.Account, err)
		}
	}
	made := n.result(api).Copies[0]
	n.ok(n.Beside[paris].EC2.LaunchBy(ec2.Consumer{Account: "666666666666", Organization: own.ARN()}, made.ID))
	if err := n.EC2.CopyBy(ec2.Consumer{Account: "777777777777"}, n.result(web).Image.ID); err != nil {
		n.t.Error(err)
	}
}

// sharedNoLonger are two nights: EC2 is asked who uses an old image that is shared, and then it is shared no longer.
func sharedNoLonger(n *night) {
	sharee := ec2.Consumer{Account: "777777777777"}
	web := n.launch(ec2.ImageX86, "", enrolled("web", "shared"))
	made := time.Now().AddDate(0, 0, -30)
	id := n.EC2.SeedImage("old/shared", made, map[string]string{
		tag.Managed: "true", tag.Plan: "shared", tag.Name: "web", tag.Source: web, tag.Run: "old",
	})
	with := job.Sharing{Accounts: []string{sharee.Account}, Snapshots: true, At: made}
	must(n.ledger.Register(n.ctx, ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: web, Source: web, Name: "web", Plan: "shared", Run: "old",
		AMIName: "old/shared", ID: id, Good: true, Begun: made, Shared: &with,
	}))(n.t)
	must(sharing.Permit(n.ctx, n.cloud, id, image.Snapshots(n.image(id)), with))(n.t)
	must(n.cloud.EnableImageDeprecation(n.ctx, &sdk.EnableImageDeprecationInput{
		ImageId: aws.String(id), DeprecateAt: aws.Time(time.Now().Add(time.Hour)),
	}))(n.t)
	n.ok(n.ledger.PutRetirement(n.ctx, job.Retirement{
		Plan: "shared", Subject: id, Name: "web", Run: "old", Status: job.Deprecated, Since: time.Now().AddDate(0, 0, -10),
	}))
	n.run(due.Add(150 * time.Minute))
	n.ok(n.EC2.LaunchBy(sharee, id))
	n.run(due.Add(25 * time.Hour).Add(150 * time.Minute))
	if n.EC2.LaunchBy(sharee, id) == nil {
		n.t.Error("it is shared still")
	}
}
