package main

import (
	"goldsmith/infra/workflow"
	"goldsmith/shared/plan"
)

// ofPlans are the permissions that a function has for what plans say of snapshots.
func ofPlans(function string, plans plan.Plans) (all []workflow.Statement) {
	if function != "snapshot" {
		return nil
	}
	uncopied := false
	for _, name := range plans.Names() {
		p := plans.Plans[name]
		uncopied = uncopied || !p.Image.Copy
		if p.Sources.OfSnapshots() {
			all = append(all, workflow.Selected(name, p.Sources.Snapshots.Tags, !p.Image.Copy))
		}
	}
	if uncopied {
		all = append(all, workflow.Uncopied()...)
	}
	return all
}
