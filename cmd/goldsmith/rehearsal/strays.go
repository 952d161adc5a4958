package rehearsal

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// Stray is an instance whose tag names a plan that there is not: no run looks at it for that.
type Stray struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Strays are all of the Region, by name.
func (s Stage) Strays(ctx context.Context, plans plan.Plans) ([]Stray, error) {
	tagged, err := source.Carrying(ctx, s.EC2, tag.Plan)
	if err != nil {
		return nil, err
	}
	var strays []Stray
	for _, i := range tagged {
		if source.Ending(source.State(i)) {
			continue
		}
		tags, id := source.Tags(i), aws.ToString(i.InstanceId)
		for _, name := range source.Plans(tags) {
			if _, known := plans.Plans[name]; !known {
				strays = append(strays, Stray{ID: id, Name: source.Name(tags, id), Why: unknown(name, plans)})
			}
		}
	}
	slices.SortStableFunc(strays,
		func(a, b Stray) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return strays, nil
}

func unknown(name string, plans plan.Plans) string {
	why := fmt.Sprintf("tag %s names %q, and there is no such plan", tag.Plan, name)
	if near, ok := plan.Nearest(name, plans.Names()); ok {
		why += fmt.Sprintf("; did you mean %q?", near)
	}
	return why
}
