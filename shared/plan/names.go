package plan

import (
	"maps"
	"slices"
)

// Names are the names of the plans, in order.
func (p Plans) Names() []string { return slices.Sorted(maps.Keys(p.Plans)) }
