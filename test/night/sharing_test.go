package night_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"goldsmith/local/ec2"
	"goldsmith/local/organizations"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// consumers are accounts that images are shared with, and one that they are not.
var (
	consumerA  = ec2.Consumer{Account: "111122223333"}
	consumerB  = ec2.Consumer{Account: "444455556666"}
	outsider   = ec2.Consumer{Account: "777788889999"}
	ours       = organizations.Organization{ID: "o-a1b2c3d4e5", Management: "999900001111"}
	memberOf   = ec2.Consumer{Account: "222233334444", Organization: ours.ARN()}
	unitMember = ec2.Consumer{Account: "333344445555", Organization: ours.ARN(),
		Units: []string{ours.UnitARN("ou-a1b2-c3d4e5f6")}}
)

// shares is the nightly plan that shares.
func shares(s plan.Share) plan.Plans { return nightly(func(p *plan.Plan) { p.Share = s }) }

func accounts(all ...ec2.Consumer) (ids []string) {
	for _, c := range all {
		ids = append(ids, c.Account)
	}
	return ids
}

// launches says which of the consumers can launch an image.
func (n *night) launches(image string, all ...ec2.Consumer) (can []string) {
	for _, c := range all {
		if n.EC2.LaunchBy(c, image) == nil {
			can = append(can, c.Account)
		}
	}
	return can
}

// imageOf is the image that the first run made of a source.
func (n *night) imageOf(id string) string {
	n.t.Helper()
	result := n.firstOf(id)
	n.want("ending of "+id, result.Ending, job.Imaged)
	return result.Image.ID
}

// letUse is a key policy that lets accounts use the key, as docs/sharing.md has it.
func letUse(all ...ec2.Consumer) string {
	var principals []string
	for _, c := range all {
		principals = append(principals, fmt.Sprintf("%q", "arn:aws:iam::"+c.Account+":root"))
	}
	who := strings.Join(principals, ", ")
	return `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"},
		{"Effect": "Allow", "Principal": {"AWS": [` + who + `]}, "Resource": "*",
		 "Action": ["kms:DescribeKey", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKeyWithoutPlaintext"]},
		{"Effect": "Allow", "Principal": {"AWS": [` + who + `]}, "Action": "kms:CreateGrant", "Resource": "*",
		 "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}]}`
}

// A proven image is shared with the plan's accounts, and with no other.
func TestAnImageIsShared(t *testing.T) {
	play(t, stack.Options{Plans: shares(plan.Share{Accounts: accounts(consumerA, consumerB)})}, func(n *night) {
		web := n.launch("web", "gp3")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		r := n.run()[0]
		n.wasImaged(r, web)
		image := n.imageOf(web)
		n.want("who launches it", n.launches(image, consumerA, consumerB, outsider), accounts(consumerA, consumerB))
		n.want("rolled", n.results(r)[web].Rolled[0].To, image)
		n.saysOf(r, "OK: nightly", "1 shared", "accounts 111122223333, 444455556666")
		n.want("registered", n.registrationOf(image).Shared.Accounts, accounts(consumerA, consumerB))
		if n.EC2.CopyBy(consumerA, image) == nil {
			t.Error("its snapshots are shared though the plan does not say so")
		}
	})
}

// Accounts may copy the image where its snapshots are shared as well, once its key lets them.
func TestSnapshotsAreShared(t *testing.T) {
	s := plan.Share{Accounts: accounts(consumerA, consumerB), Snapshots: true}
	play(t, stack.Options{Plans: shares(s)}, func(n *night) {
		web, vault := n.launch("web", "gp3"), n.launch("vault", "key=usable")
		n.EC2.SetKeyPolicy(keyIn("usable"), letUse(consumerA))
		n.begin()
		r := n.run()[0]
		for _, c := range []ec2.Consumer{consumerA, consumerB} {
			if err := n.EC2.CopyBy(c, n.imageOf(web)); err != nil {
				t.Error(err)
			}
		}
		n.want("who launches what is encrypted", n.launches(n.imageOf(vault), consumerA, consumerB), accounts(consumerA))
		n.saysOf(r, "OK: nightly", "2 shared", "which may copy it", "key-not-shared", consumerB.Account+" cannot launch it")
	})
}

// What is shared with an organization, or a unit of it, is shared by ARNs of the account's own.
func TestAnImageIsSharedWithItsOrganization(t *testing.T) {
	for _, c := range []struct {
		share plan.Share
		can   []string
	}{
		{plan.Share{Organization: ours.ID}, accounts(memberOf, unitMember)},
		{plan.Share{OrganizationalUnits: []string{"ou-a1b2-c3d4e5f6"}}, accounts(unitMember)},
		{plan.Share{Organization: ours.ID, Accounts: accounts(consumerA)}, accounts(consumerA, memberOf, unitMember)},
	} {
		play(t, stack.Options{Plans: shares(c.share)}, func(n *night) {
			web := n.launch("web", "gp3")
			n.Organizations.Join(ours)
			n.begin()
			r := n.run()[0]
			n.want("who launches it", n.launches(n.imageOf(web), consumerA, memberOf, unitMember, outsider), c.can)
			n.saysOf(r, "OK: nightly", "organization")
		})
	}
}

