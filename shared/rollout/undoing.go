package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// undoing leads a template's $Default and $Latest back to an image: by a version on top that is
// equal to what is there in all but the image, so that what somebody has edited since stays.
type undoing struct {
	Writer
	*survey
	t  *Target
	to ledger.Point
}

func (u undoing) back(ctx context.Context) error {
	tmpl := u.t.template
	differ, err := u.differ(ctx, tmpl)
	if err != nil {
		return err
	}
	if len(differ(tmpl.standard, tmpl.latest)) == 0 {
		n, err := u.good(ctx, tmpl.latest)
		if err != nil {
			return err
		}
		return u.makeDefault(ctx, u.t, n)
	}
	return u.apart(ctx, differ)
}

// apart: default and latest differ in more than the image, and each is led back by itself. A default
// that did not launch the image stays.
func (u undoing) apart(ctx context.Context, differ func(a, b int64) []string) error {
	tmpl, standard := u.t.template, u.t.template.standard
	if slices.Contains(Undone(u.t, u.to.Image), tmpl.image(standard)) {
		n, err := u.defaultBack(ctx, differ)
		if err != nil || n > tmpl.latest {
			return err
		}
		standard = n
	}
	n, err := u.good(ctx, tmpl.latest)
	if err != nil {
		return err
	}
	u.t.Rolled.Version = standard
	if u.t.At.Stays {
		u.t.Rolled.Version = n
	}
	return nil
}

// defaultBack makes a version the default that launches the good image. When that is a new one, which is $Latest then,
// what was there comes on top again.
func (u undoing) defaultBack(ctx context.Context, differ func(a, b int64) []string) (int64, error) {
	n, err := u.earlier(ctx, differ)
	if err == nil && n == 0 {
		n, err = u.made(ctx, u.t.template.standard)
	}
	if err == nil && n > u.t.template.latest {
		_, err = u.made(ctx, u.t.template.latest)
	}
	if err != nil {
		return 0, err
	}
	return n, u.makeDefault(ctx, u.t, n)
}

// good is a version that is equal to another in all but the image: itself, where it has the image.
func (u undoing) good(ctx context.Context, source int64) (int64, error) {
	if u.t.template.image(source) == u.to.Image {
		return source, nil
	}
	return u.made(ctx, source)
}

const rollbackText = "Goldsmith rollback"

// made makes a version from another. One whose mappings cannot be told from its image's gives way to the
// version that had the image before.
func (u undoing) made(ctx context.Context, source int64) (int64, error) {
	tmpl := u.t.template
	if u.to.Image == "" {
		return u.create(ctx, u.t, u.to.Version, "", same, rollbackText)
	}
	data := tmpl.data(source)
	if !slices.ContainsFunc(data.BlockDeviceMappings, hasSnapshot) {
		return u.create(ctx, u.t, source, u.to.Image, same, rollbackText)
	}
	old, err := u.machine(ctx, tmpl.image(source))
	if err != nil {
		return 0, err
	}
	image, err := u.machine(ctx, u.to.Image)
	switch {
	case err != nil:
		return 0, err
	case old != nil && image != nil:
		return u.create(ctx, u.t, source, u.to.Image, swap(old, *image), rollbackText)
	}
	n, err := u.known(ctx, func(int64) bool { return true })
	if err == nil && n == 0 {
		err = &fault.Failed{
			Err: errors.New("its block device mappings name snapshots, and whether they are its image's cannot be told: the image is gone"),
			Do:  fmt.Sprintf("Make a version with %s yourself.", u.to.Image),
		}
	}
	if err != nil {
		return 0, err
	}
	return u.create(ctx, u.t, n, u.to.Image, same, rollbackText)
}

// earlier is a version that had the image and equals the default in all else; 0 when there is none.
func (u undoing) earlier(ctx context.Context, differ func(a, b int64) []string) (int64, error) {
	return u.known(ctx, func(n int64) bool { return len(differ(n, u.t.template.standard)) == 0 })
}

// known is a version on record that has the image; 0 when there is none.
func (u undoing) known(ctx context.Context, fits func(int64) bool) (int64, error) {
	tmpl := u.t.template
	for _, p := range u.t.Record.Points {
		if p.Image != u.to.Image || p.Version == 0 {
			continue
		}
		if err := u.survey.readVersion(ctx, tmpl, p.Version); err != nil {
			return 0, err
		}
		if _, there := tmpl.versions[p.Version]; there && tmpl.image(p.Version) == u.to.Image && fits(p.Version) {
			return p.Version, nil
		}
	}
	return 0, nil
}

// Undone are the images that a target leaves behind when it goes back to one: what it has now, and
// what was rolled after that one.
func Undone(t *Target, image string) []string {
	var undone []string
	add := func(id string) {
		if id != "" && id != image && !slices.Contains(undone, id) {
			undone = append(undone, id)
		}
	}
	for _, p := range withBegun(t.At, t.Record) {
		if p.Image == image {
			break
		}
		if p.Run != "" || len(undone) == 0 {
			add(p.Image)
		}
	}
	add(t.At.Image)
	return undone
}
