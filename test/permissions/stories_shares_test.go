package permissions

import (
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/organizations"
	"goldsmith/shared/job"
)

// shared are an image that another account may launch and copy, once its key lets it, and one for an organization.
func shared(n *night) {
	const id = "key/1234abcd-12ab-34cd-56ef-1234567890ab"
	own := organizations.Organization{ID: "o-a1b2c3d4e5", Management: "999999999999"}
	n.Organizations.Join(own)
	web := n.launch(ec2.ImageX86, "", enrolled("web", "shared"), under(here.ARN("kms", id)))
	api := n.launch(ec2.ImageX86, "", enrolled("api", "organized"))
	n.EC2.Grant(here.ARN("kms", id), "arn:aws:iam::777777777777:root", "DescribeKey", "Decrypt", "ReEncryptFrom",
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
	if err := n.EC2.CopyBy(ec2.Consumer{Account: "777777777777"}, n.result(web).Image.ID); err != nil {
		n.t.Error(err)
	}
}
