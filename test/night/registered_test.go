package night_test

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/states"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// removals are the calls that take something away, or are a step to it.
var removals = []string{
	"DeregisterImage", "DeleteSnapshot", "TerminateInstances", "EnableImageDeprecation", "DisableImageDeprecation", "DisableImage",
}

// onlyRegisteredIsRemoved: what the functions took away, or decided upon, was registered.
func (n *night) onlyRegisteredIsRemoved() {
	n.t.Helper()
	for _, c := range n.callsOf("") {
		for _, id := range c.Resources {
			if slices.Contains(removals, c.Action) && !n.known(id) {
				n.t.Errorf("%s sent %s of %s, which is not registered", c.Caller, c.Action, id)
			}
		}
	}
	for _, run := range n.runs() {
		for r, err := range n.Ledger.Retirements(n.ctx, planOf(run)) {
			n.ok(err)
			if strings.HasPrefix(r.Subject, "ami-") && !n.known(r.Subject) {
				n.t.Errorf("%s was counted, and is not registered: %+v", r.Subject, r)
			}
		}
	}
}

// known reports whether an image or an instance is registered, or a snapshot with its image.
func (n *night) known(id string) bool {
	n.t.Helper()
	if strings.HasPrefix(id, "snap-") {
		return true // DeregisterImage deletes an image's own; functions/retire holds DeleteSnapshot to the register.
	}
	r, ok, err := n.Ledger.Registration(n.ctx, id)
	n.ok(err)
	for _, i := range n.instances() {
		if aws.ToString(i.InstanceId) == id && aws.ToString(i.ClientToken) != r.Token {
			return false
		}
	}
	return ok
}

// planOf is the plan that a run's name begins with.
func planOf(r states.Execution) string {
	plan, _, _ := strings.Cut(r.Name, "-")
	return plan
}

// launchTest registers and launches a test instance as a run would that was cut off.
func (n *night) launchTest(web string) {
	n.t.Helper()
	n.registerTest(web)
	n.launchAs("token", map[string]string{tag.Proof: "nightly-20000101T003000Z"})
}

func (n *night) registerTest(web string) {
	n.t.Helper()
	must(n.Ledger.Register(n.ctx, ledger.Registration{
		Kind: ledger.MadeTest, Call: ledger.RunInstances, Lineage: web, Source: web, Name: "web", Plan: "nightly", Run: "nightly-20000101T003000Z",
		Token: "token", From: ec2.ImageX86, Begun: time.Now(),
	}))(n.t)
}

// launchAs launches an instance with a client token.
func (n *night) launchAs(token string, tags map[string]string) {
	n.t.Helper()
	must(n.cloud.RunInstances(n.ctx, &sdk.RunInstancesInput{
		ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ClientToken: aws.String(token),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tag.List(tags)}},
	}))(n.t)
}
