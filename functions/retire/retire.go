// Package retire removes the images that a plan's rules keep no longer and that nothing uses:
// once in a run, for all its sources and those that are gone.
package retire

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/usage"
)

// ec2API is all that is done to old images and to what belongs to them.
type ec2API interface {
	deprecationAPI
	removal
	snapshotsAPI
	templatesAPI
	sharesAPI
}

// Ledger is where it is written down, and the register of what may be removed.
type Ledger interface {
	Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error]
	PutRetirement(ctx context.Context, r job.Retirement) error
	Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Settle(ctx context.Context, r ledger.Registration) error
	Retire(ctx context.Context, r ledger.Registration, at time.Time) error
}

// imageReviewer decides.
type imageReviewer interface {
	Look(ctx context.Context, p plan.Plan, s retention.Scope) (retention.Review, error)
	SnapshotUses(ctx context.Context, ids []string) (map[string][]string, error)
	Pins(ctx context.Context) (usage.Pins, error)
}

// Afar decides in the Region of copies, and acts there.
type Afar func(region string) (imageReviewer, ec2API)

// Step retires images.
type Step struct {
	Reviewer imageReviewer
	EC2      ec2API
	Afar     Afar
	Ledger   Ledger
	Now      func() time.Time
}

// batch is how many images one round is about: each takes up to three calls that EC2 refills
// at five a second, which is a minute of the five that the function has.
const batch = 100

// Handle does one round. What cannot be done to one image is written down for the message and keeps
// none of the others; only an AWS that is busy is an error, since the whole round can then be tried
// again: it looks anew, and what is done already is no longer there to do.
func (s Step) Handle(ctx context.Context, p job.Batch) (job.Batch, error) {
	p.Sources, p.Retire.More = nil, false
	if !p.Plan.Keep.Rules() && len(p.Plan.Copies) == 0 && p.Plan.Share.IsZero() {
		return p, nil
	}
	ruled := p
	if p.Retire.Region != "" {
		ruled.Plan.Keep = p.Plan.KeepIn(p.Retire.Region)
		s.Reviewer, s.EC2 = s.Afar(p.Retire.Region)
	}
	scope := retention.Scope{After: p.Retire.Cursor, Most: batch, Run: p.Run.Name, Shared: true}
	if p.Run.Request != nil {
		scope.Source = p.Run.Request.Source
	}
	o, err := s.look(ctx, ruled, scope)
	r := &round{Step: s, page: ruled, Review: o, now: s.Now().UTC(), left: map[string]bool{},
		unpruned: map[string][]string{}}
	if err == nil {
		err = r.play(ctx)
	}
	if r.gaveUp(err) {
		r.Blind = err
		err = r.blind(ctx)
	}
	if err != nil {
		return p, err
	}
	return r.next(p), nil
}

// next is what is to be done after the round.
func (r *round) next(p job.Batch) job.Batch {
	p.Retire.Cursor, p.Retire.More = r.Cursor, r.More && r.Blind == nil
	if next := after(regions(p.Plan, r.Regions), p.Retire.Region); !p.Retire.More && next != "" {
		p.Retire.Region, p.Retire.Cursor, p.Retire.More = next, "", true
	}
	if p.Retire.Region != "" {
		p.Retire.Since = r.Now().UTC()
	}
	return p
}

// patience is how long a Region of copies is tried that does not answer, of the ten minutes or so that the state
// machine tries a round.
const patience = 3 * time.Minute

// gaveUp reports whether a Region of copies is left for this run: it keeps no other Region's copies from going.
func (r *round) gaveUp(err error) bool {
	since := r.page.Retire.Since
	return fault.IsTransient(err) && r.page.Retire.Region != "" && !since.IsZero() && r.now.Sub(since) > patience
}

// look looks at the images, or at the copies of a Region. A Region that refuses it keeps no other Region's copies from
// going.
func (s Step) look(ctx context.Context, p job.Batch, scope retention.Scope) (retention.Review, error) {
	o, err := s.Reviewer.Look(ctx, p.Plan, scope)
	if err != nil && p.Retire.Region != "" && fault.Lasts(err) {
		o.Blind, err = err, nil
	}
	return o, err
}

