// Package rehearsal says what a run would do, and does nothing. It asks the same
// functions of shared as the workflow's steps, so that a rehearsal equals the night.
package rehearsal

import (
	"context"
	"errors"
	"iter"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
)

// EC2 is all that a rehearsal asks of EC2.
type EC2 interface {
	source.Lister
	source.Investigator
	source.Protector
}

// Claims tells which sources other runs hold.
type Claims interface {
	Claims(ctx context.Context) iter.Seq2[ledger.Claim, error]
}

// Stage is what a rehearsal looks at. Claims may be nil: then no source is held.
type Stage struct {
	EC2    EC2
	Claims Claims
	Now    func() time.Time
}

// Night is what a run of a plan would do.
type Night struct {
	Plan string `json:"plan"`
	// Refused is why the run would touch nothing at all.
	Refused string   `json:"refused,omitempty"`
	Sources []Source `json:"sources"`
}

// Play says what the run would do. It makes no call that changes anything.
func (s Stage) Play(ctx context.Context, run job.Run, p plan.Plan) (Night, error) {
	n := Night{Plan: run.Plan, Sources: []Source{}}
	selected, err := source.Selected(ctx, s.EC2, run, p.Sources)
	if err != nil {
		return n, err
	}
	err = source.WithinLimit(ctx, s.EC2, run, p.Limit, len(selected))
	var refused *fault.Failed
	if errors.As(err, &refused) {
		n.Refused = refused.Error()
		return n, nil
	}
	if err != nil {
		return n, err
	}
	n.Sources, err = s.sources(ctx, run, p, selected)
	return n, err
}

// Scheduled is the run that a plan's schedule would start at a moment.
func Scheduled(p plan.Plan, at time.Time) job.Run {
	at = at.UTC()
	return job.Run{Name: job.RunName(p.Name, at), Plan: p.Name, Scheduled: at, Closes: at.Add(time.Duration(p.Window))}
}

// Asked is the run that a person would start at a moment; source is one instance, or empty for all.
func Asked(p plan.Plan, source string, at time.Time) job.Run {
	run := Scheduled(p, at)
	run.Request = &job.Request{Source: source}
	if source != "" {
		run.Request.Kind = job.KindOf(source)
	}
	return run
}
