package asg_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"goldsmith/shared/asg"
)

const (
	oldImage, newImage = "ami-old", "ami-new"
	alias              = "resolve:ssm:/golden/web"
)

// rolled: lt-a and lt-b have a version 8 with the new image, lt-p takes it from a parameter.
var rolled = asg.Rolled{"lt-a": {Version: 8, Image: newImage}, "lt-b": {Version: 8, Image: newImage}, "lt-p": {}}

// images are what every version of these templates launches.
var images = asg.Images{
	spec("lt-a", "7"): oldImage, spec("lt-a", "8"): newImage, spec("lt-a", "$Default"): newImage,
	spec("lt-a", "$Latest"): newImage,
	spec("lt-b", "7"):       oldImage, spec("lt-b", "8"): newImage, spec("lt-b", "$Default"): newImage,
	spec("lt-b", "$Latest"): "ami-somebodys",
	spec("lt-p", "7"):       alias, spec("lt-p", "8"): oldImage, spec("lt-p", "$Default"): alias,
	spec("lt-p", "$Latest"): alias,
	spec("lt-x", "7"):       oldImage, spec("lt-x", "8"): alias, spec("lt-x", "$Default"): oldImage,
	spec("lt-x", "$Latest"): alias,
}

func spec(template, version string) asg.Spec {
	return asg.Spec{Template: template, Name: "the-" + template, Version: version}
}

func named(template, version string) *types.LaunchTemplateSpecification {
	return &types.LaunchTemplateSpecification{
		LaunchTemplateId: aws.String(template), LaunchTemplateName: aws.String("the-" + template),
		Version: aws.String(version),
	}
}

func plain(template, version string) types.AutoScalingGroup {
	return types.AutoScalingGroup{AutoScalingGroupName: aws.String("web"), LaunchTemplate: named(template, version)}
}

func mixed(template, version string, overrides ...types.LaunchTemplateOverrides) types.AutoScalingGroup {
	return types.AutoScalingGroup{AutoScalingGroupName: aws.String("web"),
		MixedInstancesPolicy: &types.MixedInstancesPolicy{
			LaunchTemplate: &types.LaunchTemplate{LaunchTemplateSpecification: named(template, version),
				Overrides: overrides},
			InstancesDistribution: &types.InstancesDistribution{OnDemandBaseCapacity: aws.Int32(2)},
		}}
}

func TestDecide(t *testing.T) {
	byAttributes := types.LaunchTemplateOverrides{InstanceRequirements: &types.InstanceRequirements{}}
	typed := func(own *types.LaunchTemplateSpecification, image string) types.LaunchTemplateOverrides {
		o := types.LaunchTemplateOverrides{InstanceType: aws.String("m5.large"), LaunchTemplateSpecification: own}
		if image != "" {
			o.ImageId = aws.String(image)
		}
		return o
	}
	deleted, suspended := plain("lt-a", "7"), plain("lt-a", "7")
	deleted.Status = aws.String("Delete in progress")
	suspended.SuspendedProcesses = []types.SuspendedProcess{{ProcessName: aws.String("AZRebalance")},
		{ProcessName: aws.String("Terminate")}}
	for name, c := range map[string]struct {
		group    types.AutoScalingGroup
		do       asg.Do
		rollback bool
		why      string
	}{
		"a number":       {plain("lt-a", "7"), asg.Desired, true, ""},
		"the new number": {plain("lt-a", "8"), asg.Settled, false, ""},
		"$Default":       {plain("lt-a", "$Default"), asg.Plain, false, "it names $Default of the-lt-a"},
		"$Latest":        {plain("lt-a", "$Latest"), asg.Plain, false, "it names $Latest"},
		"$Latest that is somebody else's": {plain("lt-b", "$Latest"), asg.Nothing, false,
			"which has image ami-somebodys and not the new one"},
		"a parameter": {plain("lt-p", "7"), asg.Plain, false,
			"its template takes its image from a parameter"},
		"a number without the parameter":     {plain("lt-p", "8"), asg.Nothing, false, "has image ami-old"},
		"a policy":                           {mixed("lt-a", "7"), asg.Desired, true, ""},
		"an override's own template":         {mixed("lt-x", "7", typed(named("lt-a", "7"), "")), asg.Desired, true, ""},
		"an override's own template, hidden": {mixed("lt-a", "7", typed(named("lt-x", "7"), "")), asg.Nothing, false, ""},
		"a number beside $Default": {mixed("lt-a", "7", typed(nil, ""), typed(named("lt-x", "$Default"), "")),
			asg.Desired, false, "it names $Default of the-lt-x"},
		"a number beside a parameter": {mixed("lt-a", "7", typed(nil, ""), typed(named("lt-x", "8"), "")),
			asg.Nothing, false, "names version 7 of the-lt-a, and Auto Scaling moves no group"},
		"attributes and a number": {mixed("lt-a", "7", byAttributes), asg.Nothing, false,
			"instances are chosen by attributes"},
		"attributes and $Default": {mixed("lt-a", "$Default", byAttributes), asg.Plain, false,
			"it names $Default"},
		"one image of an override": {mixed("lt-a", "7", typed(nil, ""), typed(nil, "ami-pinned")), asg.Desired,
			true, "go on launching that: m5.large (ami-pinned)"},
		"only images of overrides": {mixed("lt-a", "7", typed(nil, "ami-pinned")), asg.Nothing, false,
			"images of their own"},
		"being deleted": {deleted, asg.Nothing, false, "being deleted"},
		"suspended":     {suspended, asg.Nothing, false, "process Terminate is suspended"},
	} {
		t.Run(name, func(t *testing.T) {
			d := asg.Decide(c.group, rolled, images)
			if d.Do != c.do || d.AutoRollback != c.rollback || !strings.Contains(d.Why, c.why) || (c.why == "") &&
				c.do != asg.Nothing && d.Why != "" {
				t.Errorf("decides %d, rollback %v: %q; want %d, %v: %q", d.Do, d.AutoRollback, d.Why, c.do, c.rollback, c.why)
			}
		})
	}
}

