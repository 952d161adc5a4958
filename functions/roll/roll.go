// Package roll points launch templates and Parameter Store aliases at a new image.
package roll

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/template"
)

// Book remembers what targets pointed at.
type Book interface {
	Targets(ctx context.Context, source string) iter.Seq2[ledger.Target, error]
	PutTarget(ctx context.Context, t ledger.Target) (ledger.Target, error)
}

// Step rolls an image out.
type Step struct {
	ec2        EC2
	parameters Parameters
	book       Book
	path       string
	now        func() time.Time
}

// New makes the step. The alias of a source lies in Parameter Store under path,
// such as /goldsmith/images.
func New(ec2 EC2, parameters Parameters, book Book, path string, now func() time.Time) Step {
	return Step{ec2, parameters, book, path, now}
}

// target is one launch template or alias on its way.
type target struct {
	known   ledger.Target
	at      template.Now
	verdict template.Verdict
	// found is a template's default version, latest its newest version's number.
	found  *version
	rolled job.Rolled
	// changed is whether this call, or an earlier one of this run, has pointed it at the image.
	changed bool
}

// Handle rolls the job's image. What cannot be rolled is reported on its own
// and keeps its old image; only an AWS that is busy is an error, since the
// whole step can then be tried again: what is rolled already stays as it is.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	j.Rolled = nil
	if j.Plan.Roll.Skip {
		return j, nil
	}
	if err := s.launchable(ctx, j); err != nil {
		return j, err
	}
	image := imageOf(j)
	targets, err := s.targets(ctx, j, image)
	if err != nil {
		return j, err
	}
	for _, t := range targets {
		if j.Plan.Roll.Together && failed(targets) != nil {
			break
		}
		if err := s.one(ctx, t, image); err != nil {
			return j, err
		}
	}
	if bad := failed(targets); j.Plan.Roll.Together && bad != nil {
		if err := s.putBack(ctx, targets, bad); err != nil {
			return j, err
		}
	}
	for _, t := range targets {
		if t.rolled.Problem != "" {
			handler.Log(ctx).WarnContext(ctx, "not rolled", "target", t.rolled.Target, "name", t.rolled.Name, "problem", t.rolled.Problem)
		}
		j.Rolled = append(j.Rolled, t.rolled)
	}
	return j, nil
}

func imageOf(j job.Job) template.Image {
	return template.Image{
		ID: j.Image.ID, Architecture: j.Source.Architecture, BootMode: j.Image.BootMode, Virtualization: j.Image.Virtualization,
		Source: j.Source.ID, Name: j.Source.Name, InstanceType: j.Source.InstanceType, Run: j.Run.Name,
	}
}

// failed is the first target that is not rolled; nil when there is none.
func failed(targets []*target) *target {
	for _, t := range targets {
		if t.rolled.Problem != "" {
			return t
		}
	}
	return nil
}

// one rolls one target: written down before it is changed and after. A try that
// was cut off in between is found by the next, which then knows where it was before.
func (s Step) one(ctx context.Context, t *target, image template.Image) error {
	switch {
	case t.rolled.Problem != "":
		return nil
	case t.verdict.There && !t.verdict.Made:
		return nil
	case t.verdict.Made:
		t.changed = true
		return s.finish(ctx, t)
	}
	to := ledger.Point{Image: image.ID, Run: image.Run, Source: image.Source, At: s.now().UTC()}
	if err := s.put(ctx, t, t.known.Beginning(ledger.Change{From: t.verdict.From, To: to})); err != nil {
		return err
	}
	problem, err := s.change(ctx, t, image)
	if lasting := err != nil && !fault.IsThrottled(err) && !fault.IsNotYet(err); lasting {
		problem, err = fault.Brief(err), nil
	}
	if err != nil {
		return err
	}
	if problem != "" {
		t.rolled.Problem = problem
		left := t.known
		left.Begun = nil
		return s.put(ctx, t, left)
	}
	t.changed = true
	return s.finish(ctx, t)
}

// finish records a change that was made, unless it is recorded.
func (s Step) finish(ctx context.Context, t *target) error {
	if t.known.Begun == nil || t.known.Begun.To.Image != t.rolled.To {
		return nil
	}
	made := *t.known.Begun
	made.To.Version = t.rolled.Version
	return s.put(ctx, t, t.known.Rolled(made))
}

// put writes the target's record. When another source of the name has changed
// it meanwhile the step begins again, with what that one did before its eyes.
func (s Step) put(ctx context.Context, t *target, next ledger.Target) error {
	put, err := s.book.PutTarget(ctx, next)
	var moved *ledger.Moved
	if errors.As(err, &moved) {
		return &fault.NotYet{Err: err}
	}
	if err != nil {
		return fmt.Errorf("recording what becomes of %s: %w", next.ID, err)
	}
	t.known = put
	return nil
}

func (s Step) change(ctx context.Context, t *target, image template.Image) (problem string, err error) {
	if t.at.Alias {
		return "", s.write(ctx, t, image.ID, "The newest golden image of "+image.Source)
	}
	return s.version(ctx, t, image)
}

// putBack undoes what was changed, since the plan wants all or none.
func (s Step) putBack(ctx context.Context, targets []*target, bad *target) error {
	name := bad.rolled.Name
	if name == "" {
		name = bad.rolled.Target
	}
	for _, t := range targets {
		switch {
		case t.rolled.Problem != "":
			continue
		case !t.changed && t.verdict.There && !t.verdict.Made:
			continue // it had the image before this run
		case !t.changed && !t.verdict.Made:
			t.rolled.Problem = fmt.Sprintf("left alone, since %s could not be rolled, and the plan rolls all or none", name)
			continue
		}
		if err := s.undo(ctx, t, name); err != nil {
			return err
		}
	}
	return nil
}

func (s Step) undo(ctx context.Context, t *target, bad string) error {
	from := t.verdict.From
	err := error(nil)
	switch {
	case !t.at.Alias:
		err = s.makeDefault(ctx, t, from.Version)
	case from.Version == 0:
		t.rolled.Problem = fmt.Sprintf("%s could not be rolled, and the plan rolls all or none; this parameter is new and keeps %s, for it has nothing to go back to", bad, t.rolled.To)
		return nil
	default:
		err = s.write(ctx, t, from.Image, "Put back: "+bad+" could not be rolled")
	}
	if fault.IsThrottled(err) || fault.IsNotYet(err) {
		return err
	}
	if err != nil {
		t.rolled.Problem = fmt.Sprintf("%s could not be rolled, and the plan rolls all or none; putting this one back failed: %s", bad, fault.Brief(err))
		return nil
	}
	t.rolled.Problem = fmt.Sprintf("put back, since %s could not be rolled, and the plan rolls all or none", bad)
	return s.put(ctx, t, unrolled(t, from))
}

// unrolled is the target's record without this roll. A parameter gets a new
// version when it is put back, so the record has to name that one.
func unrolled(t *target, from ledger.Point) ledger.Target {
	next := t.known
	next.Begun = nil
	if latest, ok := next.Latest(); ok && latest.Image == t.rolled.To {
		next.Points = next.Points[1:]
	}
	if t.at.Alias && len(next.Points) > 0 {
		points := append([]ledger.Point{next.Points[0]}, next.Points[1:]...)
		points[0].Version, points[0].Image = t.rolled.Version, from.Image
		next.Points = points
	}
	return next
}
