package retention

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
)

// Ledger is what the ledger knows of images: which are Goldsmith's, how their jobs ended, whose are in hand, and
// which are on their way out.
type Ledger interface {
	Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error]
	Registration(ctx context.Context, id string) (r ledger.Registration, ok bool, err error)
	Results(ctx context.Context, run string) iter.Seq2[job.Result, error]
	Owner(ctx context.Context, name string) (o ledger.Owner, ok bool, err error)
	Claims(ctx context.Context) iter.Seq2[ledger.Claim, error]
	Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error]
}

// usageFinder finds what refers to images and snapshots; an error means that every one counts as in use.
type usageFinder interface {
	Look(ctx context.Context, images []types.Image, shared map[string]usage.Shared) (usage.Found, error)
	SnapshotUses(ctx context.Context, ids []string) (map[string][]string, error)
	Pins(ctx context.Context) (usage.Pins, error)
}

// lineagesAPI tells which lineages live.
type lineagesAPI interface {
	Living(ctx context.Context, lineages []string) map[string]bool
	// Identify tells groups of one name apart that an earlier version wrote down by it.
	Identify(ctx context.Context, all ...lineage.Dated) []string
}

// Reviewer looks at a plan's images and says what becomes of each. It changes nothing.
type Reviewer struct {
	// Region is that whose copies are looked at; empty for images, which are in the suite's own.
	Region   string
	EC2      ec2.DescribeImagesAPIClient
	Ledger   Ledger
	Lineages lineagesAPI
	Usage    usageFinder
	Now      func() time.Time
}

// Pins are the template versions that are launched by their numbers now.
func (w Reviewer) Pins(ctx context.Context) (usage.Pins, error) { return w.Usage.Pins(ctx) }

// SnapshotUses are the reasons to keep snapshots that belong to no image.
func (w Reviewer) SnapshotUses(ctx context.Context, ids []string) (map[string][]string, error) {
	return w.Usage.SnapshotUses(ctx, ids)
}

// Scope is which images are looked at.
type Scope struct {
	// Source narrows it to the histories that one source's images are of; empty is all.
	Source string
	// After leaves out histories up to this one.
	After string
	// Run is the run whose removals go on that were begun a moment ago; empty for none.
	Run string
	// Most is how many images that go are enough; the last history is always looked at in full.
	Most int
	// Shared has images looked at that a plan without a rule shares: nothing becomes of them, and they may have lost that.
	Shared bool
}

// Review is what becomes of a plan's images.
type Review struct {
	Decisions []Decision
	// Old are launch templates that name an image only in old versions, by image id.
	Old map[string][]string
	// Registered are the plan's registrations of images, by id.
	Registered map[string]ledger.Registration
	// imagesAPI are those of them that EC2 shows, and whose facts agree, by id; Known is what the ledger has of
	// retiring them.
	Images map[string]types.Image
	Known  map[string]job.Retirement
	// Shown are the ids of all images that were described: registered, and tagged like the plan's.
	Shown map[string]bool
	// Back are images that were gone and that somebody had back. Those that are not retired have a Revision.
	Back   []ledger.Registration
	Claims []ledger.Claim
	// Cursor is the last history looked at; More is whether there are more.
	Cursor string
	More   bool
	// Unanswered are copies of which it is not known whether EC2 was asked for them, Lost those that have failed or were
	// never seen to be available, and are not removed yet.
	Unanswered, Lost []ledger.Registration
	// Regions are those of the plan's copies.
	Regions []string
	// Asking are images of which EC2 is to be asked who uses them where they are shared.
	Asking []string
	// Blind is why nothing could be found out about uses: whatever would go is kept.
	Blind error
}

