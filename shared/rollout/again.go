package rollout

import (
	"context"
)

// remember writes down the version that a busy try has made: the next one makes that the default.
func (w Writer) remember(ctx context.Context, t *Target) error {
	if t.made == 0 || t.Record.Begun == nil || t.Record.Begun.To.Version != 0 {
		return nil
	}
	begun := *t.Record.Begun
	begun.To.Version = t.made
	return w.put(ctx, t, changing(t.Record, begun))
}

// pending is the version that an earlier try of this roll has made, and that was covered since; 0 when there is none.
func (w Writer) pending(ctx context.Context, t *Target, image Image) (int64, error) {
	n := t.Record.Begun.To.Version
	if n == 0 || t.At.Stays {
		return 0, nil
	}
	tmpl := t.template
	err := w.readVersion(ctx, tmpl, n)
	_, there := tmpl.versions[n]
	if err != nil || !there || tmpl.image(n) != image.ID {
		return 0, err
	}
	owns := func(of, snapshot string) bool {
		return of == image.ID && image.owns(snapshot) || tmpl.old != nil && tmpl.old.owns(snapshot)
	}
	if len(differing(tmpl.laid(n), tmpl.laid(tmpl.base), owns)) > 0 {
		return 0, nil // Somebody has changed what is launched since.
	}
	return n, nil
}

// topAgain makes $Latest launch the image where an earlier try has covered its version.
func (w Writer) topAgain(ctx context.Context, t *Target, image Image) error {
	begun := t.Record.Begun
	if t.template == nil || begun == nil || begun.To.Version == 0 || t.template.image(t.template.latest) == image.ID {
		return nil
	}
	n := t.Rolled.Version
	_, err := w.onTop(ctx, t, image)
	t.Rolled.Version = n
	return err
}
