package night_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/sfn"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// elsewhere are the changing calls that other invariants hold: what is stopped, started and imaged is enrolled, what is
// rolled launches, and a test instance is registered before RunInstances names it.
var elsewhere = []string{
	"StopInstances", "StartInstances", "CreateImage", "CopySnapshot", "CopyImage", "RegisterImage", "RunInstances",
	"CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "DeleteLaunchTemplateVersions",
}

// onlyRegisteredIsChanged: what the functions changed, took away or decided upon was registered. Their sources get
// tags of Goldsmith's own, and nothing else does.
func (n *night) onlyRegisteredIsChanged() {
	n.t.Helper()
	known := n.isRegistered()
	for _, c := range n.callsOf("") {
		switch {
		case c.Service != "ec2", reads.MatchString(c.Action), slices.Contains(elsewhere, c.Action):
		case c.Action == "CreateTags", c.Action == "DeleteTags":
			n.onlyOwnTags(c)
		default:
			n.onlyKnown(c, known)
		}
	}
	for _, id := range n.decided() {
		if !known(id) {
			n.t.Errorf("%s was counted, and is not registered", id)
		}
	}
}

// onlyKnown: a call names what is registered. DeregisterImage answers with the snapshots that EC2 deletes with their
// image.
func (n *night) onlyKnown(c query.Record, known func(id string) bool) {
	n.t.Helper()
	for _, id := range c.Resources {
		if own := c.Action == "DeregisterImage" && strings.HasPrefix(id, "snap-"); !own && !known(id) {
			n.t.Errorf("%s sent %s of %s, which is not registered", c.Caller, c.Action, id)
		}
	}
}

// decided are the images and snapshots that retention has decided about.
func (n *night) decided() (ids []string) {
	n.t.Helper()
	for _, run := range n.runs() {
		for r, err := range n.Ledger.Retirements(n.ctx, planOf(run)) {
			n.ok(err)
			if r.Status != job.Suspended && idForm.MatchString(r.Subject) { // of a whole source else
				ids = append(ids, r.Subject)
			}
		}
	}
	return ids
}

var (
	reads  = regexp.MustCompile(`^(Describe|Get|List)`)
	idForm = regexp.MustCompile(`^(ami|snap|i)-`)
	tagged = regexp.MustCompile(`(?:^|&)(Tag\.\d+\.Key|ResourceId\.\d+)=([^&]*)`)
)

// theirsStay: other people's snapshots are not deleted.
func (n *night) theirsStay() {
	n.t.Helper()
	there := map[string]bool{}
	for _, s := range n.allSnapshots() {
		there[aws.ToString(s.SnapshotId)] = true
	}
	for id := range n.theirs {
		if !there[id] && len(n.callsOf("DeleteSnapshot", id))+len(n.callsOf("DeregisterImage", id)) > 0 {
			n.t.Errorf("snapshot %s is not Goldsmith's, and was deleted", id)
		}
	}
}

// onlyOwnTags: sources get and lose tags of Goldsmith's alone, and images and snapshots none, but for the request tag
// that a run takes off the snapshot that it answers, and the image that it notes there.
func (n *night) onlyOwnTags(c query.Record) {
	n.t.Helper()
	var keys, ids []string
	for _, said := range tagged.FindAllStringSubmatch(c.Form, -1) {
		if strings.HasPrefix(said[1], "Tag.") {
			keys = append(keys, said[2])
		} else {
			ids = append(ids, said[2])
		}
	}
	answers := answersTag(c.Action, keys)
	source := func(id string) bool {
		return strings.HasPrefix(id, "i-") || answers && strings.HasPrefix(id, "snap-")
	}
	own := func(key string) bool { return strings.HasPrefix(key, "goldsmith%3A") }
	if len(keys) == 0 || !allOf(ids, source) || !allOf(keys, own) {
		n.t.Errorf("%s sent %s of %s, keys %s", c.Caller, c.Action, ids, keys)
	}
}

// answersTag reports whether a call takes the request tag off, or notes the image that was made.
func answersTag(action string, keys []string) bool {
	return action == "DeleteTags" && slices.Equal(keys, []string{url.QueryEscape(tag.Request)}) ||
		action == "CreateTags" && slices.Equal(keys, []string{url.QueryEscape(tag.LastImage)})
}

func allOf(texts []string, holds func(string) bool) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return !holds(text) })
}

// isRegistered tells whether an image or a test instance is registered, or a snapshot with its image.
func (n *night) isRegistered() func(id string) bool {
	n.t.Helper()
	snapshots, instances := map[string]bool{}, map[string]string{}
	see := func(r ledger.Registration) {
		for _, id := range r.Snapshots {
			snapshots[id] = true
		}
	}
	for r, err := range n.Ledger.Registrations(n.ctx, "") {
		n.ok(err)
		see(r)
	}
	gone := n.decided() // Retired ones are found by their ids.
	for _, c := range n.callsOf("DeregisterImage") {
		gone = append(gone, c.Resources...)
	}
	for _, id := range gone {
		r, _, err := n.Ledger.Registration(n.ctx, id)
		n.ok(err)
		see(r)
	}
	for _, i := range n.instances() {
		instances[aws.ToString(i.InstanceId)] = aws.ToString(i.ClientToken)
	}
	return func(id string) bool {
		if strings.HasPrefix(id, "snap-") {
			return snapshots[id]
		}
		r, ok, err := n.Ledger.Registration(n.ctx, id)
		n.ok(err)
		token, shown := instances[id]
		return ok && (!shown || token == r.Token)
	}
}

// planOf is the plan that a run's name begins with.
func planOf(r sfn.Execution) string {
	plan, _, _ := strings.Cut(r.Name, "-")
	return plan
}

// launchTest registers and launches a test instance as a run would that was cut off.
func (n *night) launchTest(web string) {
	n.t.Helper()
	n.registerTest(web)
	n.launchAs("token", map[string]string{tag.BootTest: "nightly-20000101T003000Z"})
}

func (n *night) registerTest(web string) {
	n.t.Helper()
	must(n.Ledger.Register(n.ctx, ledger.Registration{
		Kind: ledger.MadeTest, Call: ledger.RunInstances, Lineage: web, Source: web, Name: "web", Plan: "nightly",
		Run:   "nightly-20000101T003000Z",
		Token: "token", From: ec2.ImageX86, Begun: time.Now(),
	}))(n.t)
}

// launchAs launches an instance with a client token.
func (n *night) launchAs(token string, tags map[string]string) {
	n.t.Helper()
	must(n.cloud.RunInstances(n.ctx, &sdk.RunInstancesInput{
		ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		ClientToken:       aws.String(token),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tag.List(tags)}},
	}))(n.t)
}
