package rollout

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// Writer changes what a Finder finds.
type Writer struct {
	Finder
	Templates Templates
	Values    Values
	Records   Records
	// remembered is what launches from templates, read once by a writer that remembers it; it points to nil until then.
	remembered *[]launcher
}

// Remembering is a writer that reads once what launches from templates.
func (w Writer) Remembering() Writer {
	w.remembered = new([]launcher)
	return w
}

// readOnce reads what launches from templates, unless the writer remembers it.
func (w Writer) readOnce(ctx context.Context) ([]launcher, error) {
	if w.remembered != nil && *w.remembered != nil {
		return *w.remembered, nil
	}
	all, err := w.launchers(ctx)
	if err == nil && w.remembered != nil {
		*w.remembered = append([]launcher{}, all...)
	}
	return all, err
}

// Templates makes versions and makes them default.
type Templates interface {
	CreateLaunchTemplateVersion(context.Context, *ec2.CreateLaunchTemplateVersionInput,
		...func(*ec2.Options)) (*ec2.CreateLaunchTemplateVersionOutput, error)
	ModifyLaunchTemplate(context.Context, *ec2.ModifyLaunchTemplateInput,
		...func(*ec2.Options)) (*ec2.ModifyLaunchTemplateOutput, error)
}

// Values writes parameters.
type Values interface {
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

// Records keeps the records of targets, and the owners of names and parameters.
type Records interface {
	PutTarget(ctx context.Context, t ledger.TargetRecord) (ledger.TargetRecord, error)
	PutOwner(ctx context.Context, o ledger.Owner) (ledger.Owner, error)
}

// Roll rolls each target on its own, or all or none. What cannot be rolled is told by
// Target.Rolled; only an AWS that is busy is an error, since all of it can then be tried again.
// Of all or none those that failed last are first: while they fail, nothing else is touched.
func (w Writer) Roll(ctx context.Context, targets []*Target, image Image, together bool) error {
	if together {
		refused, rest := split(targets, func(t *Target) bool { return t.failed })
		targets = append(refused, rest...)
		if err := w.allowed(ctx, targets, image); err != nil {
			return err
		}
	}
	for i, t := range targets {
		if together && failed(targets, image) != nil {
			break
		}
		if Late(ctx) {
			return &fault.NotYet{Err: fmt.Errorf("%d of %d targets are done; the rest is rolled by the next try", i,
				len(targets))}
		}
		if err := w.roll(ctx, t, image); err != nil {
			return beside(err, targets)
		}
	}
	if bad := failed(targets, image); together && bad != nil {
		return w.putBack(ctx, targets, bad, image)
	}
	return nil
}

// split are the targets of which something is true, and the others, each in their order.
func split(targets []*Target, is func(*Target) bool) (yes, no []*Target) {
	for _, t := range targets {
		if is(t) {
			yes = append(yes, t)
		} else {
			no = append(no, t)
		}
	}
	return yes, no
}

// mostNamed is how many targets or launchers a text names: more than people read, and less than Step Functions takes.
const mostNamed = 12

// few joins names, and counts those that are more than a text names.
func few(names []string) string {
	if more := len(names) - mostNamed; more > 0 {
		names = append(slices.Clone(names[:mostNamed]), fmt.Sprintf("%d more", more))
	}
	return listed(names)
}

// beside is an error with those that are rolled all the same.
func beside(err error, targets []*Target) error {
	var names []string
	for _, t := range targets {
		if t.changed {
			names = append(names, cmp.Or(t.Rolled.Name, t.Rolled.Target))
		}
	}
	if len(names) == 0 {
		return err
	}
	return fmt.Errorf("%w; rolled all the same: %s", err, few(names))
}

// spare is what one target may take at most: reading, two changes of EC2's that are throttled, two records.
const spare = 15 * time.Second

// Late reports whether the function's time is nearly over. What is changed is recorded, and
// another call goes on from there.
func Late(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return limited && time.Until(end) < spare
}

// failed is the first target that could not be rolled; nil when there is none. What is held is not to be rolled, and
// what an earlier try has put back is so for another's sake.
func failed(targets []*Target, image Image) (bad *Target) {
	for _, t := range targets {
		if t.Rolled.Problem == "" || t.Rolled.Held {
			continue
		}
		if left := leftBy(t.Record, image); left == nil || !left.Other {
			return t
		}
		bad = cmp.Or(bad, t)
	}
	return bad
}

// roll rolls one target: written down before it is changed and after. A try that
// was cut off in between is found by the next, which then knows where it was before.
func (w Writer) roll(ctx context.Context, t *Target, image Image) error {
	switch {
	case t.Rolled.Problem != "":
		return nil
	case t.Decision.There && !t.Decision.Made:
		return nil
	case t.Decision.Made:
		return w.carryOn(ctx, t, image)
	}
	if err := w.takeParameter(ctx, t); err != nil {
		return err
	}
	if err := w.begin(ctx, t, image); err != nil || t.Rolled.Problem != "" {
		return err
	}
	problem, err := w.tried(ctx, t, image)
	if err != nil {
		return w.coverBusy(ctx, t, err)
	}
	if problem != "" {
		t.Rolled.Problem, t.Rolled.Version = problem, t.At.Version
		return w.notRolled(ctx, t, image)
	}
	t.changed = true
	return w.finish(ctx, t)
}

// begin writes down that a target is about to be rolled. A copy is withheld from it where a rollback at home came
// first; one that comes now sees what was begun, and waits for it.
func (w Writer) begin(ctx context.Context, t *Target, image Image) error {
	if err := w.put(ctx, t, changing(t.Record, t.change(image, w.Now()))); err != nil {
		return err
	}
	if err := w.Copied.withhold(ctx, []*Target{t}, image); err != nil || t.Rolled.Problem == "" {
		return err
	}
	return w.put(ctx, t, unbegun(t.Record))
}

// carryOn ends a roll whose default an earlier try has moved.
func (w Writer) carryOn(ctx context.Context, t *Target, image Image) error {
	t.changed = true
	if err := w.topAgain(ctx, t, image); err != nil {
		return w.coverBusy(ctx, t, err)
	}
	return w.finish(ctx, t)
}

// change is the roll of a target; a version that an earlier try has made is carried on.
func (t *Target) change(image Image, at time.Time) ledger.Change {
	to := ledger.Point{
		Image: image.ID, Run: image.Run, Source: image.Source, Lineage: image.Lineage, Taken: image.Taken, At: at.UTC(),
	}
	if begun := t.Record.Begun; begun != nil && begun.To.Image == image.ID {
		to.Version = begun.To.Version
	}
	return ledger.Change{From: t.Decision.From, To: to}
}

// After is what the ledger would have of the target if all that was decided were done.
func (t *Target) After(image Image, at time.Time) ledger.TargetRecord {
	if t.Rolled.Problem != "" || t.Decision.There {
		return t.Record
	}
	return rolled(t.Record, t.change(image, at))
}

// notRolled covers what a roll that failed for good has made, and writes down that it was not made.
func (w Writer) notRolled(ctx context.Context, t *Target, image Image) error {
	if err := w.coverFailed(ctx, t); err != nil {
		return err
	}
	return w.put(ctx, t, t.leave(unbegun(t.Record), image, false))
}

// tried makes the change; an error that lasts is the target's own problem.
func (w Writer) tried(ctx context.Context, t *Target, image Image) (problem string, err error) {
	if t.At.Alias {
		err = w.write(ctx, t, image.ID)
	} else {
		problem, err = w.version(ctx, t, image)
	}
	if err == nil || fault.IsTransient(err) || fault.IsNotYet(err) {
		return problem, err
	}
	return fault.Brief(err), nil
}

// finish records a change that was made, unless it is recorded.
func (w Writer) finish(ctx context.Context, t *Target) error {
	if t.Record.Begun == nil || t.Record.Begun.To.Image != t.Rolled.To {
		return nil
	}
	made := *t.Record.Begun
	made.To.Version, made.To.Stays = t.Rolled.Version, t.At.Stays
	if t.template != nil && t.Decision.Made {
		t.versions = append(t.versions, t.Rolled.Version) // An earlier try made it, and did not live to record it.
	}
	return w.put(ctx, t, rolled(t.Record, made))
}

// warned is why a version is not made the default: EC2 makes one that it would not launch, and warns (API reference,
// CreateLaunchTemplateVersion, Warning).
func warned(t *Target, version int64) error {
	return &fault.Failed{
		Err: fmt.Errorf("EC2 warns of version %d, which has the new image and all else as before: %s", version, t.warning),
		Do: "Correct that in launch template " + t.template.id + ": what launches from it now is not changed, " +
			"and the next run rolls it.",
	}
}

// warning is what EC2 warns of; "" for nothing.
func warning(w *types.ValidationWarning) string {
	if w == nil {
		return ""
	}
	var all []string
	for _, e := range w.Errors {
		all = append(all, aws.ToString(e.Code)+": "+strings.TrimSuffix(aws.ToString(e.Message), "."))
	}
	return strings.Join(all, "; ")
}