// Look decides about the images of a plan. A plan without a rule is not looked at.
func (w Reviewer) Look(ctx context.Context, p plan.Plan, s Scope) (Review, error) {
	if !p.Keep.Rules() && w.Region == "" && len(p.Copies) == 0 && !s.Shared {
		return Review{}, nil
	}
	o := Review{
		Registered: map[string]ledger.Registration{}, Images: map[string]types.Image{}, Known: map[string]job.Retirement{},
		Shown: map[string]bool{},
	}
	if err := w.read(ctx, p.Name, &o); err != nil {
		return o, err
	}
	o.halfRemoved(s.Run, w.Now())
	o.lost(w.Region, w.Now())
	if p.Keep.Rules() || s.Shared && o.shares() {
		return w.decided(ctx, p, s, o)
	}
	return o, nil
}

// decided is what becomes of the images that were read.
func (w Reviewer) decided(ctx context.Context, p plan.Plan, s Scope, o Review) (Review, error) {
	images, err := w.images(ctx, o)
	if err != nil {
		return o, err
	}
	standing, err := w.standing(ctx, images)
	if err != nil {
		return o, err
	}
	o.Decisions = o.cut(within(Decide(images, p, standing, w.Now()), s.Source), s)
	return w.settled(ctx, o), nil
}

// shares reports whether Goldsmith shares any of the images.
func (o Review) shares() bool {
	for _, r := range o.Registered {
		if r.Shared != nil {
			return true
		}
	}
	return false
}

// settled keeps of what is decided about whatever is in use.
func (w Reviewer) settled(ctx context.Context, o Review) Review {
	var going []types.Image
	shared := map[string]usage.Shared{}
	for _, d := range o.Decisions {
		if !d.Going() {
			continue
		}
		going = append(going, o.Images[d.ID])
		if with := o.Registered[d.ID].Shared; with != nil {
			shared[d.ID] = d.asking(*with, w.Now())
		}
	}
	found, err := w.Usage.Look(ctx, going, shared)
	if err != nil {
		o.Blind = fmt.Errorf("looking what uses %d images: %w", len(going), err)
		return o.closed()
	}
	o.Decisions, o.Old = Settle(o.Decisions, found.Uses, found.Unsure), found.Old
	o.Asking = found.Ask
	return o
}

// closed keeps whatever would go.
func (o Review) closed() Review {
	for i, d := range o.Decisions {
		if d.Going() {
			o.Decisions[i].Step, o.Decisions[i].Due = InUse, time.Time{}
			o.Decisions[i].Why = []string{"something that could not be found out"}
		}
	}
	return o
}

// read reads what EC2 and the ledger know.
func (w Reviewer) read(ctx context.Context, plan string, o *Review) error {
	if err := w.registered(ctx, plan, o); err != nil {
		return err
	}
	if err := w.describe(ctx, plan, o); err != nil {
		return fmt.Errorf("listing the images of plan %s: %w", plan, err)
	}
	for c, err := range w.Ledger.Claims(ctx) {
		if err != nil {
			return fmt.Errorf("reading the claims: %w", err)
		}
		o.Claims = append(o.Claims, c)
	}
	for r, err := range w.Ledger.Retirements(ctx, plan) {
		if err != nil {
			return fmt.Errorf("reading what is being retired: %w", err)
		}
		if r.Region == w.Region {
			o.Known[r.Subject] = r
		}
	}
	return nil
}

// registered reads the plan's images in the register.
func (w Reviewer) registered(ctx context.Context, plan string, o *Review) error {
	for r, err := range w.Ledger.Registrations(ctx, "") {
		if err != nil {
			return fmt.Errorf("reading the register: %w", err)
		}
		if r.Call == ledger.RegisterImage {
			r.Snapshots = register.Copies(r) // What it is given besides was there before.
		}
		if r.Kind == ledger.MadeImage && r.Plan == plan {
			o.add(r, w.Region)
		}
	}
	return nil
}

// add takes in a registration, of a review of copies in a Region or, without one, of images.
func (o *Review) add(r ledger.Registration, region string) {
	if r.Region != "" && !slices.Contains(o.Regions, r.Region) {
		o.Regions = append(o.Regions, r.Region)
	}
	switch {
	case r.Region != region:
	case r.ID != "":
		o.Registered[r.ID] = r
	case r.IsCopy():
		o.Unanswered = append(o.Unanswered, r)
	}
}

