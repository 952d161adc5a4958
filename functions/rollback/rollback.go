// Package rollback points a source's launch templates and alias back at an
// earlier image, for a person who asks, and holds them there until somebody
// lets them follow again.
package rollback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/slack"
	"goldsmith/shared/template"
)

// Book remembers what targets pointed at.
type Book interface {
	Targets(ctx context.Context, source string) iter.Seq2[ledger.Target, error]
	PutTarget(ctx context.Context, t ledger.Target) (ledger.Target, error)
}

// Sender sends messages.
type Sender interface {
	Send(ctx context.Context, m slack.Message) (slack.Delivery, error)
}

// Refreshes puts instances back: it rolls back the instance refreshes under way
// that deploy one of these versions of a template.
type Refreshes interface {
	RollBack(ctx context.Context, template string, versions []string) (Undone, error)
}

// Step rolls back.
type Step struct {
	ec2        EC2
	parameters Parameters
	book       Book
	slack      Sender
	refreshes  Refreshes
	now        func() time.Time
}

// New makes the step.
func New(ec2 EC2, parameters Parameters, book Book, sender Sender, refreshes Refreshes, now func() time.Time) Step {
	return Step{ec2, parameters, book, sender, refreshes, now}
}

// Answer says what a rollback did.
type Answer struct {
	Name string `json:"name,omitempty"`
	// Dry is set when nothing was done.
	Dry     bool     `json:"dry,omitempty"`
	Targets []Target `json:"targets,omitempty"`
	// Ignored says why the event rolls nothing back.
	Ignored string `json:"ignored,omitempty"`
}

// Target is a launch template or alias. Version and Previous are where it points
// and pointed; Problem says why it was left where it is.
type Target struct {
	job.Rolled
	// There is whether it pointed there already.
	There bool `json:"there,omitempty"`
	// Groups are the Auto Scaling groups whose instance refresh is rolled back.
	Groups []string `json:"groups,omitempty"`
}

// target is one of them on its way.
type target struct {
	Target
	known ledger.Target
	at    template.Now
	data  *version
	back  template.Return
}

// Handle rolls back what the event names. It refuses before anything is
// changed; a target that fails later is told, and the others go on.
func (s Step) Handle(ctx context.Context, raw json.RawMessage) (Answer, error) {
	decoded, err := event.Decode(raw, event.Home{})
	if err != nil {
		return Answer{}, &fault.Failed{Err: err, Do: "Nothing was changed."}
	}
	asked, ok := decoded.(event.Rollback)
	if !ok {
		return Answer{Ignored: fmt.Sprintf("%T rolls nothing back", decoded)}, nil
	}
	targets, err := s.targets(ctx, asked)
	if err != nil {
		return Answer{}, err
	}
	if err := s.launchable(ctx, asked, targets); err != nil {
		return Answer{}, err
	}
	answer := Answer{Name: asked.Name, Dry: asked.Dry}
	if !asked.Dry {
		for _, t := range targets {
			if err := s.one(ctx, t, asked.By); err != nil {
				return Answer{}, err
			}
		}
		if err := s.tell(ctx, asked, targets); err != nil {
			return Answer{}, err
		}
	}
	for _, t := range targets {
		answer.Targets = append(answer.Targets, t.Target)
	}
	return answer, nil
}

// underway is how long a change that somebody began may still be going on: a
// function ends within a minute.
const underway = 2 * time.Minute

// targets are those that the ledger knows by the source's name, and where each goes back to.
func (s Step) targets(ctx context.Context, asked event.Rollback) ([]*target, error) {
	targets, err := s.known(ctx, asked.Name)
	if err != nil {
		return nil, err
	}
	image, err := named(asked.To, targets)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		if err := s.look(ctx, t); err != nil {
			return nil, err
		}
		t.decide(image)
	}
	return targets, nil
}

// known are the targets as they were left. One that a run is rolling is waited for.
func (s Step) known(ctx context.Context, name string) ([]*target, error) {
	var targets []*target
	for known, err := range s.book.Targets(ctx, name) {
		if err != nil {
			return nil, fmt.Errorf("reading what %s has rolled: %w", name, err)
		}
		if begun := known.Begun; begun != nil && begun.To.Run != "" && s.now().Sub(begun.To.At) < underway {
			return nil, &fault.NotYet{Err: fmt.Errorf("%s is being rolled by run %s; try again in two minutes", known.ID, begun.To.Run)}
		}
		if len(known.Points) > 0 || known.Begun != nil {
			targets = append(targets, &target{known: known, Target: Target{Rolled: job.Rolled{Target: known.ID, Name: known.Title}}})
		}
	}
	if len(targets) == 0 {
		return nil, fault.Failure("Nothing was changed. Name the source as its tag goldsmith:name, else Name, does.", "name: nothing was ever rolled for %q", name)
	}
	return targets, nil
}

