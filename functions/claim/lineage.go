package claim

import (
	"context"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/tag"
)

// lineage is what the source is over time, as Auto Scaling says. It is asked about instances that show the tag
// of a member: what the tag says is not believed. A group that cannot be found out is none.
func (s Step) lineage(ctx context.Context, of job.Source) (string, error) {
	if _, member := of.Tags[tag.Group]; !member {
		return "", nil
	}
	found, err := lineage.OfInstances(ctx, s.AutoScaling, []string{of.ID})
	if fault.IsTransient(err) || fault.IsNotYet(err) {
		return "", err
	}
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "its Auto Scaling group is not known", "source", of.ID, "error", err)
	}
	if found[of.ID] == of.ID {
		return "", nil
	}
	return found[of.ID], nil
}
