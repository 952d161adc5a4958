package night_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// keptAndShared is a plan that keeps the newest image, and shares each with two accounts, which may copy it.
func keptAndShared() plan.Plans {
	return nightly(keeping, func(p *plan.Plan) {
		p.Share = plan.Share{Accounts: accounts(consumerA, consumerB), Snapshots: true}
	})
}

// through plays until the noon after the plan has run that many nights more.
func (n *night) through(nights int) {
	n.t.Helper()
	n.begin()
	time.Sleep(time.Until(due.AddDate(0, 0, nights).Add(11*time.Hour + 30*time.Minute)))
}

// status is what the last run that looked at an old image made of it.
func (n *night) status(image string) (last job.Retirement) {
	n.t.Helper()
	for each, err := range n.Ledger.Retirements(n.ctx, "nightly") {
		n.ok(err)
		if each.Subject == image {
			last = each
		}
	}
	return last
}

// reported reports whether EC2 was asked in the last night who uses an image.
func (n *night) reported(image string) bool {
	n.t.Helper()
	out := must(n.cloud.DescribeImageUsageReports(n.ctx,
		&sdk.DescribeImageUsageReportsInput{ImageIds: []string{image}}))(n.t)
	return slices.ContainsFunc(out.ImageUsageReports, func(r types.ImageUsageReport) bool {
		return time.Since(aws.ToTime(r.CreationTime)) < 24*time.Hour
	})
}

// newest is the last run that looked at an old image.
func (n *night) newest(image string) sfn.Execution {
	n.t.Helper()
	for _, r := range n.runs() {
		if r.Name == n.status(image).Run {
			return r
		}
	}
	n.t.Fatalf("no run looked at %s", image)
	return sfn.Execution{}
}

func (n *night) standing(image string, status job.Status, is string, by int) {
	n.t.Helper()
	n.want("status of "+image, n.status(image).Status, status)
	n.want("state of "+image, n.is(image), is)
	n.want("who launches "+image, len(n.launches(image, consumerA, consumerB)), by)
}

// A shared image goes once EC2 has said that none uses it: it is deprecated, then shared no longer, and two days later
// it is gone with its snapshots. People are told whom it was shared with.
func TestASharedImageIsRetired(t *testing.T) {
	t.Parallel()
	play(t, stack.Options{Plans: keptAndShared()}, func(n *night) {
		web := n.launch("web", "gp3")
		n.through(0)
		old := n.imageOf(web)
		n.standing(old, "", "available", 2)
		n.through(1)
		n.standing(old, job.InUse, "available", 2) // the alias names it still
		n.through(2)
		n.want("who launches it while EC2 makes a report", len(n.launches(old, consumerA, consumerB)), 2)
		n.through(3)
		n.standing(old, job.Deprecated, "deprecated", 2)
		n.through(7) // EC2's report lags four days behind
		n.standing(old, job.Deprecated, "deprecated", 2)
		n.through(9)
		n.standing(old, job.Unshared, "deprecated", 0)
		n.saysOf(n.newest(old), "OK: nightly", "shared no longer", "accounts 111122223333, 444455556666",
			"of which none uses it")
		n.through(12)
		n.standing(old, job.Retired, "gone", 0)
		n.finish()
	})
}

// While another account uses it a shared image stays, deprecated or not, and stays shared.
func TestASharedImageInUseStays(t *testing.T) {
	t.Parallel()
	for name, template := range map[string]bool{"launched": false, "in a launch template": true} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Plans: keptAndShared()}, func(n *night) {
				web := n.launch("web", "gp3")
				n.through(0)
				old := n.imageOf(web)
				n.ok(n.EC2.UseBy(consumerB, old, template))
				n.through(12)
				n.standing(old, job.InUse, "available", 2)
				n.saysOf(n.newest(old), "in use by account 444455556666")
				n.finish()
			})
		})
	}
}

// Launched just before its permissions were taken back it stays, and has them back.
func TestALastLaunchHasTheImageBack(t *testing.T) {
	t.Parallel()
	play(t, stack.Options{Plans: keptAndShared()}, func(n *night) {
		web := n.launch("web", "gp3")
		n.through(0)
		old := n.imageOf(web)
		night := 4
		for n.through(night); !n.reported(old); n.through(night) { // before it is shared no longer
			night++
		}
		n.ok(n.EC2.UseBy(consumerA, old, false))
		n.through(night + 1)
		n.standing(old, job.Unshared, "deprecated", 0)
		n.through(night + 2)
		n.standing(old, job.InUse, "available", 2)
		n.saysOf(n.newest(old), "shared again with accounts 111122223333")
		n.finish()
	})
}

// A report that cannot be had keeps the image, and is told.
func TestWithoutAReportASharedImageStays(t *testing.T) {
	t.Parallel()
	for name, action := range map[string]string{
		"none is made": "CreateImageUsageReport", "none can be read": "DescribeImageUsageReports",
		"none can be opened": "DescribeImageUsageReportEntries",
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Plans: keptAndShared()}, func(n *night) {
				web := n.launch("web", "gp3")
				n.EC2.Inject(ec2.Fault{Action: action, Code: "UnauthorizedOperation"})
				n.through(0)
				old := n.imageOf(web)
				n.through(6)
				n.want("state", n.is(old), "available")
				n.want("who launches it", len(n.launches(old, consumerA, consumerB)), 2)
				n.saysOf(n.newest(old), "UnauthorizedOperation")
				n.finish()
			})
		})
	}
}

// A permission that a person gave keeps the image as it did before.
func TestAPersonsShareKeepsTheImage(t *testing.T) {
	play(t, stack.Options{Plans: keptAndShared()}, func(n *night) {
		web := n.launch("web", "gp3")
		n.through(0)
		old := n.imageOf(web)
		must(n.cloud.ModifyImageAttribute(n.ctx, &sdk.ModifyImageAttributeInput{
			ImageId: aws.String(old), Attribute: aws.String("launchPermission"), OperationType: "add",
			UserIds: []string{outsider.Account},
		}))(n.t)
		n.through(6)
		n.standing(old, job.InUse, "available", 2)
		n.want("the person's", n.launches(old, outsider), accounts(outsider))
		n.finish()
	})
}

// An image that was disabled, which drops its permissions, has them back once it is enabled: from the register.
func TestAnEnabledImageIsSharedAgain(t *testing.T) {
	play(t, stack.Options{Plans: keptAndShared()}, func(n *night) {
		web := n.launch("web", "gp3")
		n.through(0)
		image := n.imageOf(web)
		must(n.cloud.DisableImage(n.ctx, &sdk.DisableImageInput{ImageId: aws.String(image)}))(n.t)
		n.through(1)
		n.want("who launches it while it is disabled", len(n.launches(image, consumerA, consumerB)), 0)
		must(n.cloud.EnableImage(n.ctx, &sdk.EnableImageInput{ImageId: aws.String(image)}))(n.t)
		n.want("who launches it when it is enabled", len(n.launches(image, consumerA, consumerB)), 0)
		must(n.cloud.RunInstances(n.ctx, &sdk.RunInstancesInput{
			ImageId: aws.String(image), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		}))(n.t)
		n.through(2)
		n.standing(image, job.InUse, "available", 2)
		n.finish()
	})
}
