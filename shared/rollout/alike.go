package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/ledger"
)

// Alike is the first of some versions that equals others of the template in all but the image; where there is none,
// differs says in what and from which. One that is gone or has an image that is left is none.
func (f Finder) Alike(
	ctx context.Context, template string, others, some []int64, left []string,
) (to ledger.Version, differs string, err error) {
	s, t := f.survey(), templateOf(template)
	wanted := slices.DeleteFunc(slices.Concat(others, some), func(n int64) bool { return n == 0 })
	slices.Sort(wanted)
	if err := s.readVersions(ctx, t, slices.Compact(wanted)); err != nil {
		return to, "", err
	}
	differ, err := s.differ(ctx, t)
	if err != nil {
		return to, "", err
	}
	for _, n := range some {
		if _, there := t.versions[n]; !there || slices.Contains(left, t.image(n)) {
			continue
		}
		var fields []string
		for _, other := range others {
			fields = append(fields, differ(n, other)...)
		}
		if len(fields) == 0 {
			return t.version(n), "", nil
		}
		if differs == "" {
			slices.Sort(fields)
			differs = fmt.Sprintf("in %s from version %d", strings.Join(slices.Compact(fields), ", "), n)
		}
	}
	return to, differs, nil
}

func templateOf(id string) *template {
	return &template{id: id, versions: map[int64]types.LaunchTemplateVersion{}}
}
