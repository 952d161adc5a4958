package refresh

import (
	"context"

	"goldsmith/shared/asg"
	"goldsmith/shared/job"
)

// follow begins what had to wait until somebody else's refresh of the group was over.
func (s Step) follow(ctx context.Context, j *job.Job) error {
	rolled, err := s.rolled(ctx, *j)
	if err != nil {
		return err
	}
	images := asg.Images{}
	for i, r := range j.Refreshes {
		if !r.Behind || r.Ended.IsZero() || r.Problem != "" {
			continue
		}
		groups, err := s.using(ctx, templates(rolled), r.Group)
		if err != nil {
			problem, err := lasting(err)
			if err != nil {
				return err
			}
			j.Refreshes[i].Problem = problem
			continue
		}
		if len(groups) == 0 {
			j.Refreshes[i] = job.Refresh{Group: r.Group, Note: "It uses what was rolled no more."}
			continue
		}
		if j.Refreshes[i], err = s.one(ctx, *j, groups[0], rolled, images); err != nil {
			return err
		}
	}
	return nil
}
