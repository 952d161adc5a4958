package refresh

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/job"
	"goldsmith/shared/rollout"
)

// rolled is what was rolled: what the job carries, and what of its run only the ledger knows.
func (s Step) rolled(ctx context.Context, j job.Job) ([]job.Rolled, error) {
	if j.Rest == nil {
		return j.Rolled, nil
	}
	all := slices.DeleteFunc(slices.Clone(j.Rolled), func(r job.Rolled) bool { return len(r.Through) > 0 })
	for _, key := range rollout.Keys(j.Source) {
		for t, err := range s.Ledger.Targets(ctx, key) {
			if err != nil {
				return nil, fmt.Errorf("reading what %s has rolled: %w", key, err)
			}
			last, rolled := rollout.Latest(t)
			known := slices.ContainsFunc(all, func(r job.Rolled) bool { return r.Target == t.ID })
			if rolled && !known && last.Run == j.Run.Name && last.Source == j.Source.ID {
				all = append(all, job.Rolled{Target: t.ID, Parameter: t.Parameter, To: last.Image,
					Version: last.Version, Stays: last.Stays, Through: t.Through})
			}
		}
	}
	return all, nil
}

// templates are the templates that have the new image, those that resolve a parameter included.
func templates(rolled []job.Rolled) asg.Rolled {
	all := asg.Rolled{}
	for _, r := range rolled {
		switch {
		case r.Problem != "":
		case r.Template():
			all[r.Target] = asg.Launched{Version: r.Version, Image: r.To}
		default:
			for _, through := range r.Through {
				all[through] = asg.Launched{}
			}
		}
	}
	return all
}

// using are the groups that may launch from a rolled template, by name; names are those wanted, none for all.
func (s Step) using(ctx context.Context, templates asg.Rolled, names ...string) ([]types.AutoScalingGroup, error) {
	groups, err := asg.List(ctx, s.AutoScaling, true, names...)
	if err != nil {
		return nil, fmt.Errorf("looking for the groups that use what was rolled: %w", err)
	}
	return asg.Using(groups, templates), nil
}

// warn tells of groups that name an older version by its number: a new default changes nothing for them.
func (s Step) warn(ctx context.Context, j job.Job) (job.Job, error) {
	rolled, err := s.rolled(ctx, j)
	if err != nil {
		return j, err
	}
	templates := templates(rolled)
	groups, err := s.using(ctx, templates)
	if problem, err := lasting(err); err != nil || problem != "" {
		return j, err
	}
	warned := slices.ContainsFunc(j.Warnings, func(w job.Reason) bool { return w.Code == job.PinnedGroup })
	if warning := asg.PinnedWarning(groups, templates); warning != nil && !warned {
		j.Warnings = append(j.Warnings, *warning)
	}
	return j, nil
}
