package rollout

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
)

// Seen is the ledger for what is looked at in another Region: its targets and parameters have records of their own, and
// names belong to whom they belong to at home.
type Seen struct {
	Region string
	Ledger Ledger
}

// Abroad is the ledger for what is rolled in another Region.
type Abroad struct {
	Region string
	Ledger interface {
		Ledger
		Records
	}
}

func (a Abroad) seen() Seen { return Seen{a.Region, a.Ledger} }

// regionKey begins what is recorded of another Region, as parameterKey begins what is of parameters.
const regionKey = "\x1fregion\x1f"

// abroad is the key of a Region's records.
func abroad(region, key string) string { return regionKey + region + "\x1f" + key }

// Targets are those of the Region.
func (s Seen) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	return TargetsIn(ctx, s.Ledger, s.Region, source)
}

// Targets are those of the Region.
func (a Abroad) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	return a.seen().Targets(ctx, source)
}

// Targeting has what was rolled.
type Targeting interface {
	Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error]
}

// TargetsIn are the targets in another Region that were rolled by a key.
func TargetsIn(ctx context.Context, l Targeting, region, source string) iter.Seq2[ledger.TargetRecord, error] {
	return func(yield func(ledger.TargetRecord, error) bool) {
		for t, err := range l.Targets(ctx, abroad(region, source)) {
			if t.Source != "" {
				t.Source = source
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// PutTarget stores a target of the Region.
func (a Abroad) PutTarget(ctx context.Context, t ledger.TargetRecord) (ledger.TargetRecord, error) {
	source := t.Source
	t.Source = abroad(a.Region, source)
	put, err := a.Ledger.PutTarget(ctx, t)
	put.Source = source
	if moved := (*ledger.MovedError)(nil); errors.As(err, &moved) {
		err = &ledger.MovedError{Source: source, ID: t.ID}
	}
	return put, err
}

// Owner is whose a name is at home, or a parameter in the Region.
func (s Seen) Owner(ctx context.Context, name string) (ledger.Owner, bool, error) {
	if !strings.HasPrefix(name, parameterKey) {
		return s.Ledger.Owner(ctx, name)
	}
	o, ok, err := s.Ledger.Owner(ctx, abroad(s.Region, name))
	if o.Name != "" {
		o.Name = name
	}
	return o, ok, err
}

// Owner is whose a name is at home, or a parameter in the Region.
func (a Abroad) Owner(ctx context.Context, name string) (ledger.Owner, bool, error) {
	return a.seen().Owner(ctx, name)
}

// PutOwner stores whose a parameter is in the Region. Names belong to sources, and no copy takes one.
func (a Abroad) PutOwner(ctx context.Context, o ledger.Owner) (ledger.Owner, error) {
	name := o.Name
	if !strings.HasPrefix(name, parameterKey) {
		return o, fmt.Errorf("the name %s is given away at home alone", name)
	}
	o.Name = abroad(a.Region, name)
	put, err := a.Ledger.PutOwner(ctx, o)
	put.Name = name
	return put, err
}

// Registration is that of an image of whatever Region.
func (s Seen) Registration(ctx context.Context, id string) (ledger.Registration, bool, error) {
	return s.Ledger.Registration(ctx, id)
}

// Registration is that of an image of whatever Region.
func (a Abroad) Registration(ctx context.Context, id string) (ledger.Registration, bool, error) {
	return a.Ledger.Registration(ctx, id)
}

// afar is the title of a copy: a copy never takes a name, and goes by the one that its source has at home.
func (s *survey) afar(ctx context.Context, image Image) (title, error) {
	o, known, err := s.Ledger.Owner(ctx, image.Name)
	if err != nil {
		return title{}, fmt.Errorf("reading whose the name %s is: %w", image.Name, err)
	}
	if known {
		o.Lineage = s.Lineages.Identify(ctx, lineage.Dated{Lineage: o.Lineage, At: o.At})[0]
	}
	return title{Owner: o, Other: !known || o.Lineage != image.Lineage}, nil
}

// Copied is a copy, as far as it hangs on others whether it is rolled.
type Copied struct {
	// ID is its own, and From that of the image that it is of.
	ID, From string
	// Region is where it is, Begun when it was asked for, after its image was rolled at home.
	Region string
	Begun  time.Time
	// Home has the targets at home, and the register.
	Home Home
	// keys are those that its targets go by; Find finds them out.
	keys []string
}

// part is what holds of a plan's roll in the copy's Region: groups are not refreshed there, and the templates that a
// plan lists are home's. Of another Region those count that are tagged.
func (c *Copied) part(roll plan.Roll) plan.Roll {
	if c == nil {
		return roll
	}
	return plan.Roll{Base: roll.Base, Together: roll.Together, Volumes: roll.Volumes}
}

// Unfound is what is told of targets that were not so much as found.
func Unfound(image Image, why error) job.Rolled {
	return job.Rolled{Target: TakersOf(image.Name), To: image.ID, Problem: fault.Brief(why)}
}

// TakersOf stands for the targets of a name that are not known.
func TakersOf(name string) string { return "what takes images of " + name }

// Home is what was rolled at home, and what copies there are.
type Home interface {
	Targeting
	Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error]
}

// withheld is why a copy is not rolled, and whether somebody holds its name at home; empty when it is to be rolled. It
// is rolled once its image was at home, and not where that is rolled back, or was and follows again since; nor over the
// copy of a later image.
func (c Copied) withheld(ctx context.Context, image Image) (why string, held bool, err error) {
	home := map[string]bool{}
	for _, key := range c.keys {
		for t, err := range c.Home.Targets(ctx, key) {
			if err != nil {
				return "", false, fmt.Errorf("reading what %s has rolled at home: %w", key, err)
			}
			if t.Held() {
				return fmt.Sprintf("held, as %s is at home: %s lets both follow again", t.ID, job.Command("follow", key)), true, nil
			}
			for _, p := range t.Points {
				home[p.Image] = home[p.Image] || led(p)
			}
		}
	}
	if !home[c.From] {
		return fmt.Sprintf("image %s, which it would be the copy of, is not rolled at home, or was rolled back there",
			c.From), false, nil
	}
	why, err = c.later(ctx, image, home)
	return why, false, err
}

// led reports whether a target was at a point by a roll, or by a rollback that lets it follow again. Where a person has
// put it themselves, the moment is not known.
func led(p ledger.Point) bool { return p.Run != "" || !p.At.IsZero() }

// later is the copy of a later image that is there; empty when none is. One whose image is undone at home counts for
// nothing: the Region follows home over that as well.
func (c Copied) later(ctx context.Context, image Image, home map[string]bool) (why string, err error) {
	for r, err := range c.Home.Registrations(ctx, image.Lineage) {
		if err != nil {
			return "", fmt.Errorf("reading what copies there are of %s: %w", image.Lineage, err)
		}
		if r.Region == c.Region && r.ID != c.ID && r.Good && r.Run != image.Run && r.Begun.After(c.Begun) && home[r.From] {
			return fmt.Sprintf("%s is there, the copy of a later image", r.ID), nil
		}
	}
	return "", nil
}

// withholdAll leaves targets alone that a copy, which goes by these keys, is not to be rolled into.
func (c *Copied) withholdAll(ctx context.Context, targets []*Target, image Image, keys []string) error {
	if c == nil {
		return nil
	}
	c.keys = keys
	return c.withhold(ctx, targets, image)
}

// withhold leaves targets alone that a copy is not to be rolled into.
func (c *Copied) withhold(ctx context.Context, targets []*Target, image Image) error {
	if c == nil {
		return nil
	}
	why, held, err := c.withheld(ctx, image)
	if err != nil || why == "" {
		return err
	}
	for _, t := range targets {
		if t.Rolled.Problem == "" && !t.Decision.There {
			t.Rolled.Problem, t.Rolled.Held = why, held
		}
	}
	return nil
}
