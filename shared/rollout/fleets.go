package rollout

import (
	"context"
	"fmt"
	"slices"
)

// Fleets names the EC2 Fleets and Spot Fleets that launch from a template by a version that matches.
func (f Finder) Fleets(ctx context.Context, id, name string, matches func(version string) bool) ([]string, error) {
	fleets, err := f.fleets(ctx)
	if err != nil {
		return nil, err
	}
	spot, err := f.spotFleets(ctx)
	if err != nil {
		return nil, err
	}
	var said []string
	of := &template{id: id, name: name}
	for _, l := range slices.Concat(fleets, spot) {
		text := fmt.Sprintf("%s launches version %s", l.name, l.version)
		if l.of(of) && matches(l.version) && !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return said, nil
}