// images are the listed ones as retention sees them.
func (w Reviewer) images(ctx context.Context, o Review) ([]Image, error) {
	var images []Image
	runs := map[string][]int{}
	for id, i := range o.Images {
		image, err := o.image(i)
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", id, err)
		}
		// Until a sweep has written down that it is good the job's result says so.
		if image.Good = image.Available && (o.Registered[id].Good || w.Region != ""); image.Available && !image.Good {
			runs[image.Run] = append(runs[image.Run], len(images))
		}
		images = append(images, image)
	}
	for run, of := range runs {
		good, err := w.good(ctx, run)
		if err != nil {
			return nil, err
		}
		for _, n := range of {
			images[n].Good = good[images[n].Source].Counts(images[n].ID)
		}
	}
	return w.identified(ctx, o, images), nil
}

// identified are the images with their lineages as they are known now.
func (w Reviewer) identified(ctx context.Context, o Review, images []Image) []Image {
	var known []lineage.Dated
	for _, i := range images {
		known = append(known, lineage.Dated{Lineage: i.Lineage, At: o.Registered[i.ID].Begun})
	}
	for n, l := range w.Lineages.Identify(ctx, known...) {
		images[n].Lineage = l
	}
	return images
}

// good are the results of a run, by source.
func (w Reviewer) good(ctx context.Context, run string) (map[string]job.Result, error) {
	good := map[string]job.Result{}
	for r, err := range w.Ledger.Results(ctx, run) {
		if err != nil {
			return nil, fmt.Errorf("reading the results of run %s: %w", run, err)
		}
		good[r.Source] = r
	}
	return good, nil
}

func (o Review) image(i types.Image) (Image, error) {
	made, err := time.Parse(time.RFC3339, aws.ToString(i.CreationDate))
	if err != nil {
		return Image{}, fmt.Errorf("its creation date: %w", err)
	}
	r := o.Registered[aws.ToString(i.ImageId)]
	image := Image{
		ID: r.ID, Name: r.Name, Source: r.Source, Run: r.Run, Lineage: r.Lineage, Made: made,
		General:   r.General,
		Available: i.State == types.ImageStateAvailable, Disabled: i.State == types.ImageStateDisabled,
	}
	if r.Keep != nil {
		image.Override, image.Overridden = *r.Keep, true
	}
	// EC2 drops the permissions of an image that is disabled (API reference, DisableImage).
	image.Shared, image.Unshared = r.Shared != nil && r.Unshared.IsZero() && !image.Disabled, r.Unshared
	image.Tag, image.Tagged = tag.Map(i.Tags)[tag.Keep]
	if _, held := ledger.FindClaim(o.Claims, image.Source, image.Run); held {
		image.Held = "run " + image.Run + " has it in hand"
	}
	// Without EC2's own mark the deprecation never took effect, or somebody took it back. One that
	// somebody had back may still carry it, and begins anew.
	if since := o.Known[image.ID].Since; (i.DeprecationTime != nil || image.Disabled) && !since.Before(r.Anew) {
		image.Since = since
	}
	return image, nil
}

// within are the decisions of the histories that a source has images of.
func within(decisions []Decision, source string) []Decision {
	if source == "" {
		return decisions
	}
	histories := map[string]bool{}
	for _, d := range decisions {
		if d.Source == source {
			histories[d.History] = true
		}
	}
	return slices.DeleteFunc(decisions, func(d Decision) bool { return !histories[d.History] })
}

// cut takes whole histories, after the cursor, until enough images go.
func (o *Review) cut(decisions []Decision, s Scope) []Decision {
	var taken []Decision
	going := 0
	for _, d := range decisions {
		if d.History <= s.After {
			continue
		}
		if s.Most > 0 && going >= s.Most && d.History != o.Cursor {
			o.More = true
			break
		}
		if d.Going() || d.Step == Restore {
			going++
		}
		o.Cursor, taken = d.History, append(taken, d)
	}
	return taken
}
