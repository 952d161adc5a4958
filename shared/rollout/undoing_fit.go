package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// made makes a version from another, with the image of an earlier one. One whose mappings cannot be told from its
// image's gives way to a version that had the image before.
func (u *undoing) made(ctx context.Context, source int64, want ledger.Version, why string) (int64, error) {
	if want.Image == "" {
		return u.formerly(ctx, want, why, errors.New("the version without an image that it had is gone"))
	}
	if err := u.fit(ctx, source, want.Image); err != nil {
		return u.asItWas(ctx, source, want, why, err)
	}
	data := u.t.template.data(source)
	if !slices.ContainsFunc(data.BlockDeviceMappings, hasSnapshot) {
		return u.create(ctx, u.t, source, want.Image, same, why)
	}
	old, err := u.machine(ctx, u.t.template.image(source))
	if err != nil {
		return 0, err
	}
	image, err := u.machine(ctx, want.Image)
	if err != nil {
		return 0, err
	}
	if old != nil && image != nil {
		return u.create(ctx, u.t, source, want.Image, swap(old, *image), why)
	}
	return u.formerly(ctx, want, why, &fault.Failed{
		Err: errors.New("its block device mappings name snapshots, and whether they are its image's cannot be told: " +
			"the image is gone"),
		Do: fmt.Sprintf("Make a version with %s yourself.", want.Image),
	})
}

// asItWas gives a version back that had the image, where the image does not go with the volumes of the one that a roll
// has made since, and nothing else differs: the plan has said those.
func (u *undoing) asItWas(
	ctx context.Context, source int64, want ledger.Version, why string, unfit error,
) (int64, error) {
	if passing(unfit) != nil || !u.rolled(source) {
		return 0, unfit
	}
	n, err := u.known(ctx, want, func(n int64) bool { return u.volumesDiffer(n, source) })
	if err != nil || n == 0 {
		return 0, cmp.Or(err, unfit)
	}
	u.t.Rolled.Note = notes(u.t.Rolled.Note, fmt.Sprintf("its volumes are those of version %d again, which had %s", n,
		want.Image))
	return u.create(ctx, u.t, n, want.Image, same, why)
}

// volumesDiffer reports whether versions differ in the image and in their volumes alone.
func (u *undoing) volumesDiffer(a, b int64) bool {
	return slices.Equal(u.differ(a, b), []string{volumesField})
}

// fit holds that what a person has edited since can be launched with an earlier image. Launchers that cannot be read
// keep nothing from being undone.
func (u *undoing) fit(ctx context.Context, source int64, id string) error {
	problem, err := u.worse(ctx, source, id)
	if err != nil || problem == "" {
		return err
	}
	return unlaunchable(id, problem)
}

// note tells of what by now launches from the template and would not launch a version as it was before. That is given
// back all the same.
func (u *undoing) note(ctx context.Context, source int64, id string) error {
	problem, err := u.worse(ctx, source, id)
	switch {
	case err != nil && passing(err) == nil:
		u.t.Rolled.Note = notes(u.t.Rolled.Note, fmt.Sprintf("whether all that launches from it can launch %s was not "+
			"found out: %s", id, fault.Brief(err)))
		return nil
	case problem != "":
		u.t.Rolled.Note = notes(u.t.Rolled.Note, fmt.Sprintf("it would not launch %s: %s", id, problem))
	}
	return err
}

// worse says why a version would not launch an earlier image; empty where what is launched now is refused as well: an
// undo takes nothing away then.
func (u *undoing) worse(ctx context.Context, source int64, id string) (problem string, err error) {
	image, err := u.machine(ctx, id)
	if err != nil || image == nil {
		return "", err
	}
	tmpl := *u.t.template
	tmpl.base, tmpl.against = source, tmpl.image(u.now())
	if u.survey.Groups != nil {
		if u.launching, err = u.readOnce(ctx); err == nil {
			err = u.launch(ctx, &tmpl)
		}
		if err = passing(err); err != nil {
			return "", err
		}
	}
	problem, err = u.launches(ctx, &tmpl, Image{ID: id, Machine: *image})
	if err != nil || problem == "" {
		return "", err
	}
	refused, err := u.refused(ctx, &tmpl)
	if err != nil || refused {
		return "", err
	}
	return problem, nil
}

