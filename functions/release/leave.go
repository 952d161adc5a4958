package release

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/request"
	"goldsmith/shared/standby"
	"goldsmith/shared/tag"
)

// takeOff removes the request tag that the run answers.
func (s Step) takeOff(ctx context.Context, j job.Job) error {
	if r := j.Run.Request; r != nil && r.Source == j.Source.ID {
		return request.TakeOff(ctx, s.EC2, s.Requests, *r, j.Run.Name)
	}
	return nil
}

// note writes the source's last image on it, and with the same call that it is back. Its empty tag is swept.
func (s Step) note(ctx context.Context, j job.Job) error {
	tags := map[string]string{tag.LastImage: j.Image.ID}
	if !j.Times.StopSent.IsZero() {
		tags[tag.Stopped] = ""
	}
	_, err := s.EC2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{j.Source.ID}, Tags: tag.List(tags)})
	if err != nil {
		return fmt.Errorf("tagging %s with its image: %w", j.Source.ID, err)
	}
	return nil
}

// forget removes what is left of waits that ended without their tokens: a look failed for good.
func (s Step) forget(ctx context.Context, j job.Job) error {
	if j.Failure == nil && j.Comeback == nil {
		return nil
	}
	for _, resource := range []string{j.Source.ID, j.Image.ID, j.Clone.Instance, j.TestInstance} {
		if resource == "" {
			continue
		}
		if err := ledger.Forget(ctx, s.Claims, resource, j.Run.Name); err != nil {
			return err
		}
	}
	return nil
}

// giveUp drops the claim, unless the instance is still down, or out of its group's service: out is its claim then.
func (s Step) giveUp(ctx context.Context, j job.Job, ending job.Ending, out *ledger.Claim, now time.Time) error {
	if ending == job.LeftStopped {
		return s.leave(ctx, j, now)
	}
	// The place of one that was seen running is given up by then; how far a failed step came is not known.
	if j.Failure != nil || j.Place != "" && j.Times.Running.IsZero() {
		if err := bound.Leave(ctx, s.Claims, j.Run.Plan, j.Source.ID, j.Run.Name, stopped(j)); err != nil {
			return fmt.Errorf("giving up the place of %s: %w", j.Source.ID, err)
		}
	}
	if out != nil {
		if err := s.Claims.Record(ctx, *out); err != nil {
			return fmt.Errorf("leaving %s to recover: %w", j.Source.ID, err)
		}
		return nil
	}
	if err := s.free(ctx, j); err != nil {
		return err
	}
	if err := s.Claims.Drop(ctx, j.Source.ID, j.Run.Name); err != nil {
		return fmt.Errorf("dropping the claim of %s: %w", j.Source.ID, err)
	}
	return nil
}

// free gives up the place of a member in its group: another one may be out of service now.
func (s Step) free(ctx context.Context, j job.Job) error {
	if j.Standby == nil || j.Standby.Group == "" {
		return nil
	}
	claim := ledger.ClaimOf(j, s.Now())
	claim.Standby = &ledger.Standby{Group: j.Standby.Group}
	if err := s.Claims.Free(ctx, standby.Slot(claim)); err != nil {
		return fmt.Errorf("giving up the place of %s in group %s: %w", j.Source.ID, j.Standby.Group, err)
	}
	return nil
}

// stopped reports whether the source counts as stopped. One whose stop failed, and that start found running without
// having to start it, never was.
func stopped(j job.Job) bool {
	stayedUp := j.Times.StopSent.IsZero() && j.Times.StartSent.IsZero() && j.Back && !j.Gone
	return j.Decision == job.StopFirst && !stayedUp
}

// leave keeps the claim of an instance that is still down: recover works from it.
func (s Step) leave(ctx context.Context, j job.Job, now time.Time) error {
	claim, err := s.Claims.Claim(ctx, ledger.ClaimOf(j, now))
	if err != nil {
		return fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	}
	claim.Left = now
	if err := s.Claims.Record(ctx, claim); err != nil {
		return fmt.Errorf("leaving %s to recover: %w", j.Source.ID, err)
	}
	return breaker.Mark(ctx, s.Claims, claim)
}
