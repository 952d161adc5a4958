package rollout

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/fault"
)

// cover puts what was $Latest before on top of a version that was made for a roll which then failed: what is
// told as not rolled must not be launched.
func (w Writer) cover(ctx context.Context, t *Target) error {
	if err := w.beneath(ctx, t); err != nil || t.under == 0 {
		return err
	}
	again, err := w.read(ctx, aws.String(t.template.id), nil)
	if err != nil || again.latest > t.made {
		return err // A person's own version lies on top: that is what $Latest launches.
	}
	why := fmt.Sprintf("Goldsmith: version %d was not rolled, what was there before", t.made)
	_, err = w.create(ctx, t, t.under, t.template.image(t.under), same, why)
	return err
}

// beneath finds what was $Latest before an earlier try, which did not live to cover its version.
func (w Writer) beneath(ctx context.Context, t *Target) error {
	tmpl := t.template
	if t.under != 0 || tmpl == nil || t.Rolled.To == "" || tmpl.image(tmpl.latest) != t.Rolled.To {
		return nil
	}
	if err := w.readVersion(ctx, tmpl, tmpl.latest-1); err != nil {
		return err
	}
	for _, n := range []int64{tmpl.latest - 1, t.At.Default} {
		if _, there := tmpl.versions[n]; there && tmpl.image(n) != t.Rolled.To {
			t.made, t.under = tmpl.latest, n
			return nil
		}
	}
	return nil
}

// coverFailed covers the version of a roll that failed for good.
func (w Writer) coverFailed(ctx context.Context, t *Target) error {
	err := w.cover(ctx, t)
	if err == nil || fault.IsTransient(err) || fault.IsNotYet(err) {
		return err
	}
	t.Rolled.Problem += "; its latest version has the new image all the same, for " + fault.Brief(err)
	return nil
}

const uncover = "if the run ends so: aws ec2 create-launch-template-version --launch-template-id"

// coverBusy covers the version of a try that AWS was too busy for: it may have been the last one.
func (w Writer) coverBusy(ctx context.Context, t *Target, busy error) error {
	err := w.cover(ctx, t)
	if err == nil {
		return cmp.Or(w.remember(ctx, t), busy)
	}
	if t.under == 0 {
		return fmt.Errorf("%w; the latest version of launch template %s may have the new image: %s",
			busy, t.Rolled.Target, fault.Brief(err))
	}
	return fmt.Errorf("%w; version %d of launch template %s has the new image and is its $Latest (%s); "+
		"%s %s --source-version %d %s", busy, t.made, t.Rolled.Target, fault.Brief(err), uncover, t.Rolled.Target, t.under,
		"--launch-template-data '{}'")
}
