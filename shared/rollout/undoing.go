package rollout

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/ledger"
)

// undoing leads a template's $Default and $Latest back to the images that they had: by versions that are
// equal to what is there in all but the image, so that what a person has edited since stays.
type undoing struct {
	Writer
	*survey
	t  *Target
	to ledger.Point
	// left are the images that are left behind.
	left   []string
	differ func(a, b int64) []string
}

func (w Writer) undoing(t *Target, to ledger.Point) *undoing {
	return &undoing{Writer: w, survey: w.survey(), t: t, to: to, left: undone(t.At, t.Record, to)}
}

func (u *undoing) back(ctx context.Context) error {
	before := len(u.t.versions)
	if err := u.lead(ctx); err != nil {
		return err
	}
	return u.overTheirs(ctx, u.t.versions[before:])
}

// overTheirs puts a version on top that a person has made in the same moment, beneath one that this undo made: their
// change is not lost.
func (u *undoing) overTheirs(ctx context.Context, made []int64) error {
	if len(made) == 0 {
		return nil
	}
	tmpl, last := u.t.template, slices.Max(made)
	for n := last - 1; n > tmpl.latest; n-- {
		if slices.Contains(made, n) {
			continue
		}
		if err := u.survey.readVersion(ctx, tmpl, n); err != nil {
			return err
		}
		if _, there := tmpl.versions[n]; !there {
			continue
		}
		standard, is := u.t.Rolled.Version, tmpl.image(n)
		var err error
		if u.leaves(n) {
			_, want := versions(u.to)
			_, err = u.made(ctx, n, want, rollbackText)
		} else {
			_, err = u.create(ctx, u.t, n, is, same, overText(last, n))
		}
		u.t.Rolled.Version = standard
		return err
	}
	return nil
}

// lead leads default and latest back.
func (u *undoing) lead(ctx context.Context) (err error) {
	tmpl := u.t.template
	if u.differ, err = u.survey.differ(ctx, tmpl); err != nil {
		return err
	}
	if !u.leaves(tmpl.defaultVersion) {
		u.t.Rolled.Version = tmpl.defaultVersion
		return u.topped(ctx)
	}
	one, err := u.one(ctx)
	if err != nil {
		return err
	}
	if !one {
		return u.apart(ctx)
	}
	n, err := u.top(ctx, 0)
	if err != nil {
		return u.full(ctx, err)
	}
	return u.makeDefault(ctx, u.t, n)
}

// one reports whether one version does for default and latest: they launch the same, and did so before.
func (u *undoing) one(ctx context.Context) (bool, error) {
	tmpl, was := u.t.template, u.to.Was
	if !u.leaves(tmpl.latest) || len(u.differ(tmpl.defaultVersion, tmpl.latest)) > 0 {
		return false, nil
	}
	if was == nil || was.Default == was.Latest {
		return true, nil
	}
	standard, err := u.has(ctx, was.Default)
	if err != nil || !standard || was.Default.Image != was.Latest.Image {
		return false, err
	}
	latest, err := u.has(ctx, was.Latest)
	return latest && len(u.differ(was.Default.Number, was.Latest.Number)) == 0, err
}

// leaves reports whether a version launches what is left behind, or, where a person has named the image to go
// back to, any other.
func (u *undoing) leaves(n int64) bool {
	image := u.t.template.image(n)
	return slices.Contains(u.left, image) || u.to.Was == nil && !u.t.At.Stays && image != u.to.Image
}

// apart leads default and latest back by versions of their own. When the default's is a new one, which is $Latest
// then, what is to be launched by $Latest comes on top. The default is led back last: until then another try begins
// where this one began.
func (u *undoing) apart(ctx context.Context) error {
	n, err := u.earlier(ctx)
	if err != nil {
		return err
	}
	over := int64(0)
	if n == 0 {
		want, _ := versions(u.to)
		if n, err = u.made(ctx, u.t.template.defaultVersion, want, defaultText); err != nil {
			return err
		}
		over = n
	}
	top, err := u.top(ctx, over)
	if err != nil && over != 0 {
		return u.uncovered(ctx, n, err)
	}
	if err != nil {
		return u.full(ctx, err)
	}
	err = u.makeDefault(ctx, u.t, n)
	if u.t.At.Stays {
		u.t.Rolled.Version = top
	}
	return err
}

