package asg

import (
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// desired is the group's own configuration in all but the numbers of rolled
// templates' versions. A mixed instances policy has to be sent whole (API
// reference, DesiredConfiguration). A describe gives a template's id and name,
// a request may hold one of them only.
func desired(g types.AutoScalingGroup, rolled Rolled) *types.DesiredConfiguration {
	if g.LaunchTemplate != nil {
		return &types.DesiredConfiguration{LaunchTemplate: rolled.next(g.LaunchTemplate)}
	}
	policy, inner := *g.MixedInstancesPolicy, *g.MixedInstancesPolicy.LaunchTemplate
	inner.LaunchTemplateSpecification = rolled.next(inner.LaunchTemplateSpecification)
	inner.Overrides = slices.Clone(inner.Overrides)
	for i, o := range inner.Overrides {
		inner.Overrides[i].LaunchTemplateSpecification = rolled.next(o.LaunchTemplateSpecification)
	}
	policy.LaunchTemplate = &inner
	return &types.DesiredConfiguration{MixedInstancesPolicy: &policy}
}

func (r Rolled) next(t *types.LaunchTemplateSpecification) *types.LaunchTemplateSpecification {
	if t == nil {
		return nil
	}
	next := &types.LaunchTemplateSpecification{LaunchTemplateId: t.LaunchTemplateId, Version: t.Version}
	if t.LaunchTemplateId == nil {
		next.LaunchTemplateName = t.LaunchTemplateName
	}
	if r.behind(specOf(t)) {
		next.Version = aws.String(strconv.FormatInt(r[aws.ToString(t.LaunchTemplateId)].Version, 10))
	}
	return next
}

// Moves reports whether a refresh deploys what d asks for: the same versions of
// the same templates. A plain one deploys what the group names by itself.
func (d Decision) Moves(to *types.DesiredConfiguration) bool {
	if d.Desired == nil || to == nil {
		return d.Desired == nil && to == nil
	}
	as := func(c *types.DesiredConfiguration) []Spec {
		specs := Specs(types.AutoScalingGroup{LaunchTemplate: c.LaunchTemplate, MixedInstancesPolicy: c.MixedInstancesPolicy})
		for i := range specs {
			specs[i].Name = ""
		}
		return specs
	}
	return slices.Equal(as(d.Desired), as(to))
}
