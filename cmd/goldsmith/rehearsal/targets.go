package rehearsal

import (
	"context"
	"slices"

	"goldsmith/shared/balancer"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// targets finds the target groups that sources would be taken out of, as claim does.
func (s Stage) targets(ctx context.Context, p plan.Plan, sources []Source) error {
	if !p.Drain {
		return nil
	}
	for i, src := range sources {
		if src.Decision != job.StopFirst || source.Tags(src.instance)[tag.Group] != "" {
			continue
		}
		found, err := balancer.Find(ctx, s.Balancers, src.instance)
		switch {
		case err != nil:
			return err
		case found.Against != "":
			sources[i] = src.skipped(job.Reason{Code: job.TargetGroups, Text: found.Against})
			continue
		case len(found.Targets) > 0:
			sources[i].DrainedFrom = job.ServiceOf("", found.Targets)
		}
		sources[i].Warnings = append(slices.Clone(src.Warnings), found.Told...)
	}
	return nil
}
