package rollout

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Known are the targets that the ledger knows by a source's name, in the order of their ids: those that were rolled by
// it, and those that its sources' ids or groups were rolled by to the same image. One that a run is rolling is waited
// for.
func (f Finder) Known(ctx context.Context, name string) ([]*Target, error) {
	all, err := f.ofName(ctx, name, alike)
	if err != nil {
		return nil, err
	}
	return f.still(all)
}

// Held are the targets that may follow again by a source's name: those that were rolled by it, and those that are held
// by its sources' ids or groups.
func (f Finder) Held(ctx context.Context, name string) ([]*Target, error) {
	all, err := f.ofName(ctx, name, func(known ledger.TargetRecord, _ []ledger.TargetRecord) bool { return known.Held() })
	if err != nil {
		return nil, err
	}
	return f.still(all)
}

// still are targets that no run is rolling.
func (f Finder) still(all []ledger.TargetRecord) (targets []*Target, err error) {
	for _, known := range all {
		if begun := known.Begun; begun != nil && begun.To.Run != "" && f.Now().Sub(begun.To.At) < underway {
			return nil, &fault.NotYet{Err: fmt.Errorf("%s is being rolled by run %s; try again in two minutes", known.ID,
				begun.To.Run)}
		}
		targets = append(targets, &Target{Record: known, Rolled: rolledOf(known)})
	}
	return targets, nil
}

// rolledOf is a target as a report names it.
func rolledOf(known ledger.TargetRecord) job.Rolled {
	return job.Rolled{Target: known.ID, Name: known.Title, Parameter: known.Parameter}
}

// LookAll reads where targets point now, many templates by the page. One that is gone has a problem.
func (f Finder) LookAll(ctx context.Context, targets []*Target) (err error) {
	s, all := f.survey(), map[string]*template{}
	templates := 0
	for _, t := range targets {
		if t.Template() {
			templates++
		}
	}
	if templates >= many {
		if all, err = f.all(ctx); err != nil {
			return err
		}
	}
	for _, t := range targets {
		if err := s.lookAt(ctx, t, all[t.Record.ID]); err != nil {
			return err
		}
	}
	return nil
}

// lookAt reads where a target points now; read is the template where that was read.
func (s *survey) lookAt(ctx context.Context, t *Target, read *template) (err error) {
	gone := "there is no such parameter any more"
	switch {
	case !t.Template():
		err = s.parameter(ctx, t, t.Record.ID)
	case read != nil && read.defaultVersion != 0:
		err = s.see(ctx, t, read)
	default:
		gone = "there is no such launch template any more"
		err = s.look(ctx, t)
	}
	last, settles := s.settles(t)
	switch {
	case settles && fault.IgnoreNotFound(err) == nil:
		t.Rolled.Problem = fmt.Sprintf("Parameter Store has not taken %s yet, which was rolled last; ask again in two "+
			"minutes", last.Image)
		return nil
	case fault.IsNotFound(err):
		t.Rolled.Problem = gone
		return nil
	case err != nil:
		return fmt.Errorf("reading %s: %w", t.Record.ID, err)
	}
	t.Rolled.From, t.Rolled.Previous, t.Rolled.Version = t.At.Image, t.At.Version, t.At.Version
	return nil
}

// settles reports whether Parameter Store may not have taken yet what was rolled last.
func (s *survey) settles(t *Target) (last ledger.Point, settles bool) {
	last, rolled := Latest(t.Record)
	return last, rolled && t.At.Alias && t.At.Version < last.Version && s.Now().Sub(last.At) < settling
}

// look reads a template.
func (s *survey) look(ctx context.Context, t *Target) error {
	read, err := s.read(ctx, aws.String(t.Record.ID), nil)
	if err != nil {
		return err
	}
	return s.see(ctx, t, read)
}

// see is where a template points that was read. Where default and latest differ, the last roll says which of them it
// moved.
func (s *survey) see(ctx context.Context, t *Target, read *template) error {
	t.template = read
	differ, err := s.differ(ctx, read)
	if err != nil {
		return err
	}
	last, rolled := Latest(t.Record)
	t.at(rolled && last.Stays && len(differ(read.defaultVersion, read.latest)) > 0)
	read.base = read.latest
	return s.reverted(ctx, t)
}