// round is one invocation's work.
type round struct {
	Step
	retention.Review
	page job.Batch
	now  time.Time
	// gone are the images that were removed, to be written down at the end of the round.
	gone []job.Retirement
	// resumed is whether an earlier round removed an image and did not prune templates: pins are the template versions
	// that are launched by their numbers then.
	resumed bool
	pins    usage.Pins
	// left are the ids of images of which snapshots stay.
	left map[string]bool
	// unpruned are the launch templates of which no version was deleted that names an image which is gone.
	unpruned map[string][]string
	// told are the names of sources whose problem is written down.
	told          map[string]bool
	retired, hurt int
}

func (r *round) play(ctx context.Context) error {
	switch {
	case fault.IsTransient(r.Blind):
		return r.Blind
	case r.Blind != nil:
		return r.blind(ctx)
	}
	for _, part := range []func(context.Context) error{r.again, r.resume, r.copies, r.decided, r.finish} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if !r.More && r.whole() && r.page.Plan.Keep.Rules() {
		if err := r.sweep(ctx); err != nil {
			return err
		}
	}
	log := handler.Log(ctx)
	metric.Put(ctx, log, metric.ImagesRetired, r.page.Plan.Name, float64(r.retired))
	metric.Put(ctx, log, metric.RetiringFailed, r.page.Plan.Name, float64(r.hurt))
	return nil
}

// decided does what was decided.
func (r *round) decided(ctx context.Context) error {
	if err := r.ask(ctx); err != nil {
		return err
	}
	for _, d := range r.Decisions {
		if err := r.do(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// whole reports whether the run is about all of the plan's sources.
func (r *round) whole() bool { return r.page.Run.Request == nil || r.page.Run.Request.Source == "" }

// blind writes down that nothing is removed, since what is in use could not be found out.
func (r *round) blind(ctx context.Context) error {
	handler.Log(ctx).ErrorContext(ctx, "nothing is retired", "error", r.Blind)
	what, region := "uses of images", r.page.Retire.Region
	do := "Give the function goldsmith-retire what it is refused; the next run tries again."
	if region != "" {
		what = "uses of copies in " + region // What is written down of one Region is not of another.
	}
	if region != "" && r.page.Plan.CopyIn(region).Region == "" {
		do = "The plan has no copies there any more: deregister them by hand, or list " + region + " in its copies again."
	}
	why := "nothing was retired, since it could not be found out what is in use: "
	if fault.IsTransient(r.Blind) {
		why = region + " does not answer, or is too busy, and what is left to do there was not done: "
		do = "See whether there is such a Region, and whether it is well; the next run tries again."
	}
	r.hurt++
	return r.write(ctx, retirement{Subject: what, Status: job.Stuck, Why: []string{why + brief(r.Blind) + ". " + do}})
}

// retirement is what is written down.
type retirement = job.Retirement

// put writes down what became of a subject in this run.
func (r *round) put(ctx context.Context, what retirement) error {
	what.Region = r.page.Retire.Region
	return r.write(ctx, what)
}

func (r *round) write(ctx context.Context, what retirement) error {
	what.Plan, what.Run, what.At = r.page.Plan.Name, r.page.Run.Name, r.now
	if err := r.Ledger.PutRetirement(ctx, what); err != nil {
		return fmt.Errorf("writing down what becomes of %s: %w", what.Subject, err)
	}
	return nil
}

// stuck writes down what could not be done, and goes on.
func (r *round) stuck(ctx context.Context, what retirement, why string) error {
	r.hurt++
	what.Status, what.Why = job.Stuck, append(what.Why, why)
	return r.put(ctx, what)
}

// failed ends the round when AWS is busy, and writes everything else down.
func (r *round) failed(ctx context.Context, what retirement, err error, doing string) error {
	if fault.IsTransient(err) {
		return fmt.Errorf("%s %s: %w", doing, what.Subject, err)
	}
	handler.Log(ctx).WarnContext(ctx, "step of a retirement failed", "subject", what.Subject, "doing", doing, "error", err)
	return r.stuck(ctx, what, fmt.Sprintf("%s it failed: %s. The next run tries again.", doing, brief(err)))
}

// brief is an error's text without the full stop that some end with, since a sentence follows.
func brief(err error) string { return strings.TrimSuffix(fault.Brief(err), ".") }