func TestUsesAndPins(t *testing.T) {
	own := types.LaunchTemplateOverrides{LaunchTemplateSpecification: named("lt-a", "7")}
	shadowed := types.LaunchTemplateOverrides{LaunchTemplateSpecification: named("lt-a", "7"),
		ImageId: aws.String("ami-pinned")}
	for name, c := range map[string]struct {
		group  types.AutoScalingGroup
		uses   bool
		pinned string
	}{
		"a launch configuration":    {types.AutoScalingGroup{LaunchConfigurationName: aws.String("old")}, false, ""},
		"another template":          {plain("lt-x", "7"), false, ""},
		"a number":                  {plain("lt-a", "7"), true, "the-lt-a 7"},
		"the new number":            {plain("lt-a", "8"), true, ""},
		"$Default":                  {plain("lt-a", "$Default"), true, ""},
		"an override":               {mixed("lt-x", "7", own, own), true, "the-lt-a 7"},
		"an override with an image": {mixed("lt-x", "7", shadowed), true, ""},
		"a parameter":               {plain("lt-p", "7"), true, ""},
	} {
		var pinned []string
		for _, s := range asg.Pinned(c.group, rolled) {
			pinned = append(pinned, s.String())
		}
		if uses := asg.Uses(c.group, rolled); uses != c.uses || strings.Join(pinned, ", ") != c.pinned {
			t.Errorf("%s: uses %v, pinned %q", name, uses, pinned)
		}
	}
}

var comparing = cmpopts.IgnoreUnexported(types.MixedInstancesPolicy{}, types.LaunchTemplate{},
	types.LaunchTemplateSpecification{},
	types.LaunchTemplateOverrides{}, types.InstancesDistribution{}, types.InstanceRequirements{},
	types.DesiredConfiguration{}, types.AutoScalingGroup{})

// Whatever a group is like: Auto Scaling is never asked for what it refuses, and what
// a group is moved to is its own configuration in all but versions that were rolled.
func TestDecisionsOfAnyGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := anyGroup(t)
		before := clone(g)
		d := asg.Decide(g, rolled, images)
		if diff := cmp.Diff(before, g, comparing); diff != "" {
			t.Fatalf("the group itself was changed:\n%s", diff)
		}
		takes(t, g, d)
		explains(t, d)
		if d.Do == asg.Desired {
			same(t, g, d.Desired)
		}
	})
}

// takes: Auto Scaling takes what it is asked for.
func takes(t *rapid.T, g types.AutoScalingGroup, d asg.Decision) {
	refuses := hasAlias(g) || hasAttributes(g)
	switch {
	case d.Do == asg.Desired && refuses:
		t.Fatal("a desired configuration is refused for this group")
	case d.SkipMatching && refuses:
		t.Fatal("skip matching is refused for this group")
	case d.AutoRollback && (d.Do != asg.Desired || !allNumbered(g)):
		t.Fatal("auto rollback is refused for this group")
	}
}

// explains: what is not done has its reason.
func explains(t *rapid.T, d asg.Decision) {
	switch less := d.Do == asg.Nothing || d.Do == asg.Plain || d.Do == asg.Desired && !d.AutoRollback; {
	case (d.Do == asg.Desired || d.Do == asg.Settled) != (d.Desired != nil):
		t.Fatalf("decides %d with %+v", d.Do, d.Desired)
	case less && d.Why == "":
		t.Fatal("it does not say why not more")
	}
}