// decide says where the target goes back to; image is the one asked for, "" for the one before.
func (t *target) decide(image string) {
	t.From, t.Previous, t.Version = t.at.Image, t.at.Version, t.at.Version
	if t.Problem != "" {
		return
	}
	t.back = template.Back(t.at, t.known, image)
	t.To, t.There, t.Problem = t.back.To.Image, t.back.There, t.back.Problem
}

// one points one target back: written down before it is changed and after.
func (s Step) one(ctx context.Context, t *target, by string) error {
	if t.Problem != "" {
		return nil
	}
	to := t.back.To
	to.Run, to.Source = "", ""
	if to.At.IsZero() {
		to.By, to.At = by, s.now().UTC()
	}
	if !t.There {
		if err := s.point(ctx, t, to); err != nil || t.Problem != "" {
			return err
		}
		to.Version = t.Version
	}
	return s.hold(ctx, t, to)
}

// point changes a target. A change that fails for good is its problem, and is taken back in the ledger.
func (s Step) point(ctx context.Context, t *target, to ledger.Point) error {
	begun := ledger.Change{From: t.at.Point(), To: to}
	if err := s.put(ctx, t, t.known.Beginning(begun)); err != nil {
		return err
	}
	err := s.change(ctx, t)
	if err == nil || fault.IsThrottled(err) || fault.IsNotYet(err) {
		return err
	}
	t.Problem = fault.Brief(err)
	left := t.known
	left.Begun = nil
	return s.put(ctx, t, left)
}

// hold writes down that the target stays where it is now until somebody lets it
// follow. What was rolled last is nothing to hold back: it follows again.
func (s Step) hold(ctx context.Context, t *target, to ledger.Point) error {
	held := t.known
	held.Begun, held.Back = nil, &to
	if t.last(to) {
		held.Back = nil
	}
	if !t.There || t.known.Begun != nil || !same(t.known.Back, held.Back) {
		if err := s.put(ctx, t, held); err != nil {
			return err
		}
	}
	s.instances(ctx, t)
	return nil
}

// last reports whether a point is what was rolled last.
func (t *target) last(to ledger.Point) bool {
	latest, ok := t.known.Latest()
	return ok && latest.Image == to.Image && (t.at.Alias || latest.Version == to.Version)
}

func same(a, b *ledger.Point) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// instances rolls back the refreshes that put the unwanted image into groups. That
// the template is back is the greater good, so one that cannot be is only told. It is
// looked for again when somebody asks again: this may be the second try of one that was cut off.
func (s Step) instances(ctx context.Context, t *target) {
	versions := t.unwanted()
	if len(versions) == 0 {
		return
	}
	done, err := s.refreshes.RollBack(ctx, t.known.ID, versions)
	if err != nil {
		done.Left = append(done.Left, "its instance refreshes were not rolled back; ask again: "+fault.Brief(err))
	}
	t.Groups, t.Note = done.Groups, strings.Join(done.Left, "; ")
	if t.Note != "" {
		handler.Log(ctx).WarnContext(ctx, "refresh not rolled back", "target", t.known.ID, "note", t.Note)
	}
}

// unwanted are the versions that were rolled after the image that the target goes
// back to, newest first. An alias has none: Auto Scaling rolls no refresh back of
// a group whose template takes its image from a parameter.
func (t *target) unwanted() []string {
	var versions []string
	if !t.template() {
		return nil
	}
	for _, p := range t.known.Points {
		if p.Image == t.To {
			break
		}
		versions = append(versions, *number(p.Version))
	}
	return versions
}

func (s Step) put(ctx context.Context, t *target, next ledger.Target) error {
	put, err := s.book.PutTarget(ctx, next)
	var moved *ledger.Moved
	if errors.As(err, &moved) {
		return &fault.NotYet{Err: fmt.Errorf("%w; try again in two minutes", err)}
	}
	if err != nil {
		return fmt.Errorf("recording what becomes of %s: %w", next.ID, err)
	}
	t.known = put
	return nil
}