// What cannot be shared is imaged and rolled all the same, its run is PARTIAL, and the message says what to do.
func TestWhatCannotBeSharedIsImaged(t *testing.T) {
	for name, c := range map[string]struct {
		share  plan.Share
		source string
		story  func(n *night)
		says   []string
	}{
		"a key of AWS": {
			plan.Share{Accounts: accounts(consumerA)}, "key=aws", nil,
			[]string{"AWS manages", "customer managed key"},
		},
		"no organization": {
			plan.Share{Organization: ours.ID}, "gp3", nil, []string{"is in no organization", "Share with accounts instead"},
		},
		"another organization": {
			plan.Share{Organization: "o-zzzzzzzzzz"}, "gp3", func(n *night) { n.Organizations.Join(ours) },
			[]string{"o-zzzzzzzzzz is not the account's own, which is " + ours.ID},
		},
		"refused": {
			plan.Share{Accounts: accounts(consumerA)}, "gp3",
			func(n *night) { n.EC2.Inject(ec2.Fault{Action: "ModifyImageAttribute", Code: "UnauthorizedOperation"}) },
			[]string{"UnauthorizedOperation", "by hand: aws ec2 modify-image-attribute --image-id ami-"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Plans: shares(c.share)}, func(n *night) {
				web := n.launch("web", c.source)
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				if c.story != nil {
					c.story(n)
				}
				n.begin()
				r := n.run()[0]
				n.wasImaged(r, web)
				image := n.imageOf(web)
				n.want("who launches it", len(n.launches(image, consumerA, memberOf)), 0)
				n.want("image of the template", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), image)
				n.saysOf(r, append(c.says, "PARTIAL: nightly", "1 not shared")...)
				if n.registrationOf(image).Shared != nil {
					t.Errorf("registered as shared: %+v", n.registrationOf(image).Shared)
				}
			})
		})
	}
}

// One account that EC2 does not share with keeps none of the others.
func TestOneAccountKeepsNoOther(t *testing.T) {
	many := slices.Concat(accounts(consumerA), []string{"555500000000"})
	for i := range 100 {
		many = append(many, fmt.Sprintf("6666%08d", i))
	}
	play(t, stack.Options{Plans: shares(plan.Share{Accounts: append(many, consumerB.Account), Snapshots: true})},
		func(n *night) {
			web := n.launch("web", "gp3")
			n.EC2.CloseAccount("555500000000")
			n.begin()
			r := n.run()[0]
			image := n.imageOf(web)
			n.want("who launches it", n.launches(image, consumerA, consumerB), accounts(consumerA, consumerB))
			if err := n.EC2.CopyBy(consumerB, image); err != nil {
				t.Error(err)
			}
			n.want("registered", len(n.registrationOf(image).Shared.Accounts), len(many))
			n.saysOf(r, "PARTIAL: nightly", "not shared with 555500000000: InvalidAMIAttributeItemValue")
		})
}

// An image that has not passed its boot test is not shared.
func TestAnUnprovenImageIsNotShared(t *testing.T) {
	plans := tested()
	p := plans.Plans["nightly"]
	p.Share.Accounts = accounts(consumerA)
	plans.Plans["nightly"] = p
	for _, boots := range []bool{true, false} {
		play(t, stack.Options{Plans: plans}, func(n *night) {
			web := n.launch("web", "gp3")
			if !boots {
				n.EC2.Inject(ec2.Fault{Action: "RunInstances", Code: "InvalidParameterValue"})
			}
			n.begin()
			r := n.run()[0]
			image := n.results(r)[web].Image.ID
			n.want(fmt.Sprint("it boots: ", boots), len(n.launches(image, consumerA)) == 1, boots)
		})
	}
}

// KMS and AWS Organizations may be away before the stop: the image is made, and what was not seen is told.
func TestWhatCannotBeSeenKeepsNoImage(t *testing.T) {
	play(t, stack.Options{Plans: shares(plan.Share{Accounts: accounts(consumerA)})}, func(n *night) {
		vault := n.launch("vault", "key=hidden private")
		n.begin()
		r := n.run()[0]
		image := n.imageOf(vault)
		if err := n.EC2.LaunchBy(consumerA, image); refusal(err) != "Client.InternalError" {
			t.Errorf("a launch: %v", err)
		}
		n.saysOf(r, "OK: nightly", "sharing-unseen", "could not be seen", "AccessDeniedException")
	})
}

// registrationOf is what the register has of an image.
func (n *night) registrationOf(image string) ledger.Registration {
	n.t.Helper()
	r, ok, err := n.Ledger.Registration(n.ctx, image)
	if err != nil || !ok {
		n.t.Fatalf("image %s is not registered; %v", image, err)
	}
	return r
}

func refusal(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	if err == nil {
		return ""
	}
	code, _, _ := strings.Cut(err.Error(), ":")
	return code
}
