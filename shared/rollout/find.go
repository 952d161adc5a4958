package rollout

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
)

// Find is all that want the image, with what becomes of each. What goes by the source's name takes no image
// of a source that the name does not belong to.
func (f Finder) Find(ctx context.Context, roll plan.Roll, image Image) (Found, error) {
	s, roll := f.survey(), f.Copied.part(roll)
	title, err := s.title(ctx, image)
	if err != nil {
		return Found{}, err
	}
	names := keys(image, title)
	if _, err := s.records(ctx, names[0]); err != nil {
		return Found{}, err
	}
	targets, err := s.templates(ctx, roll, names)
	if err != nil {
		return Found{}, err
	}
	say(targets, roll, image)
	if err := s.placeAll(ctx, targets, roll); err != nil {
		return Found{}, err
	}
	if targets, err = s.aliases(ctx, image, title, targets); err != nil {
		return Found{}, err
	}
	if err := s.recall(ctx, targets, names); err != nil {
		return Found{}, err
	}
	if err := s.judgeAll(ctx, targets, roll, image); err != nil {
		return Found{}, err
	}
	for _, t := range targets {
		s.holdToo(t, targets, names)
	}
	return Found{title: title, Targets: targets}, f.Copied.withholdAll(ctx, targets, image, names)
}