// reverted looks whether what is launched from a template is the version that was rolled last with an earlier image: a
// person has set back what $Latest launches. An edit of anything else is rolled from.
func (s *survey) reverted(ctx context.Context, t *Target) error {
	if t.template == nil || t.Rolled.Problem != "" {
		return nil
	}
	n := t.template.base
	last, _ := Latest(t.Record)
	tmpl := t.template
	if !t.steppedBack(n, last) || tmpl.madeBy(t.Record, n) {
		return nil
	}
	if err := s.readVersion(ctx, tmpl, last.Version); err != nil {
		return err
	}
	differ, err := s.differ(ctx, tmpl)
	if _, there := tmpl.versions[last.Version]; err != nil || !there || tmpl.image(last.Version) != last.Image {
		return err
	}
	if len(differ(n, last.Version)) == 0 {
		t.At.Reverted = n
	}
	return nil
}

// steppedBack reports whether a version is above the one that was rolled last, and has an earlier image.
func (t *Target) steppedBack(n int64, last ledger.Point) bool {
	image, settled := t.template.image(n), t.Record.Begun == nil && t.Record.Back == nil
	return settled && last.Run != "" && n > last.Version && image != last.Image && Had(t.Record, image)
}

// madeBy reports whether a roll or an undo has made a version.
func (t *template) madeBy(r ledger.TargetRecord, n int64) bool {
	return slices.Contains(r.Made, n) ||
		strings.HasPrefix(aws.ToString(t.versions[n].VersionDescription), "Goldsmith")
}

// Template reports whether the target is a launch template; what else is rolled are parameters.
func (t *Target) Template() bool { return t.Record.Template() }

// Return points a target back, written down before it is changed and after. A change
// that fails for good is its problem, and is taken back in the ledger.
func (w Writer) Return(ctx context.Context, t *Target, to ledger.Point) error {
	begun := ledger.Change{From: t.At.Point(), To: to}
	if err := w.put(ctx, t, changing(t.Record, begun)); err != nil {
		return err
	}
	err := w.back(ctx, t, to)
	if err == nil || fault.IsTransient(err) || fault.IsNotYet(err) {
		return err
	}
	t.Rolled.Problem = fault.Brief(err)
	return w.put(ctx, t, unbegun(t.Record))
}

func (w Writer) back(ctx context.Context, t *Target, to ledger.Point) error {
	if t.At.Alias {
		if err := w.followersFit(ctx, t, to.Image); err != nil {
			return err
		}
		return w.write(ctx, t, to.Image)
	}
	return w.undoing(t, to).back(ctx)
}

// Hold writes down that the target stays where it is now until somebody lets it
// follow. What was rolled last is nothing to hold back: it follows again.
func (w Writer) Hold(ctx context.Context, t *Target, to ledger.Point, there bool) error {
	held := unbegun(t.Record)
	held.Back = &to
	if last, ok := Latest(t.Record); ok && last.Image == to.Image {
		held.Back = nil
	}
	if there && t.Record.Begun == nil && reflect.DeepEqual(t.Record.Back, held.Back) {
		return nil
	}
	return w.put(ctx, t, held)
}

// Follow lets a target that is held, or that somebody set back by hand, take new images again. What was
// undone is forgotten: where it is now is what a later rollback starts from. It reports whether there was anything to
// do.
func (w Writer) Follow(ctx context.Context, t *Target, by string) (bool, error) {
	if backed(t.At, t.Record) == nil && setBack(t.At, t.Record) == "" {
		return false, nil
	}
	next := unbegun(t.Record)
	next.Back = nil
	at := ledger.Point{Image: t.At.Image, Version: t.At.Version, Stays: t.At.Stays, By: by, At: w.Now().UTC()}
	if t.At.Reverted != 0 {
		at.Image, at.Version, at.Stays = t.At.Top, t.At.Reverted, true
	}
	older := slices.IndexFunc(next.Points, func(p ledger.Point) bool { return p.Image == at.Image })
	if older < 0 {
		older = len(next.Points) - 1
	}
	next.Points = append([]ledger.Point{at}, next.Points[older+1:]...)
	return true, w.put(ctx, t, next)
}

// MarkNotified marks that people heard that a target is held.
func (w Writer) MarkNotified(ctx context.Context, t *Target) error {
	if t.Record.Back == nil {
		return nil
	}
	told := t.Record
	back := *told.Back
	back.Told = w.Now().UTC()
	told.Back = &back
	return w.put(ctx, t, told)
}
