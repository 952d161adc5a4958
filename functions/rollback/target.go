package rollback

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/asg"
	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/rollout"
)

// target is one of them on its way.
type target struct {
	Result
	known *rollout.Target
	back  rollout.Decision
	// seen are the groups that were looked at, undone the images that are, left the sentences about what does not go back.
	seen, undone, left []string
	// tried is whether it was led back, or that was tried, since from when on it launches nothing that is undone.
	tried bool
	since time.Time
	// at writes what becomes of it in another Region; nil at home.
	at *rollout.Writer
}

// known are the targets that the ledger knows by the source's name.
func (s Step) known(ctx context.Context, asked event.Rollback) (known []*rollout.Target, err error) {
	if asked.Follow {
		known, err = s.writer().Held(ctx, asked.Name)
	} else {
		known, err = s.writer().Known(ctx, asked.Name)
	}
	if err != nil {
		return nil, err
	}
	if len(known) == 0 {
		return nil, fault.Failure("Nothing was changed. Name the source as its tag goldsmith:name, else Name, does.",
			"name: nothing was ever rolled for %q", asked.Name)
	}
	return known, nil
}

// targets are those that an earlier call has not done, and where each goes back to.
func (s Step) targets(ctx context.Context, asked event.Rollback, known []*rollout.Target) ([]*target, error) {
	image, err := named(asked.To, known)
	if err != nil {
		return nil, err
	}
	known = slices.DeleteFunc(slices.Clone(known), func(k *rollout.Target) bool { return k.Record.ID <= asked.After })
	if err := s.writer().LookAll(ctx, known); err != nil {
		return nil, err
	}
	targets := make([]*target, len(known))
	for i, k := range known {
		targets[i] = &target{Result: Result{Rolled: k.Rolled}, known: k}
		if !asked.Follow {
			targets[i].decide(image)
		}
	}
	return targets, nil
}

// decide says where the target goes back to; image is the one asked for, "" for the one before.
func (t *target) decide(image string) {
	if t.Problem != "" {
		return
	}
	t.back = t.known.Back(image)
	t.To, t.There, t.Problem, t.Note = t.back.To.Image, t.back.There, t.back.Problem, t.back.Note
}

// one points one target back and holds it there.
func (s Step) one(ctx context.Context, w rollout.Writer, t *target, asked event.Rollback) error {
	if t.Problem != "" {
		t.tried = t.stays()
		return nil
	}
	if s.checked(t) {
		t.Version, t.tried, t.since = t.known.Record.Back.Version, true, t.known.Record.Back.At
		return nil
	}
	to := t.back.To
	to.Run, to.Source, to.Stays = "", "", t.known.At.Stays
	if to.At.IsZero() {
		to.By, to.At = asked.By, s.Now().UTC()
	}
	if !t.There {
		err := w.Return(ctx, t.known, to)
		t.Problem, t.Version = t.known.Rolled.Problem, t.known.Rolled.Version
		t.tried = err == nil
		if err != nil || t.Problem != "" {
			return err
		}
		to.Version = t.Version
	}
	if !t.There || t.known.Record.Begun != nil {
		to.At = s.Now().UTC() // What a refresh launches from here on is what it has gone back to.
	}
	t.tried, t.since = true, to.At
	return w.Hold(ctx, t.known, to, t.There)
}

// stays reports whether a target that is left where it is was rolled: what launches the image is named, also where a
// person has put another in its place.
func (t *target) stays() bool {
	last, rolled := rollout.Latest(t.known.Record)
	return rolled && last.Run != "" && last.Image != ""
}

// instances looks at groups once all targets are back: one may launch from several of them, and has one refresh.
func (s Step) instances(ctx context.Context, round *Round, targets []*target, asked event.Rollback) {
	for _, t := range targets {
		if t.tried {
			round.undos = append(round.undos, t.undo(asked))
		}
	}
	for _, t := range targets {
		if t.tried {
			s.launchers(ctx, round, t, asked)
		}
	}
}

