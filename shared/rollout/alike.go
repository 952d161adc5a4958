package rollout

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Twin is a version that launches, in all but the image, what others launch.
type Twin struct {
	// Number is 0 where there is none. Image is what it has.
	Number int64
	Image  string
	// Other is the first version that is none, Differs in what.
	Other   int64
	Differs []string
}

// Alike is the first of some versions that equals others of the template in all but the image. One that is gone or has
// an image that is left is none.
func (f Finder) Alike(ctx context.Context, template string, others, some []int64, left []string) (Twin, error) {
	s, t := f.survey(), templateOf(template)
	wanted := slices.DeleteFunc(slices.Concat(others, some), func(n int64) bool { return n == 0 })
	slices.Sort(wanted)
	if err := s.readVersions(ctx, t, slices.Compact(wanted)); err != nil {
		return Twin{}, err
	}
	differ, err := s.differ(ctx, t)
	if err != nil {
		return Twin{}, err
	}
	var twin Twin
	for _, n := range some {
		if _, there := t.versions[n]; !there || slices.Contains(left, t.image(n)) {
			continue
		}
		var differs []string
		for _, other := range others {
			differs = append(differs, differ(n, other)...)
		}
		if len(differs) == 0 {
			return Twin{Number: n, Image: t.image(n)}, nil
		}
		if twin.Other == 0 {
			slices.Sort(differs)
			twin = Twin{Other: n, Differs: slices.Compact(differs)}
		}
	}
	return twin, nil
}

func templateOf(id string) *template {
	return &template{id: id, versions: map[int64]types.LaunchTemplateVersion{}}
}