// topped leads $Latest back by itself.
func (u *undoing) topped(ctx context.Context) error {
	top, err := u.top(ctx, 0)
	if u.t.At.Stays && err == nil {
		u.t.Rolled.Version = top
	}
	return err
}

// full makes an earlier version the default where EC2 lets the template have no more versions: better than none.
func (u *undoing) full(ctx context.Context, err error) error {
	n, failed := u.earlier(ctx)
	if !isFull(err) || failed != nil || n == 0 {
		return err
	}
	if failed := u.makeDefault(ctx, u.t, n); failed != nil {
		return failed
	}
	return fmt.Errorf("its default version is %d, which has %s; its latest version %d has %s still: %w", n, u.to.Image,
		u.t.template.latest, u.t.template.image(u.t.template.latest), err)
}

// uncovered makes the version the default that was made for it where EC2 then lets the template have no more: it is the
// latest as well, and what $Latest launched is told.
func (u *undoing) uncovered(ctx context.Context, n int64, err error) error {
	if !isFull(err) {
		return err
	}
	if failed := u.makeDefault(ctx, u.t, n); failed != nil {
		return failed
	}
	tmpl := u.t.template
	differs := ""
	if fields := u.differ(tmpl.defaultVersion, tmpl.latest); len(fields) > 0 {
		differs = fmt.Sprintf(", and differs in %s from version %d, which $Latest launched before", listed(fields),
			tmpl.latest)
	}
	return fmt.Errorf("its default and latest version is %d, which has %s%s: %w", n, u.to.Image, differs, err)
}

// top is the version that $Latest leads to: the latest itself, where that launches nothing that is left behind, else a
// new one. over is a version that was made for the default and is to have it on top.
func (u *undoing) top(ctx context.Context, over int64) (int64, error) {
	tmpl := u.t.template
	n, err := u.beneath(ctx)
	switch {
	case err != nil:
		return 0, err
	case !u.leaves(n) && n == tmpl.latest && over < n:
		return n, nil
	case !u.leaves(n):
		return u.create(ctx, u.t, n, tmpl.image(n), same, overText(over, n))
	}
	_, want := versions(u.to)
	there, err := u.has(ctx, want)
	if err != nil {
		return 0, err
	}
	if there && u.rolled(n) { // What was not edited since is given back as it was.
		if err := u.note(ctx, want.Number, want.Image); err != nil {
			return 0, err
		}
		return u.create(ctx, u.t, want.Number, want.Image, same, rollbackText)
	}
	return u.made(ctx, n, want, rollbackText)
}

// rolled reports whether a roll made a version.
func (u *undoing) rolled(n int64) bool {
	return slices.Contains(u.t.Record.Made, n) ||
		slices.ContainsFunc(u.t.Record.Points, func(p ledger.Point) bool { return p.Run != "" && p.Version == n })
}

// beneath is the latest version but for those that an undo has made for the default and did not live to cover.
func (u *undoing) beneath(ctx context.Context) (int64, error) {
	tmpl := u.t.template
	n := tmpl.latest
	for n > 1 && aws.ToString(tmpl.versions[n].VersionDescription) == defaultText {
		if err := u.survey.readVersion(ctx, tmpl, n-1); err != nil {
			return 0, err
		}
		if _, there := tmpl.versions[n-1]; !there {
			break
		}
		n--
	}
	return n, nil
}

// has reports whether a version is there still, with its image.
func (u *undoing) has(ctx context.Context, v ledger.Version) (bool, error) {
	if v.Number == 0 {
		return false, nil
	}
	err := u.survey.readVersion(ctx, u.t.template, v.Number)
	_, there := u.t.template.versions[v.Number]
	return there && u.t.template.image(v.Number) == v.Image, err
}

// What the versions of an undo say of themselves.
const (
	rollbackText = "Goldsmith rollback"
	defaultText  = "Goldsmith rollback of the default version"
)

// overText is what a version says that is made again from another.
func overText(over, n int64) string {
	return fmt.Sprintf("%s: version %d over version %d", rollbackText, n, over)
}

// Undone are the images that a target leaves behind: what it has now, and what was rolled after the point that it goes
// back to. Of one that is left where it is, it is what was rolled last: that is what a person wants undone.
func Undone(t *Target, back Decision) []string {
	if last := rolledLast(t.Record); back.Problem != "" {
		return slices.DeleteFunc([]string{last.Image}, func(image string) bool { return image == "" })
	}
	return undone(t.At, t.Record, back.To)
}
