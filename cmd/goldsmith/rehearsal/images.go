package rehearsal

import (
	"context"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/usage"
)

// Image is one old image and what the end of the run would do with it.
type Image struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Region is that of a copy.
	Region string `json:"region,omitempty"`
	// Step is what would be next for it, Why the reason, Due when it goes if it does.
	Step retention.Step `json:"step"`
	Why  []string       `json:"why"`
	Due  *time.Time     `json:"due,omitempty"`

	decision retention.Decision
}

// String is the decision in words.
func (i Image) String() string { return i.decision.String() }

// Going reports whether the image is on its way out.
func (i Image) Going() bool { return i.decision.Going() }

// images decides about the plan's images as the run would leave them: with its new images, and with the templates and
// aliases that it rolls. It gives what that is, and the Regions in which the plan has copies.
func (s Stage) images(ctx context.Context, run job.Run, p plan.Plan,
	n *Night) (left *after, regions []string, err error) {
	left = newAfter(s, run, p, *n)
	review, err := s.look(ctx, run, p, retention.Reviewer{EC2: left, Ledger: left, Usage: usage.Finder{
		EC2: left, AutoScaling: s.AutoScaling, SSM: left.parameters(), Path: s.Path, Now: s.Now,
	}})
	if err != nil {
		return nil, nil, err
	}
	if review.Blind != nil {
		n.Blind = review.Blind.Error()
	}
	n.Images = shown(review.Decisions, left.expected)
	return left, review.Regions, nil
}

// look has a reviewer look at the images or copies of a plan. What they are of lives at home.
func (s Stage) look(ctx context.Context, run job.Run, p plan.Plan, w retention.Reviewer) (retention.Review, error) {
	scope := retention.Scope{}
	if run.Request != nil {
		scope.Source = run.Request.Source
	}
	w.Lineages, w.Now = lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling}, s.Now
	return w.Look(ctx, p, scope)
}

// shown are the decisions without the images that do not exist yet and stay.
func shown(decisions []retention.Decision, expected map[string]bool) []Image {
	images := []Image{}
	for _, d := range decisions {
		if expected[d.ID] && !d.Going() {
			continue
		}
		i := Image{ID: d.ID, Name: d.Name, Step: d.Step, Why: d.Why, decision: d}
		if !d.Due.IsZero() {
			due := d.Due.UTC()
			i.Due = &due
		}
		images = append(images, i)
	}
	return images
}
