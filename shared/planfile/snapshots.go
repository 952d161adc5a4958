package planfile

import (
	"maps"
	"slices"

	"goldsmith/shared/attribute"
	"goldsmith/shared/plan"
)

// ofInstances are keys about how instances are stopped and started.
var ofInstances = []string{
	"consistency", "freeze", "restart", "health", "instanceStore", "window", "force", "groups", "drain", "hooks", "strict",
	"limit",
}

// checkSnapshots judges what plans say of snapshots, and tells of keys beside them that have no part in it.
func (r *reader) checkSnapshots(plans plan.Plans) (found []plan.Problem) {
	for _, name := range slices.Sorted(maps.Keys(plans.Plans)) {
		p := plans.Plans[name]
		settings := attribute.Settings{Source: "the settings", Text: p.Image.Settings}
		if _, err := settings.Parse(); err != nil {
			found = append(found, plan.Problem{Path: name + ".image.settings", Text: err.Error()})
		}
		for _, key := range ofInstances {
			if _, written := r.lines[name+"."+key]; written && p.Sources.OfSnapshots() {
				found = append(found, plan.Problem{Path: name + "." + key,
					Text: "does not apply: nothing is stopped for a snapshot " +
						"(sources.snapshots). Leave it out"})
			}
		}
	}
	return found
}