// same compares a configuration with a group's after the rolled versions are put back.
func same(t *rapid.T, g types.AutoScalingGroup, to *types.DesiredConfiguration) {
	want, moved := clone(g), 0
	got := types.AutoScalingGroup{AutoScalingGroupName: want.AutoScalingGroupName, LaunchTemplate: to.LaunchTemplate,
		MixedInstancesPolicy: to.MixedInstancesPolicy}
	theirs := specs(&got)
	for i, s := range specs(&want) {
		if theirs[i].LaunchTemplateName != nil {
			t.Fatal("a template is named by id and by name")
		}
		theirs[i].LaunchTemplateName = s.LaunchTemplateName
		if target := rolled[*s.LaunchTemplateId]; target.Version != 0 && !strings.HasPrefix(*s.Version, "$") &&
			*s.Version != "8" {
			if *theirs[i].Version != "8" {
				t.Fatalf("%s stays at version %s", *s.LaunchTemplateId, *s.Version)
			}
			moved++
			*theirs[i].Version = *s.Version
		}
	}
	if diff := cmp.Diff(want, got, comparing); diff != "" || moved == 0 {
		t.Fatalf("%d versions are new; the rest differs:\n%s", moved, diff)
	}
}

// specs are all template specifications of a group, in order.
func specs(g *types.AutoScalingGroup) (all []*types.LaunchTemplateSpecification) {
	if g.LaunchTemplate != nil {
		return []*types.LaunchTemplateSpecification{g.LaunchTemplate}
	}
	all = append(all, g.MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification)
	for _, o := range g.MixedInstancesPolicy.LaunchTemplate.Overrides {
		if o.LaunchTemplateSpecification != nil {
			all = append(all, o.LaunchTemplateSpecification)
		}
	}
	return all
}

func hasAlias(g types.AutoScalingGroup) bool {
	for _, s := range specs(&g) {
		if images[spec(*s.LaunchTemplateId, *s.Version)] == alias {
			return true
		}
	}
	return false
}

func hasAttributes(g types.AutoScalingGroup) bool {
	if g.MixedInstancesPolicy == nil {
		return false
	}
	for _, o := range g.MixedInstancesPolicy.LaunchTemplate.Overrides {
		if o.InstanceRequirements != nil {
			return true
		}
	}
	return false
}

func allNumbered(g types.AutoScalingGroup) bool {
	for _, s := range specs(&g) {
		if strings.HasPrefix(*s.Version, "$") {
			return false
		}
	}
	return true
}

func anyGroup(t *rapid.T) types.AutoScalingGroup {
	anySpec := func(label string) *types.LaunchTemplateSpecification {
		return named(rapid.SampledFrom([]string{"lt-a", "lt-b", "lt-p", "lt-x"}).Draw(t, label),
			rapid.SampledFrom([]string{"7", "7", "8", "$Default", "$Latest"}).Draw(t, label+" version"))
	}
	if rapid.Bool().Draw(t, "plain") {
		s := anySpec("template")
		return plain(*s.LaunchTemplateId, *s.Version)
	}
	var overrides []types.LaunchTemplateOverrides
	for range rapid.IntRange(0, 4).Draw(t, "overrides") {
		o := types.LaunchTemplateOverrides{InstanceType: aws.String("m5.large"),
			WeightedCapacity: aws.String(rapid.SampledFrom([]string{"1", "3"}).Draw(t, "weight"))}
		if rapid.IntRange(0, 5).Draw(t, "attributes") == 0 {
			o = types.LaunchTemplateOverrides{InstanceRequirements: &types.InstanceRequirements{}}
		}
		if rapid.Bool().Draw(t, "own") {
			o.LaunchTemplateSpecification = anySpec("own")
		}
		if rapid.IntRange(0, 3).Draw(t, "image") == 0 {
			o.ImageId = aws.String("ami-pinned")
		}
		overrides = append(overrides, o)
	}
	s := anySpec("base")
	return mixed(*s.LaunchTemplateId, *s.Version, overrides...)
}

// clone copies what a decision could change.
func clone(g types.AutoScalingGroup) types.AutoScalingGroup {
	again := func(s *types.LaunchTemplateSpecification) *types.LaunchTemplateSpecification {
		if s == nil {
			return nil
		}
		return named(*s.LaunchTemplateId, *s.Version)
	}
	if g.LaunchTemplate != nil {
		g.LaunchTemplate = again(g.LaunchTemplate)
		return g
	}
	policy := *g.MixedInstancesPolicy
	inner := *policy.LaunchTemplate
	inner.LaunchTemplateSpecification = again(inner.LaunchTemplateSpecification)
	inner.Overrides = append([]types.LaunchTemplateOverrides(nil), inner.Overrides...)
	for i := range inner.Overrides {
		inner.Overrides[i].LaunchTemplateSpecification = again(inner.Overrides[i].LaunchTemplateSpecification)
	}
	policy.LaunchTemplate = &inner
	g.MixedInstancesPolicy = &policy
	return g
}
