// Package roll points launch templates and Parameter Store aliases at a new image.
package roll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/target"
	"goldsmith/shared/template"
)

// Book remembers what targets pointed at.
type Book interface {
	target.Book
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

// one is one launch template or alias on its way.
type one struct {
	*target.Target
	// changed is whether this call, or an earlier one of this run, has pointed it at the image.
	changed bool
}

func (s Step) finder() target.Finder {
	return target.Finder{EC2: s.ec2, Parameters: s.parameters, Book: s.book, Path: s.path, Now: s.now}
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
	found, err := s.finder().Find(ctx, j.Plan.Roll, image)
	if err != nil {
		return j, err
	}
	var targets []*one
	for _, t := range found {
		targets = append(targets, &one{Target: t})
	}
	if err := s.rollAll(ctx, targets, image, j.Plan.Roll.Together); err != nil {
		return j, err
	}
	for _, t := range targets {
		if t.Rolled.Problem != "" {
			handler.Log(ctx).WarnContext(ctx, "not rolled", "target", t.Rolled.Target, "name", t.Rolled.Name, "problem", t.Rolled.Problem)
		}
		j.Rolled = append(j.Rolled, t.Rolled)
	}
	return j, nil
}

// rollAll rolls each target on its own, or all or none.
func (s Step) rollAll(ctx context.Context, targets []*one, image template.Image, together bool) error {
	for _, t := range targets {
		if together && failed(targets) != nil {
			break
		}
		if err := s.roll(ctx, t, image); err != nil {
			return err
		}
	}
	if bad := failed(targets); together && bad != nil {
		return s.putBack(ctx, targets, bad)
	}
	return nil
}

func imageOf(j job.Job) template.Image {
	return template.Image{
		ID: j.Image.ID, Architecture: j.Source.Architecture, BootMode: j.Image.BootMode, Virtualization: j.Image.Virtualization,
		Source: j.Source.ID, Name: j.Source.Name, InstanceType: j.Source.InstanceType, Run: j.Run.Name,
	}
}

// failed is the first target that is not rolled; nil when there is none.
func failed(targets []*one) *one {
	for _, t := range targets {
		if t.Rolled.Problem != "" {
			return t
		}
	}
	return nil
}

// roll rolls one target: written down before it is changed and after. A try that
// was cut off in between is found by the next, which then knows where it was before.
func (s Step) roll(ctx context.Context, t *one, image template.Image) error {
	switch {
	case t.Rolled.Problem != "":
		return nil
	case t.Verdict.There && !t.Verdict.Made:
		return nil
	case t.Verdict.Made:
		t.changed = true
		return s.finish(ctx, t)
	}
	to := ledger.Point{Image: image.ID, Run: image.Run, Source: image.Source, At: s.now().UTC()}
	if err := s.put(ctx, t, t.Known.Beginning(ledger.Change{From: t.Verdict.From, To: to})); err != nil {
		return err
	}
	problem, err := s.tried(ctx, t, image)
	if err != nil {
		return err
	}
	if problem != "" {
		t.Rolled.Problem = problem
		left := t.Known
		left.Begun = nil
		return s.put(ctx, t, left)
	}
	t.changed = true
	return s.finish(ctx, t)
}

// tried makes the change; an error that lasts is the target's own problem.
func (s Step) tried(ctx context.Context, t *one, image template.Image) (problem string, err error) {
	problem, err = s.change(ctx, t, image)
	if err == nil || fault.IsThrottled(err) || fault.IsNotYet(err) {
		return problem, err
	}
	return fault.Brief(err), nil
}

// finish records a change that was made, unless it is recorded.
func (s Step) finish(ctx context.Context, t *one) error {
	if t.Known.Begun == nil || t.Known.Begun.To.Image != t.Rolled.To {
		return nil
	}
	made := *t.Known.Begun
	made.To.Version = t.Rolled.Version
	return s.put(ctx, t, t.Known.Rolled(made))
}

// put writes the target's record. When another source of the name has changed
// it meanwhile the step begins again, with what that one did before its eyes.
func (s Step) put(ctx context.Context, t *one, next ledger.Target) error {
	put, err := s.book.PutTarget(ctx, next)
	var moved *ledger.Moved
	if errors.As(err, &moved) {
		return &fault.NotYet{Err: err}
	}
	if err != nil {
		return fmt.Errorf("recording what becomes of %s: %w", next.ID, err)
	}
	t.Known = put
	return nil
}

func (s Step) change(ctx context.Context, t *one, image template.Image) (problem string, err error) {
	if t.At.Alias {
		return "", s.write(ctx, t, image.ID, "The newest golden image of "+image.Source)
	}
	return s.version(ctx, t, image)
}

// putBack undoes what was changed, since the plan wants all or none.
func (s Step) putBack(ctx context.Context, targets []*one, bad *one) error {
	name := bad.Rolled.Name
	if name == "" {
		name = bad.Rolled.Target
	}
	for _, t := range targets {
		switch {
		case t.Rolled.Problem != "":
			continue
		case !t.changed && t.Verdict.There && !t.Verdict.Made:
			continue // it had the image before this run
		case !t.changed && !t.Verdict.Made:
			t.Rolled.Problem = fmt.Sprintf("left alone, since %s could not be rolled, and the plan rolls all or none", name)
			continue
		}
		if err := s.undo(ctx, t, name); err != nil {
			return err
		}
	}
	return nil
}

func (s Step) undo(ctx context.Context, t *one, bad string) error {
	from := t.Verdict.From
	err := error(nil)
	switch {
	case !t.At.Alias:
		err = s.makeDefault(ctx, t, from.Version)
	case from.Version == 0:
		t.Rolled.Problem = fmt.Sprintf("%s could not be rolled, and the plan rolls all or none; this parameter is new and keeps %s, for it has nothing to go back to", bad, t.Rolled.To)
		return nil
	default:
		err = s.write(ctx, t, from.Image, "Put back: "+bad+" could not be rolled")
	}
	if fault.IsThrottled(err) || fault.IsNotYet(err) {
		return err
	}
	if err != nil {
		t.Rolled.Problem = fmt.Sprintf("%s could not be rolled, and the plan rolls all or none; putting this one back failed: %s", bad, fault.Brief(err))
		return nil
	}
	t.Rolled.Problem = fmt.Sprintf("put back, since %s could not be rolled, and the plan rolls all or none", bad)
	return s.put(ctx, t, unrolled(t, from))
}

// unrolled is the target's record without this roll. A parameter gets a new
// version when it is put back, so the record has to name that one.
func unrolled(t *one, from ledger.Point) ledger.Target {
	next := t.Known
	next.Begun = nil
	if latest, ok := next.Latest(); ok && latest.Image == t.Rolled.To {
		next.Points = next.Points[1:]
	}
	if t.At.Alias && len(next.Points) > 0 {
		points := append([]ledger.Point{next.Points[0]}, next.Points[1:]...)
		points[0].Version, points[0].Image = t.Rolled.Version, from.Image
		next.Points = points
	}
	return next
}
