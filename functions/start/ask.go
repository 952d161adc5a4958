package start

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/breaker"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/source"
)

// Do starts a job's instance, or sees which sources of a page could be started again.
func (s Step) Do(ctx context.Context, in job.Either) (job.Either, error) {
	if in.Batch != nil {
		p, err := s.Ask(ctx, *in.Batch)
		return job.Either{Batch: &p}, err
	}
	j, err := s.Handle(ctx, *in.Job)
	return job.Either{Job: &j}, err
}

// Ask sees which sources of the page could be started again after a stop, by dry runs under the role that starts them.
// What could not is left out, so that it does not keep the others from being stopped; of what was asked for alone the
// reason goes to claim, which answers the request.
func (s Step) Ask(ctx context.Context, p job.Batch) (job.Batch, error) {
	ask := p.Ask
	p.Ask = nil
	if len(ask) == 0 {
		return p, nil
	}
	if err := s.lift(ctx); err != nil {
		return p, err
	}
	refused, all, err := source.Unstartable(ctx, s.EC2, ask)
	if err != nil {
		return p, err
	}
	if all {
		p.Run.Asked = s.Now().UTC()
	}
	if r := p.Run.Request; r != nil && r.Source != "" {
		for i, src := range p.Sources {
			if reason, is := refused[src.ID]; is {
				p.Sources[i].Refused = &reason
			}
		}
		return p, nil
	}
	return s.leave(ctx, p, refused)
}

// leave takes sources off the page, with the reason why.
func (s Step) leave(ctx context.Context, p job.Batch, refused map[string]job.Reason) (job.Batch, error) {
	names, err := s.names(ctx, slices.Sorted(maps.Keys(refused)))
	if err != nil {
		return p, err
	}
	for _, id := range slices.Sorted(maps.Keys(refused)) {
		at := slices.IndexFunc(p.Sources, func(src job.Source) bool { return src.ID == id })
		if at < 0 {
			continue
		}
		reason, src := refused[id], p.Sources[at]
		src.Name = cmp.Or(names[id], id)
		j := job.Job{Run: p.Run, Source: src, Skip: &reason}
		if err := s.Results.PutResult(ctx, j.ResultOf(job.Skipped, s.Now().UTC())); err != nil {
			return p, fmt.Errorf("recording why %s is skipped: %w", id, err)
		}
		p.Sources = slices.Delete(p.Sources, at, at+1)
	}
	return p, nil
}

// names are what sources are called: a page of a thousand has no room for that.
func (s Step) names(ctx context.Context, ids []string) (map[string]string, error) {
	names := map[string]string{}
	found, err := source.Among(ctx, s.EC2, ids)
	for _, i := range found {
		id := aws.ToString(i.InstanceId)
		names[id] = source.Name(source.Tags(i), id)
	}
	return names, err
}

// lift takes away the marks of what this function was denied to start, once it may.
func (s Step) lift(ctx context.Context) error {
	denied, err := breaker.Denials(ctx, s.Marks)
	if err != nil {
		return err
	}
	for _, b := range denied {
		may, err := source.MayStart(ctx, s.EC2, b.Claim.Source)
		if err != nil {
			return err
		}
		if !may {
			continue
		}
		if err := breaker.Lift(ctx, s.Marks, b); err != nil {
			return err
		}
		handler.Log(ctx).WarnContext(ctx, "what was denied is allowed again", "source", b.Claim.Source, "run", b.Claim.Run)
	}
	return nil
}
