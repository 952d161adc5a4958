// Package asg knows how Auto Scaling groups use launch templates, and what
// may be done so that a group runs on a template's new version.
package asg

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// standard is what Auto Scaling takes when no version is named. It and $Latest are
// all that may stand instead of a number.
const standard = "$Default"

// Rolled are the launch templates that have the new image now, by id.
type Rolled map[string]Launched

// Launched is what a rolled template launches.
type Launched struct {
	// Version has the image; 0 for a template that takes it from a parameter, in whichever version.
	Version int64
	Image   string
	// Also are images that do as well: an undo may lead $Latest and a number to others than $Default.
	Also []string
}

// Spec is a launch template and the version of it, as a group names it.
type Spec struct{ Template, Name, Version string }

// String is "web 7".
func (s Spec) String() string { return cmp.Or(s.Name, s.Template) + " " + s.Version }

func (s Spec) numbered() bool { return !strings.HasPrefix(s.Version, "$") }

func specOf(t *types.LaunchTemplateSpecification) Spec {
	if t == nil {
		return Spec{}
	}
	return Spec{aws.ToString(t.LaunchTemplateId), aws.ToString(t.LaunchTemplateName),
		cmp.Or(aws.ToString(t.Version), standard)}
}

// Specs are all that a group names, each once; none for a launch configuration.
func Specs(g types.AutoScalingGroup) []Spec {
	var all []Spec
	add := func(t *types.LaunchTemplateSpecification) {
		if t != nil && !slices.Contains(all, specOf(t)) {
			all = append(all, specOf(t))
		}
	}
	add(g.LaunchTemplate)
	if policy := policyOf(g); policy != nil {
		add(policy.LaunchTemplateSpecification)
		for _, o := range policy.Overrides {
			add(o.LaunchTemplateSpecification)
		}
	}
	return all
}

func policyOf(g types.AutoScalingGroup) *types.LaunchTemplate {
	if g.MixedInstancesPolicy == nil {
		return nil
	}
	return g.MixedInstancesPolicy.LaunchTemplate
}

// launch is one way in which a group may launch an instance.
type launch struct {
	Spec
	// image is an override's own; it comes before the template's (API reference, LaunchTemplateOverrides).
	image string
	// of is the override's instance type.
	of string
}

func launches(g types.AutoScalingGroup) []launch {
	policy := policyOf(g)
	switch {
	case g.LaunchTemplate != nil:
		return []launch{{Spec: specOf(g.LaunchTemplate)}}
	case policy == nil:
		return nil
	case len(policy.Overrides) == 0:
		return []launch{{Spec: specOf(policy.LaunchTemplateSpecification)}}
	}
	var all []launch
	for _, o := range policy.Overrides {
		own := cmp.Or(o.LaunchTemplateSpecification, policy.LaunchTemplateSpecification)
		all = append(all, launch{specOf(own), aws.ToString(o.ImageId), cmp.Or(aws.ToString(o.InstanceType), "any type")})
	}
	return all
}

// Uses reports whether the group may launch from a rolled template, whatever the version.
func Uses(g types.AutoScalingGroup, rolled Rolled) bool {
	return slices.ContainsFunc(launches(g), func(l launch) bool { return rolled.has(l.Spec) })
}

func (r Rolled) has(s Spec) bool {
	_, ok := r[s.Template]
	return ok
}

// Pinned are the numbered versions of rolled templates that the group goes on
// launching although the template's default is another by now.
func Pinned(g types.AutoScalingGroup, rolled Rolled) []Spec {
	var pinned []Spec
	for _, l := range launches(g) {
		if l.image == "" && rolled.behind(l.Spec) && !slices.Contains(pinned, l.Spec) {
			pinned = append(pinned, l.Spec)
		}
	}
	return pinned
}

// behind reports whether a spec names a number other than that of the new version.
func (r Rolled) behind(s Spec) bool {
	target, ok := r[s.Template]
	return ok && target.Version != 0 && s.numbered() && s.Version != strconv.FormatInt(target.Version, 10)
}

// attributes reports whether an override asks for attributes instead of a type.
func attributes(g types.AutoScalingGroup) bool {
	policy := policyOf(g)
	return policy != nil && slices.ContainsFunc(policy.Overrides,
		func(o types.LaunchTemplateOverrides) bool { return o.InstanceRequirements != nil })
}