func (t *target) undo(asked event.Rollback) Undo {
	return Undo{
		Target: t.Target, Title: t.Name, Parameter: !t.known.Template(), Name: asked.Name,
		Image: t.To, Version: t.Version, Was: t.back.To.Was, Images: rollout.Undone(t.known, t.back),
		Refresh: asked.Refresh, Failed: t.Problem != "", Since: t.since, Record: t.known.Record,
	}
}

// launchers puts groups back, or names those that still launch or run what is undone. That
// the template is back is the greater good, so one that cannot be is only told. It is
// looked for again when a person asks again: this may be the second try of one that was cut off.
func (s Step) launchers(ctx context.Context, round *Round, t *target, asked event.Rollback) {
	done, err := round.RollBack(ctx, t.undo(asked))
	if t.seen = done.Seen; err == nil {
		t.undone = rollout.Undone(t.known, t.back)
	}
	if err != nil {
		done.Left = append(done.Left, "which groups still launch it was not found out; "+again(err))
	}
	t.Groups, t.Refreshed = done.Groups, done.Refreshed
	t.leave(done.Left)
	if len(done.Left) > 0 {
		handler.Log(ctx).WarnContext(ctx, "groups not put back", "target", t.Target, "note", t.Note)
	}
}

// notes are what is known of the target beside its groups.
func (t *target) notes() []string {
	if t.Problem != "" {
		return nil
	}
	return slices.DeleteFunc([]string{t.back.Note, t.known.Rolled.Note}, func(said string) bool { return said == "" })
}

// others names who launches or runs what is undone beside what launches from the targets, once for all of them: known
// are those of this call and of earlier ones.
func (s Step) others(ctx context.Context, round *Round, targets []*target, known []*rollout.Target) {
	var last *target
	var images, seen []string
	for _, t := range targets {
		if len(t.undone) > 0 {
			last, images, seen = t, append(images, t.undone...), append(seen, t.seen...)
		}
	}
	if last == nil {
		return
	}
	slices.Sort(images)
	images = slices.Compact(images) // Many targets have one image.
	earlier := slices.DeleteFunc(slices.Clone(known), func(k *rollout.Target) bool {
		return slices.ContainsFunc(targets, func(t *target) bool { return t.known == k })
	})
	led := func(template string) bool {
		return slices.ContainsFunc(targets, func(t *target) bool { return t.tried && t.Target == template }) ||
			slices.ContainsFunc(earlier, func(k *rollout.Target) bool { return k.Record.ID == template })
	}
	from, unread, err := s.writer().Still(ctx, *round.launch, images, holds(targets), led)
	last.leave(unread)
	if err != nil {
		last.leave([]string{"what else launches it was not found out; " + again(err)})
	}
	left, err := round.Others(ctx, images, append(seen, round.using(earlier)...), from)
	if err != nil {
		left = append(left, "which groups run it and launch from elsewhere was not found out; "+again(err))
	}
	last.leave(left)
}

// holds are what parameters have once they are led back.
func holds(targets []*target) map[string]string {
	all := map[string]string{}
	for _, t := range targets {
		if t.known.Template() {
			continue
		}
		if all[t.Target] = t.To; t.Problem != "" {
			all[t.Target] = t.known.At.Image
		}
	}
	return all
}

// using are the groups that launch from one of some targets.
func (f *Round) using(known []*rollout.Target) (names []string) {
	templates := asg.Rolled{}
	for _, k := range known {
		templates[k.Record.ID] = asg.Launched{}
	}
	for _, g := range asg.Using(f.groups, templates) {
		names = append(names, aws.ToString(g.AutoScalingGroupName))
	}
	return names
}

// leave notes what does not go back with the target.
func (t *target) leave(left []string) {
	t.left = append(t.left, left...)
	t.Note = strings.Join(slices.Concat(t.notes(), t.left), "; ")
}
