package rollout

import (
	"context"
	"fmt"
	"slices"
)

// Fleets are the EC2 Fleets and Spot Fleets that launch from templates.
type Fleets struct{ all []launcher }

// Fleets reads them.
func (f Finder) Fleets(ctx context.Context) (Fleets, error) {
	fleets, err := f.fleets(ctx)
	if err != nil {
		return Fleets{}, err
	}
	spot, err := f.spotFleets(ctx)
	return Fleets{slices.Concat(fleets, spot)}, err
}

// Use reports whether one launches from a template.
func (f Fleets) Use(id, name string) bool {
	of := &template{id: id, name: name}
	return slices.ContainsFunc(f.all, func(l launcher) bool { return l.of(of) })
}

// Launching names those that launch from a template by a version that matches.
func (f Fleets) Launching(id, name string, matches func(version string) bool) []string {
	var said []string
	of := &template{id: id, name: name}
	for _, l := range f.all {
		text := fmt.Sprintf("%s launches version %s", l.name, l.version)
		if l.of(of) && matches(l.version) && !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return said
}
