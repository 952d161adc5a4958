package rollout

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
)

// version makes a version that differs from what is launched in nothing but the image, and makes it the
// default, if the default moves, unless another one has been made default meanwhile.
func (w Writer) version(ctx context.Context, t *Target, image Image) (problem string, err error) {
	tmpl := t.template
	next, err := w.pending(ctx, t, image)
	if err != nil {
		return "", err
	}
	if next != 0 {
		// It is made the default before another one is made for $Latest: if EC2 is busy still, there is none to cover.
		if problem, err = w.defaulted(ctx, t, next); problem != "" || err != nil {
			return problem, err
		}
		return "", w.topAgain(ctx, t, image)
	}
	if err := w.mayMoveNow(ctx, t); err != nil {
		return "", err
	}
	next = tmpl.base
	if !tmpl.done(next, image) {
		if next, err = w.onTop(ctx, t, image); err != nil {
			return "", err
		}
	}
	t.Rolled.Version = next
	if t.At.Stays {
		return "", nil
	}
	return w.defaulted(ctx, t, next)
}

// defaulted makes a version the default, unless others have made another one default meanwhile.
func (w Writer) defaulted(ctx context.Context, t *Target, next int64) (problem string, err error) {
	t.Rolled.Version = next
	// EC2 changes the default unconditionally, whatever it is by now, so look again.
	again, err := w.read(ctx, aws.String(t.template.id), nil)
	if err != nil {
		return "", err
	}
	if n := again.defaultVersion; n != t.At.Default && n != next {
		return fmt.Sprintf("version %d was made its default while it was rolled; "+
			"the image is in version %d, and the next run rolls from what is launched then", n, next), nil
	}
	return "", w.makeDefault(ctx, t, next)
}

// onTop makes the new version. When others have made another one since the template was read, that is
// what $Latest launched until then: one more is made from it, so that their change is not lost.
func (w Writer) onTop(ctx context.Context, t *Target, image Image) (int64, error) {
	tmpl := t.template
	why := "Goldsmith run " + image.Run
	next, err := w.next(ctx, t, tmpl.base, image, why)
	if err == nil && next < tmpl.latest {
		// EC2 answers a token that it knows with what it made then: an earlier try, which was covered since.
		over := fmt.Sprintf("%s, over version %d", why, tmpl.latest)
		next, err = w.next(ctx, t, tmpl.base, image, over)
	}
	if err != nil {
		return 0, err
	}
	t.made, t.under = next, tmpl.latest
	if t.warning != "" {
		return 0, warned(t, next)
	}
	if next <= tmpl.latest+1 {
		return next, nil
	}
	return w.onTheirs(ctx, t, image, next)
}

// onTheirs makes one more version where the one below the new one is a person's own change.
func (w Writer) onTheirs(ctx context.Context, t *Target, image Image, next int64) (int64, error) {
	tmpl := t.template
	if err := w.readVersion(ctx, tmpl, next-1); err != nil {
		return 0, err
	}
	if _, there := tmpl.versions[next-1]; !there {
		return next, nil
	}
	t.under = next - 1
	if len(differing(tmpl.laid(next-1), tmpl.laid(tmpl.base), func(string, string) bool { return false })) == 0 {
		return next, nil
	}
	last, err := w.next(ctx, t, next-1, image, "Goldsmith run "+image.Run)
	if err != nil {
		return 0, err
	}
	if t.made = last; t.warning != "" {
		return 0, warned(t, last)
	}
	return last, nil
}

// next makes a version with the new image, and with the volumes that the plan says.
func (w Writer) next(ctx context.Context, t *Target, source int64, image Image, why string) (int64, error) {
	identity := []string{why, t.template.id, *number(source), image.ID}
	if !t.template.asSaid(source) { // Under a token that it knows EC2 takes nothing else than before.
		identity = append(identity, text(t.template.laid(source).BlockDeviceMappings))
	}
	return w.make(ctx, t, source, image.ID, t.template.next(source, image), why, identity)
}

// create makes a version that differs from another in the image alone.
func (w Writer) create(ctx context.Context, t *Target, source int64, image string,
	swap func(types.LaunchTemplateBlockDeviceMapping) string, why string) (int64, error) {
	return w.make(ctx, t, source, image, Next(t.template.data(source), image, swap), why,
		[]string{why, t.template.id, *number(source), image})
}

func (w Writer) make(ctx context.Context, t *Target, source int64, image string, data *types.RequestLaunchTemplateData,
	why string, identity []string) (int64, error) {
	made, err := w.Templates.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId:   aws.String(t.template.id),
		SourceVersion:      number(source),
		LaunchTemplateData: data,
		VersionDescription: aws.String(why),
		ClientToken:        aws.String(awsclient.Token(identity...)),
	})
	if isFull(err) {
		return 0, &fault.Failed{
			Err: fmt.Errorf("it has as many versions as EC2 allows (%w)", err),
			Do: "Delete old ones (delete-launch-template-versions takes 200 at a time), or have the quota \"Versions per " +
				"launch template\" raised.",
		}
	}
	if err != nil {
		return 0, fmt.Errorf("making a version with %s: %w", image, err)
	}
	n := aws.ToInt64(made.LaunchTemplateVersion.VersionNumber)
	t.versions, t.warning = append(t.versions, n), warning(made.Warning)
	return n, nil
}

// full are EC2's codes for a template that may have no more versions.
var full = []string{"MaxTemplateVersionLimitExceeded", "VersionLimitExceeded"}

func isFull(err error) bool { return slices.Contains(full, fault.Code(err)) }

// makeDefault sends no client token of ours: EC2 would answer a repeated one
// without doing anything, also when the template was set back in between.
func (w Writer) makeDefault(ctx context.Context, t *Target, n int64) error {
	_, err := w.Templates.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{
		LaunchTemplateId: aws.String(t.template.id), DefaultVersion: number(n),
	})
	if err != nil {
		return fmt.Errorf("making version %d the default: %w", n, err)
	}
	t.Rolled.Version = n
	return nil
}

func number(n int64) *string { return aws.String(strconv.FormatInt(n, 10)) }
