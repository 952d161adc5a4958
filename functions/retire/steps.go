package retire

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/retention"
)

// deprecationAPI is advice to who lists images: launching goes on.
type deprecationAPI interface {
	EnableImageDeprecation(context.Context, *ec2.EnableImageDeprecationInput,
		...func(*ec2.Options)) (*ec2.EnableImageDeprecationOutput, error)
	DisableImageDeprecation(context.Context, *ec2.DisableImageDeprecationInput,
		...func(*ec2.Options)) (*ec2.DisableImageDeprecationOutput, error)
}

// do takes the next step of one image.
func (r *round) do(ctx context.Context, d retention.Decision) error {
	what := retirement{Subject: d.ID, Name: d.Name, Since: d.Since, Due: d.Due.UTC(), Why: d.Why}
	handler.Log(ctx).InfoContext(ctx, "old image", "image", d.ID, "source", d.Name, "decision", d.String())
	again, err := r.shareAgain(ctx, d)
	switch {
	case err != nil:
		return r.failed(ctx, what, err, "sharing again")
	case again != "" && (d.Going() || d.Step == retention.Keep):
		what.Status, what.Since, what.Due, what.Why = job.Restored, time.Time{}, time.Time{}, []string{again}
		return r.put(ctx, what)
	case again != "":
		what.Why = append(slices.Clone(what.Why), again)
	}
	return r.step(ctx, d, what)
}

func (r *round) step(ctx context.Context, d retention.Decision, what retirement) error {
	switch d.Step {
	case retention.Keep:
		return r.suspended(ctx, d)
	case retention.Restore:
		return r.restore(ctx, what, job.Restored)
	case retention.InUse:
		return r.inUse(ctx, d, what)
	case retention.Deprecate:
		return r.deprecate(ctx, what)
	case retention.Unshare:
		return r.unshare(ctx, what)
	case retention.Disable:
		return r.disable(ctx, what)
	case retention.Retire:
		return r.remove(ctx, what)
	case retention.Wait:
		return nil
	default:
		return nil
	}
}

// suspended writes down, once for each source, why nothing of it is retired.
func (r *round) suspended(ctx context.Context, d retention.Decision) error {
	if d.Problem == "" || r.told[d.Name] {
		return nil
	}
	if r.told == nil {
		r.told = map[string]bool{}
	}
	r.told[d.Name] = true
	return r.put(ctx, retirement{Subject: d.Name, Name: d.Name, Status: job.Suspended, Why: []string{d.Problem}})
}

// restore takes the deprecation back. Once it is taken back the grace period begins anew.
func (r *round) restore(ctx context.Context, what retirement, status job.Status) error {
	_, err := r.EC2.DisableImageDeprecation(ctx, &ec2.DisableImageDeprecationInput{ImageId: aws.String(what.Subject)})
	if err != nil && !fault.IsNoImage(err) {
		return r.failed(ctx, what, err, "taking back the deprecation of")
	}
	what.Status, what.Since = status, time.Time{}
	return r.put(ctx, what)
}

// inUse keeps the image. One that is disabled already cannot be launched by what uses it, and only a
// person may decide that it is wanted after all.
func (r *round) inUse(ctx context.Context, d retention.Decision, what retirement) error {
	switch {
	case d.Disabled:
		return r.stuck(ctx, what,
			"it is disabled, so nothing can launch it: aws ec2 enable-image --image-id "+d.ID+" has it back")
	case !d.Since.IsZero():
		return r.restore(ctx, what, job.InUse)
	}
	what.Status = job.InUse
	return r.put(ctx, what)
}

// soon is when a deprecation takes effect: EC2 takes no time in the past, and rounds to the minute
// (API reference, EnableImageDeprecation), which may be down.
const soon = 2 * time.Minute

// deprecate writes down when the grace period began before it sends anything: until EC2 shows the
// deprecation as well, the image counts as untouched.
func (r *round) deprecate(ctx context.Context, what retirement) error {
	before := what
	what.Status, what.Since = job.Deprecated, r.now
	if err := r.put(ctx, what); err != nil {
		return err
	}
	_, err := r.EC2.EnableImageDeprecation(ctx, &ec2.EnableImageDeprecationInput{
		ImageId: aws.String(what.Subject), DeprecateAt: aws.Time(r.now.Add(soon).Truncate(time.Minute)),
	})
	if err != nil {
		return r.failed(ctx, before, err, "deprecating")
	}
	return nil
}

// disable begins the second grace period, which counts from here.
func (r *round) disable(ctx context.Context, what retirement) error {
	before := what
	what.Status, what.Since = job.Disabled, r.now
	what.Due = r.now.Add(time.Duration(r.page.Plan.Keep.Grace))
	if err := r.put(ctx, what); err != nil {
		return err
	}
	if _, err := r.EC2.DisableImage(ctx, &ec2.DisableImageInput{ImageId: aws.String(what.Subject)}); err != nil {
		return r.failed(ctx, before, err, "disabling")
	}
	return nil
}

// remove writes down what it is about to do and which templates are to be pruned: a repeated round
// finds the image gone, and ends what was begun.
func (r *round) remove(ctx context.Context, what retirement) error {
	what.Status, what.Templates = job.Retiring, r.Old[what.Subject]
	if err := r.put(ctx, what); err != nil {
		return err
	}
	whole, err := r.keepSnapshots(ctx, &what)
	if err != nil {
		return err
	}
	out, err := r.EC2.DeregisterImage(ctx, &ec2.DeregisterImageInput{
		ImageId: aws.String(what.Subject), DeleteAssociatedSnapshots: aws.Bool(whole),
	})
	switch {
	case fault.IsNoImage(err):
	case err != nil:
		if err := r.begunInVain(ctx, what, err); err != nil {
			return err
		}
		return r.failed(ctx, what, err, "deregistering")
	default:
		if err := r.snapshots(ctx, &what, out.DeleteSnapshotResults); err != nil {
			return err
		}
	}
	what.Due = time.Time{}
	r.gone = append(r.gone, what)
	return nil
}

// begunInVain takes back that a removal was begun which EC2, being busy, has refused and which is tried again: an image
// that is there after its removal was begun may have been restored.
func (r *round) begunInVain(ctx context.Context, what retirement, refused error) error {
	if !fault.IsTransient(refused) || !fault.DidNothing(refused) {
		return nil
	}
	return r.put(ctx, r.Known[what.Subject])
}

// resume ends what an earlier round was cut off from: images it had removed and not yet written down.
// Whether snapshots of theirs are left is not known.
func (r *round) resume(ctx context.Context) error {
	for _, known := range r.Known {
		if r.Shown[known.Subject] || known.Status != job.Retiring || r.page.Retire.Cursor != "" {
			continue
		}
		gone, err := r.says(ctx, known.Subject)
		if err != nil {
			if err := r.failed(ctx, known, err, "asking EC2 for"); err != nil {
				return err
			}
		}
		if gone {
			handler.Log(ctx).InfoContext(ctx, "ends what was begun", "image", known.Subject, "run", known.Run)
			r.gone, r.left[known.Subject] = append(r.gone, known), true
			r.resumed = r.resumed || len(known.Templates) > 0
		}
	}
	return nil
}
