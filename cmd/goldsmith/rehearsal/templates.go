package rehearsal

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
)

// Target is one launch template or alias and what the run would do with it.
type Target struct {
	// Source is the id of the source whose image it takes.
	Source string `json:"source"`
	job.Rolled
}

// templates are the targets of every source that would be imaged. To is what
// Expected calls the new image.
func (s Stage) templates(ctx context.Context, run job.Run, p plan.Plan, sources []Source) ([]Target, error) {
	all := []Target{}
	if p.Roll.Skip {
		return all, nil
	}
	finder := rollout.Finder{EC2: s.EC2, Parameters: s.Parameters, Book: s.Book, Path: s.Path, Now: s.Now}
	first := map[string]Source{}
	for _, src := range byID(sources) {
		if src.Decision == job.SkipIt {
			continue
		}
		found, err := finder.Find(ctx, p.Roll, expected(src, run))
		if err != nil {
			return nil, fmt.Errorf("looking at what takes the image of %s: %w", src.Name, err)
		}
		for _, t := range found {
			if other, taken := first[t.Rolled.Target]; taken && t.Rolled.Problem == "" {
				t.Rolled.Problem = fmt.Sprintf("it has the image of %s, another source of this run that is called %s; give one of them another name by the tag goldsmith:name", other.ID, other.Name)
			} else if t.Rolled.Problem == "" {
				first[t.Rolled.Target] = src
			}
		}
		all = append(all, together(src.ID, found, p.Roll.Together)...)
	}
	return all, nil
}

// byID: of the sources of one name that a run images, the one with the lowest id has the last word.
func byID(sources []Source) []Source {
	return slices.SortedFunc(slices.Values(sources), func(a, b Source) int { return cmp.Compare(a.ID, b.ID) })
}

// expected is the image that the run would make. CreateImage takes over architecture and
// virtualization from the instance, and the boot mode of the image that it was launched from.
func expected(s Source, run job.Run) rollout.Image {
	return rollout.Image{
		ID: Expected(s.ID), Architecture: string(s.instance.Architecture), BootMode: string(s.instance.BootMode),
		Virtualization: string(s.instance.VirtualizationType), InstanceType: string(s.instance.InstanceType),
		Source: s.ID, Name: s.Name, Run: run.Name,
	}
}

// together are a source's targets. Where the plan rolls all or none, one that cannot be leaves the others alone.
func together(source string, found []*rollout.Target, all bool) []Target {
	bad := ""
	for _, t := range found {
		if t.Rolled.Problem != "" && bad == "" {
			bad = t.Rolled.Target
			if t.Rolled.Name != "" {
				bad = t.Rolled.Name
			}
		}
	}
	targets := make([]Target, len(found))
	for i, t := range found {
		targets[i] = Target{Source: source, Rolled: t.Rolled}
		if all && bad != "" && t.Rolled.Problem == "" && !t.Decision.There {
			targets[i].Problem = fmt.Sprintf("left alone, since %s could not be rolled, and the plan rolls all or none", bad)
		}
	}
	return targets
}