// refused reports whether what is launched now is refused as well: an undo takes nothing away then.
func (u *undoing) refused(ctx context.Context, t *template) (bool, error) {
	now := *t
	now.base, now.against = u.now(), ""
	image, err := u.machine(ctx, now.present())
	if err != nil || image == nil {
		return image == nil, err
	}
	problem, err := u.launches(ctx, &now, Image{ID: now.present(), Machine: *image})
	return problem != "", err
}

// now is the version that is launched and left behind.
func (u *undoing) now() int64 {
	if t := u.t.template; !u.t.At.Stays && u.leaves(t.defaultVersion) {
		return t.defaultVersion
	}
	return u.t.template.latest
}

// unlaunchable is why nothing is led back to an image.
func unlaunchable(image, problem string) error {
	return &fault.Failed{
		Err: fmt.Errorf("it would not launch %s: %s", image, problem),
		Do:  "Change what keeps it from launching, or name another image, and ask again.",
	}
}

// passing is an error that passes; what lasts keeps nothing from being undone.
func passing(err error) error {
	if fault.IsTransient(err) || fault.IsNotYet(err) {
		return err
	}
	return nil
}

// followersFit holds that what takes its image from a parameter can launch an earlier one, unless it does not launch
// the present one either. What cannot be read keeps nothing from being undone.
func (w Writer) followersFit(ctx context.Context, t *Target, id string) error {
	s := w.survey()
	image, err := s.machine(ctx, id)
	if err != nil || image == nil || s.Groups == nil {
		return passing(err)
	}
	a := aliasing{survey: s, through: map[string][]*template{}}
	at := &Target{At: t.At, Rolled: job.Rolled{Target: t.Rolled.Target}}
	if err := a.followers(ctx, t.Rolled.Target, at); err != nil {
		return err
	}
	for _, each := range a.through[t.Rolled.Target] {
		each.holds = t.At.Image
		problem, err := s.worse(ctx, each, Image{ID: id, Machine: *image})
		if err = passing(err); err != nil {
			return err
		}
		if problem != "" {
			return unlaunchable(id, each.ofFollower(problem))
		}
	}
	return nil
}

// formerly makes a version from one on record that had the image; without one it fails.
func (u *undoing) formerly(ctx context.Context, want ledger.Version, why string, without error) (int64, error) {
	n, err := u.known(ctx, want, func(int64) bool { return true })
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, without
	}
	return u.create(ctx, u.t, n, want.Image, same, why)
}

// earlier is a version that the default may be set back to: it had the image, and equals the default in all else, or in
// all but the volumes where a roll has made the default of it; 0 when there is none.
func (u *undoing) earlier(ctx context.Context) (int64, error) {
	want, _ := versions(u.to)
	now := u.t.template.defaultVersion
	n, err := u.known(ctx, want, func(n int64) bool {
		return len(u.differ(n, now)) == 0 || n == want.Number && u.rolled(now) && u.volumesDiffer(n, now)
	})
	if err != nil || n == 0 {
		return 0, err
	}
	return n, u.note(ctx, n, want.Image)
}

// known is a version on record that has the image; 0 when there is none.
func (u *undoing) known(ctx context.Context, want ledger.Version, fits func(int64) bool) (int64, error) {
	all := []ledger.Version{want}
	for _, p := range u.t.Record.Points {
		all = append(all, ledger.Version{Number: p.Version, Image: p.Image})
	}
	for _, v := range all {
		if v.Image != want.Image {
			continue
		}
		if there, err := u.has(ctx, v); err != nil || there && fits(v.Number) {
			return v.Number, err
		}
	}
	return 0, nil
}