// recall reads what the ledger has of targets, by other keys of the source as well where one may hold a target.
func (s *survey) recall(ctx context.Context, targets []*Target, keys []string) error {
	for _, t := range targets {
		known, err := s.records(ctx, t.key)
		if err != nil {
			return err
		}
		if !t.unsettled(known[t.Rolled.Target]) {
			continue
		}
		for _, key := range keys {
			if _, err := s.records(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// judgeAll says what becomes of each target.
func (s *survey) judgeAll(ctx context.Context, targets []*Target, roll plan.Roll, image Image) error {
	if err := s.learnAll(ctx, targets, image); err != nil {
		return err
	}
	for _, t := range targets {
		if err := s.judge(ctx, t, s.known[t.key][t.Rolled.Target], roll, image); err != nil {
			return err
		}
		t.Rolled.Note = notes(t.Rolled.Note, s.moved(t, image))
	}
	return nil
}

// Keys are what targets that a source was rolled into may be recorded by.
func Keys(s job.Source) []string {
	return keys(Image{Name: s.Name, Source: s.ID, Lineage: s.OverTime()}, title{})
}

// keys are what a template may name the source by: its name, if that is its own, its id and its group.
func keys(image Image, title title) []string {
	var all []string
	if !title.Other {
		all = []string{image.Name}
	}
	for _, id := range []string{image.Source, lineage.Key(image.Lineage)} {
		if id != "" && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// records are what the ledger has of targets by one key, read once.
func (s *survey) records(ctx context.Context, key string) (map[string]ledger.TargetRecord, error) {
	if known := s.known[key]; known != nil {
		return known, nil
	}
	known := map[string]ledger.TargetRecord{}
	for each, err := range s.Ledger.Targets(ctx, key) {
		if err != nil {
			return nil, fmt.Errorf("reading what %s has rolled: %w", key, err)
		}
		known[each.ID] = each
	}
	s.known[key] = known
	return known, nil
}

// placeAll decides for each template which version the next is made from.
func (s *survey) placeAll(ctx context.Context, targets []*Target, roll plan.Roll) error {
	if !slices.ContainsFunc(targets, func(t *Target) bool { return t.template != nil }) {
		return nil
	}
	unread := s.readLaunchers(ctx)
	if fault.IsTransient(unread) || fault.IsNotYet(unread) {
		return unread
	}
	for _, t := range targets {
		if t.template == nil {
			continue
		}
		err := unread // What launches it cannot be told: it is left alone.
		if err == nil {
			err = s.launch(ctx, t.template)
		}
		if err == nil {
			err = s.place(ctx, t, roll)
		}
		if err := t.fail(err); err != nil {
			return err
		}
	}
	return nil
}

// fail makes an error that lasts the target's own problem; one that passes stays an error.
func (t *Target) fail(err error) error {
	if err == nil || fault.IsTransient(err) || fault.IsNotYet(err) {
		return err
	}
	t.Rolled.Problem = fault.Brief(err)
	return nil
}

// judge says what becomes of one target.
func (s *survey) judge(ctx context.Context, t *Target, known ledger.TargetRecord, roll plan.Roll, image Image) error {
	t.recorded(known)
	t.Rolled.To = image.ID
	if begun := known.Begun; begun != nil && s.others(*begun, image) && s.Now().Sub(begun.To.At) < underway {
		return &fault.NotYet{Err: fmt.Errorf("%s is being changed for %s", t.Rolled.Target, begun.To.Source+begun.To.By)}
	}
	if err := s.reverted(ctx, t); err != nil {
		return t.fail(err)
	}
	problem := t.Rolled.Problem
	t.decide(known, image)
	if left := leftBy(known, image); left != nil && roll.Together {
		t.Rolled.Problem = left.Problem
		return nil
	}
	if t.Rolled.Held || t.Decision.There {
		t.noteMade(roll)
		return nil
	}
	if t.Rolled.Problem = cmp.Or(problem, t.Rolled.Problem); t.Rolled.Problem != "" {
		return nil
	}
	return s.fitsAll(ctx, t, roll, image)
}

// others reports whether a change was begun by others: for another source or, since nobody claims a source while copies
// of it are rolled, by another run.
func (s *survey) others(begun ledger.Change, image Image) bool {
	return begun.To.Source != image.Source || s.Copied != nil && begun.To.Run != image.Run
}

// recorded is the target with what the ledger has of it.
func (t *Target) recorded(known ledger.TargetRecord) {
	t.Record, t.failed = known, known.Left != nil && !known.Left.Other
	t.Record.Source, t.Record.ID, t.Record.Title = t.key, t.Rolled.Target, t.Rolled.Name
	t.Record.Through, t.Record.Parameter = t.Rolled.Through, t.Rolled.Parameter
}

// noteMade tells what an earlier try of the run, which made the version, would have told.
func (t *Target) noteMade(roll plan.Roll) {
	if t.Decision.Made && t.template != nil {
		t.note(roll)
	}
}

// fitsAll looks whether the template, or all that take their image from the parameter, would launch the image.
func (s *survey) fitsAll(ctx context.Context, t *Target, roll plan.Roll, image Image) error {
	if t.template != nil {
		problem, err := s.fits(ctx, t.template, image)
		if problem == "" && err == nil {
			problem, err = s.replacedFit(ctx, t.template, image)
		}
		t.template.old, t.Rolled.Problem = s.images[t.template.present()], problem
		if problem == "" {
			t.note(roll)
			t.Rolled.Note = notes(t.Rolled.Note, s.unseen(t.template, image))
		}
		return t.fail(err)
	}
	t.Rolled.Note = notes(t.Rolled.Note, t.unwritten(roll))
	for _, each := range t.through {
		problem, err := s.worse(ctx, each, image)
		if err := t.fail(err); err != nil {
			return err
		}
		if problem != "" {
			t.Rolled.Problem = each.ofFollower(problem)
			return nil
		}
		t.Rolled.Note = notes(t.Rolled.Note, s.unseen(each, image))
	}
	return nil
}

// ofFollower is a problem of a template that takes its image from a parameter.
func (t *template) ofFollower(problem string) string {
	return fmt.Sprintf("launch template %s takes its image from it: %s", cmp.Or(t.name, t.id), problem)
}

// note tells of a template whose default stays, and of who goes on launching what it launches. Groups are
// told of by the step that refreshes them, where the plan has it.
func (t *Target) note(roll plan.Roll) {
	groups := !roll.Refresh.Enabled && !roll.Refresh.Warn
	left := ""
	if names := t.template.left(t.At.Stays, groups); len(names) > 0 {
		left = few(names) + " " + map[bool]string{true: "goes", false: "go"}[len(names) == 1] +
			" on launching what it has now"
	}
	warmed := ""
	if !roll.Refresh.Enabled {
		warmed = t.template.warmed()
	}
	t.Rolled.Note = notes(t.Rolled.Note, t.template.provisions(), t.template.note, t.template.changes, left,
		t.template.lost(), warmed, t.template.follow(t.At.Stays, roll))
	t.Rolled.Stays = t.At.Stays
}

// decide says what becomes of the target, and what a report says of it.
func (t *Target) decide(known ledger.TargetRecord, image Image) {
	now := t.At
	if t.template != nil && t.template.base != 0 {
		now.Base = t.template.image(t.template.base)
	}
	t.Decision = decide(now, known, image)
	v, r := t.Decision, &t.Rolled
	r.From, r.Previous, r.Version = v.From.Image, v.From.Version, t.At.Version
	r.Problem, r.Note, r.Held = v.Problem, v.Note, v.Held
	if last, ok := Latest(known); v.Made && t.At.Image != image.ID && ok {
		r.Version = last.Version
	}
	r.Stays = t.At.Stays
	if t.dataType == TextType && v.Problem == "" && (v.Made || !v.There) {
		r.Note = notes(r.Note, textNote)
	}
}
