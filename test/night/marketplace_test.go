package night_test

import (
	"errors"
	"testing"
	"time"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// product is the code of a product of AWS Marketplace.
const product = "8fvdn95s5ev33cprr62nq3q7t"

// subscriber is consumerA once it has subscribed to the product.
var subscriber = ec2.Consumer{Account: consumerA.Account, Subscribed: []string{product}}

// An image with a product of AWS Marketplace is shared and copied like any other. Who has not subscribed launches none
// of it, and who has copies none of it to another account, whatever the plan says: that is told before.
func TestAnImageOfAMarketplaceProduct(t *testing.T) {
	plans := nightly(func(p *plan.Plan) {
		p.Share = plan.Share{Accounts: accounts(consumerA, consumerB), Snapshots: true}
		p.Copies = []plan.Copy{{Region: virginia, Share: plan.Share{Accounts: accounts(consumerA)}}}
	})
	play(t, afar(plans), func(n *night) {
		n.EC2.Sell(ec2.ImageX86, product)
		web := n.launch("web", "private")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		time.Sleep(time.Until(due.Add(-time.Millisecond)))
		said := n.rehearse(rehearsal.Scheduled(plans.Plans["nightly"], due), plans.Plans["nightly"])
		r := n.run()[0]
		n.equals(said, r)
		result := n.results(r)[web]
		n.want("warnings", result.Warnings, []job.Reason{
			{Code: job.MarketplaceProduct, Text: "it carries product code " + product + " of AWS Marketplace: an account " +
				"launches it only once it has subscribed to that product, and cannot copy it, whatever share.snapshots says"},
			{Code: job.MarketplaceProduct, Text: "of its copy in us-east-1: it carries product code " + product +
				" of AWS Marketplace: an account launches it only once it has subscribed to that product"},
		})
		n.want("who launches it", n.launches(result.Image.ID, subscriber, consumerB), accounts(subscriber))
		n.want("why another does not", codeOf(n.EC2.LaunchBy(consumerB, result.Image.ID)), "OptInRequired")
		n.want("why none copies it", codeOf(n.EC2.CopyBy(subscriber, result.Image.ID)), "InvalidRequest")
		n.want("who launches the copy", n.launchesIn(virginia, result.Copies[0].ID, subscriber, consumerA),
			accounts(subscriber))
		n.want("rolled", result.Rolled[0].To, result.Image.ID)
		n.saysOf(r, "OK: nightly", "marketplace-product", "2 shared", "1 copied", "Have the accounts subscribe")
	})
}

// codeOf is the code with which EC2 refuses another account.
func codeOf(err error) string {
	var refused *query.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// Should EC2 share no snapshot of such an image, that costs neither the image nor who may launch it.
func TestSnapshotsOfAMarketplaceProductThatAreNotShared(t *testing.T) {
	plans := shares(plan.Share{Accounts: accounts(consumerA), Snapshots: true})
	play(t, afar(plans), func(n *night) {
		n.EC2.Sell(ec2.ImageX86, product)
		web := n.launch("web", "private")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.EC2.Inject(ec2.Fault{Action: "ModifySnapshotAttribute", Code: "OperationNotPermitted"})
		n.begin()
		r := n.run()[0]
		n.wasImaged(r, web)
		result := n.results(r)[web]
		n.want("rolled", result.Rolled[0].To, result.Image.ID)
		n.saysOf(r, "PARTIAL: nightly", "OperationNotPermitted")
	})
}
