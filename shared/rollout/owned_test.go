package rollout

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/plan"
)

// What another service owns is left to it, by the template's tag or because nothing else launches from the template,
// unless the plan lists it.
func TestLeftToItsOwner(t *testing.T) {
	const batch, eks = "AWS Batch (blue)", "Amazon EKS (managed node group blue)"
	of := func(l launcher, owner string) launcher { l.owner = owner; return l }
	theirs, fleet := of(by("group a", "$Latest"), batch), launcher{name: "fleet f", version: "$Latest", owner: eks}
	const all = "all that launches from it belongs to another service: "
	const list = "; list it in the plan's roll.templates, or its groups in roll.refresh.groups, " +
		"to have it rolled all the same"
	const follows = "launched by another service as well, from its next instance on: "
	for name, c := range map[string]struct {
		tags         map[string]string
		listed       bool
		launchers    []launcher
		groups       []string
		left, follow string
	}{
		"nothing launches from it": {},
		"tagged": {tags: map[string]string{"AWSBatchServiceTag": "blue"},
			left: "it belongs to AWS Batch (blue), which makes its versions; " +
				"list it in the plan's roll.templates to have it rolled all the same"},
		"tagged and listed": {tags: map[string]string{"AWSBatchServiceTag": "blue"}, listed: true},
		"a group of a service": {launchers: []launcher{theirs}, left: all + "group a of " + batch + list,
			follow: follows + "group a of " + batch},
		"in two ways": {launchers: []launcher{theirs, theirs}, left: all + "group a of " + batch + list,
			follow: follows + "group a of " + batch},
		"a group and a fleet of services": {launchers: []launcher{theirs, fleet},
			left:   all + "group a of " + batch + " and fleet f of " + eks + list,
			follow: follows + "group a of " + batch + " and fleet f of " + eks},
		"the template is listed": {launchers: []launcher{theirs}, listed: true},
		"the group is listed":    {launchers: []launcher{theirs}, groups: []string{"a"}},
		"another group is listed": {launchers: []launcher{theirs}, groups: []string{"b"},
			left: all + "group a of " + batch + list, follow: follows + "group a of " + batch},
		"and one of the account's own": {launchers: []launcher{theirs, by("group b", "$Latest")},
			follow: follows + "group a of " + batch},
		"by a number, and one of the account's own": {launchers: []launcher{of(by("group a", "2"), batch),
			by("group b", "$Latest")}},
		"the default, and one of the account's own": {launchers: []launcher{of(by("group a", "$Default"), batch),
			by("group b", "$Latest")}},
		"a fleet that is called like a listed group": {launchers: []launcher{fleet}, groups: []string{"fleet f", "f"},
			left: all + "fleet f of " + eks + list, follow: follows + "fleet f of " + eks},
		"one of the account's own": {launchers: []launcher{by("group b", "$Latest")}},
	} {
		tmpl := versioned(map[int64]string{1: "a", 2: "a", 3: "a"}, c.launchers...)
		tmpl.tags, tmpl.listed = c.tags, c.listed
		roll := plan.Roll{}
		roll.Refresh.Groups = c.groups
		if got := tmpl.leftTo(roll); got != c.left {
			t.Errorf("%s: left: %q, want %q", name, got, c.left)
		}
		if got := tmpl.follow(true, roll); got != c.follow {
			t.Errorf("%s: follows: %q, want %q", name, got, c.follow)
		}
	}
	moving := versioned(map[int64]string{1: "a"}, of(by("group a", "$Default"), batch))
	if got, want := moving.follow(false, plan.Roll{}), follows+"group a of "+batch; got != want {
		t.Errorf("a default that moves: %q, want %q", got, want)
	}
}

// Who owns a group or a fleet is told by its tags.
func TestOwnersOfLaunchers(t *testing.T) {
	group := scaling.AutoScalingGroup{
		AutoScalingGroupName: aws.String("web"), LaunchTemplate: spec("lt-1", "", "1"),
		Tags: []scaling.TagDescription{{Key: aws.String("eks:nodegroup-name"), Value: aws.String("blue")}},
	}
	tags := []types.Tag{{Key: aws.String("AWSBatchServiceTag"), Value: aws.String("batch")}}
	for want, got := range map[string][]launcher{
		"Amazon EKS (managed node group blue)": ofGroup(group),
		"AWS Batch (batch)":                    owned(tags, []launcher{{name: "fleet f"}}),
		"":                                     owned(nil, []launcher{{name: "fleet f"}}),
	} {
		if len(got) != 1 || got[0].owner != want {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}
