package claim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"goldsmith/shared/asg"
	"goldsmith/shared/balancer"
	"goldsmith/shared/bound"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
	"goldsmith/shared/standby"
	"goldsmith/shared/tag"
)

// member sees whether a member of an Auto Scaling group may be taken out of service, and takes the one place that there
// is for that in its group; any other job comes back as it is. What the instance's tag says is not believed: Auto
// Scaling is asked.
func (s Step) member(ctx context.Context, j job.Job, f source.Facts) (job.Job, error) {
	if _, is := source.Tags(f.Instance)[tag.Group]; !is {
		return j, nil
	}
	found, err := asg.MemberOf(ctx, s.AutoScaling, j.Source.ID)
	if err != nil {
		return j, err
	}
	j.Standby = &job.Standby{Group: found.Name(), Targets: found.Targets(), Replaced: j.Plan.Groups.Replaces()}
	mine, err := s.Ledger.Take(ctx, slot(j, s.Now()), time.Time{})
	if err != nil {
		return j, fmt.Errorf("asking for the place of group %s: %w", found.Name(), err)
	}
	if !mine {
		return s.afterOther(ctx, j)
	}
	f.Member = &found
	if decision := source.Decide(f); decision.Skip != nil {
		return s.free(ctx, refuse(j, decision.Skip))
	}
	if told := f.Replacing(); told != nil {
		j.Warnings = append(slices.Clone(j.Warnings), *told)
	}
	return j, nil
}

// afterOther is a member of whose group another is out of service. A plan's run waits until that is back, without a
// place in the plan's concurrency; a request for one source is answered at once.
func (s Step) afterOther(ctx context.Context, j job.Job) (job.Job, error) {
	group := j.Standby.Group
	if j.Standby = nil; j.Run.Request != nil && j.Run.Request.Source != "" {
		return skip(j, job.AutoScalingMember, "group "+group+
			": another member of it is out of service for an image. Ask again once that is back"), nil
	}
	if err := bound.Leave(ctx, s.Ledger, j.Run.Plan, j.Source.ID, j.Run.Name, false); err != nil {
		return j, fmt.Errorf("giving up the place of %s: %w", j.Source.ID, err)
	}
	turn := job.Turn{Held: true, Seconds: int(again.Seconds()), Since: s.Now().UTC()}
	if j.Turn != nil {
		turn.Since, turn.First = j.Turn.Since, j.Turn.First
	}
	j.Decision, j.Place, j.Turn = job.WaitFirst, "", &turn
	return j, nil
}

// targets finds the target groups that a source is taken out of while it is down, if its plan says so. A member's own
// are its group's business.
func (s Step) targets(ctx context.Context, j job.Job, f source.Facts) (job.Job, error) {
	if !j.Plan.Drain || !j.Source.WasRunning || source.Tags(f.Instance)[tag.Group] != "" {
		return j, nil
	}
	found, err := balancer.Find(ctx, s.Balancers, f.Instance)
	switch {
	case err != nil:
		return j, err
	case found.Against != "":
		return skip(j, job.TargetGroups, found.Against), nil
	case len(found.Targets) > 0:
		j.Standby = &job.Standby{Drained: found.Targets}
	}
	j.Warnings = append(slices.Clone(j.Warnings), found.Told...)
	return j, nil
}

// free gives up the place in its group of a member that is not stopped now.
func (s Step) free(ctx context.Context, j job.Job) (job.Job, error) {
	if j.Standby == nil || j.Decision == "" {
		return j, nil
	}
	if j.Standby.Group == "" {
		j.Standby = nil
		return j, nil
	}
	if err := s.Ledger.Free(ctx, slot(j, s.Now())); err != nil {
		return j, fmt.Errorf("giving up the place of group %s: %w", j.Standby.Group, err)
	}
	j.Standby = nil
	return j, nil
}

// slot is the place of a job's source in its group.
func slot(j job.Job, now time.Time) ledger.Slot {
	claim := ledger.ClaimOf(j, now.UTC())
	claim.Standby = &ledger.Standby{Group: j.Standby.Group}
	place := standby.Slot(claim)
	place.Since, place.Seen = now.UTC(), now.UTC()
	return place
}
