package planfile

import (
	"fmt"
	"maps"
	"slices"

	"goldsmith/shared/plan"
)

// checkCopies tells of retention that is written for copies and says nothing: it would count as left out, and copies go
// by the plan's rules then, where at home the same words keep every image.
func (r *reader) checkCopies(plans plan.Plans) (found []plan.Problem) {
	for _, name := range slices.Sorted(maps.Keys(plans.Plans)) {
		for i, c := range plans.Plans[name].Copies {
			path := fmt.Sprintf("%s.copies[%d].keep", name, i)
			if _, written := r.lines[path]; written && c.Keep == (plan.Keep{}) {
				found = append(found, plan.Problem{Path: path, Text: plan.NoRule})
			}
		}
	}
	return found
}
