// Package selection chooses a run's sources, a page at a time and in id order,
// and writes down why the others are left alone.
package selection

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/copies"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// fleetAPI tells which instances there are and what they are like.
type fleetAPI interface {
	source.Lister
	source.Investigator
	source.Stores
}

// ledgerAPI is the ledger as far as selecting needs it.
type ledgerAPI interface {
	PutRun(ctx context.Context, r ledger.Run) error
	PutResult(ctx context.Context, r job.Result) error
	GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error)
	breaker.Reader
	bound.Ledger
	source.Register
}

// Step selects sources.
type Step struct {
	EC2    fleetAPI
	Keys   source.Keys
	Quotas source.Quotas
	Copies copies.Lookout
	Ledger ledgerAPI
	Now    func() time.Time
}

// Handle returns the page with its next sources. The first call opens the run
// in the ledger and holds the whole fleet against the plan's limit.
func (s Step) Handle(ctx context.Context, p job.Batch) (job.Batch, error) {
	p.Width = min(p.Plan.Concurrency+spare, job.PageSize)
	if p.Cursor == "" {
		if err := s.open(ctx, p); err != nil {
			return p, err
		}
		p.Run.Copies = s.Copies.Ahead(ctx, p.Plan)
	}
	r := p.Run.Request
	one := r != nil && r.Source != ""
	switch {
	case one && r.Kind == job.Snapshot:
		// Claim looks at it; neither the limit nor anything else of this is about what is not stopped.
		p.Sources, p.Cursor, p.More = []job.Source{{ID: r.Source, Kind: r.Kind}}, r.Source, false
		return p, nil
	case !one && p.Plan.Sources.OfSnapshots():
		return s.snapshots(ctx, p)
	default:
		return s.instances(ctx, p)
	}
}

// instances is the page with its next instances.
func (s Step) instances(ctx context.Context, p job.Batch) (job.Batch, error) {
	selected, err := source.Selected(ctx, s.EC2, p.Run, p.Plan.Sources)
	if err != nil {
		return p, err
	}
	p.Stand = source.StandIns(p.Run, p.Plan, s.Now(), selected, p.Stand)
	if p.Cursor == "" {
		if p.Run.Most, err = s.check(ctx, p, selected); err != nil {
			return p, err
		}
		if err := s.shares(ctx, p); err != nil {
			return p, err
		}
		standing := source.Standing(p.Plan, selected, p.Stand)
		if p.Run.Quotas, err = source.VCPUs(ctx, s.EC2, s.Quotas, p.Plan, standing); err != nil {
			return p, err
		}
	}
	p, err = s.fill(ctx, p, after(selected, p.Cursor))
	if !p.More {
		p.Stand = nil
	}
	return p, err
}

func (s Step) open(ctx context.Context, p job.Batch) error {
	err := s.Ledger.PutRun(ctx, ledger.Run{
		Name: p.Run.Name, Plan: p.Run.Plan, Execution: p.Execution, Scheduled: p.Run.Scheduled,
		Timezone: p.Plan.Timezone,
		Request:  p.Run.Request, Started: s.Now().UTC(),
	})
	if err != nil {
		return fmt.Errorf("opening run %s: %w", p.Run.Name, err)
	}
	if p.Problem != "" {
		return fault.Failure("Nothing was touched.", "%s", p.Problem)
	}
	return nil
}

// check refuses a run that would touch more than the plan allows, and reports
// the ids a plan names that are not enrolled. It gives the limit as a number of sources.
func (s Step) check(ctx context.Context, p job.Batch, selected []types.Instance) (most int, err error) {
	touched := source.Touched(source.Standing(p.Plan, selected, p.Stand))
	if most, err = source.WithinLimit(ctx, s.EC2, p.Run, p.Plan.Limit, touched); err != nil {
		return most, err
	}
	ids, why := source.Unenrolled(p.Run, p.Plan.Sources, selected)
	for _, id := range ids {
		if err := s.skip(ctx, p, job.Source{ID: id, Kind: job.Instance, Name: id}, why); err != nil {
			return most, err
		}
	}
	return most, nil
}

func after(instances []types.Instance, cursor string) []types.Instance {
	at := slices.IndexFunc(instances, func(i types.Instance) bool { return aws.ToString(i.InstanceId) > cursor })
	if at < 0 {
		return nil
	}
	return instances[at:]
}

// spare is how many more sources than may be down are worked on at once. Places bound those that are down; without any
// more, one that keeps its execution for hours and has no place any more, such as one that is exempted, or whose image
// takes long, would keep the next from being stopped. Each that waits for its turn asks again and again.
const spare = 10

// fill puts the next eligible sources on the page, and skips the others for good.
func (s Step) fill(ctx context.Context, p job.Batch, instances []types.Instance) (job.Batch, error) {
	p.Sources, p.Ask, p.More, p.Run.Asked, p.Run.Held = []job.Source{}, nil, false, time.Time{}, nil
	var stopping []source.Facts
	for part := range slices.Chunk(instances, source.Batch) {
		if len(p.Sources)+len(part) > job.PageSize {
			p.More = true
			break
		}
		standing, err := s.standing(ctx, &p, part)
		if err != nil {
			return p, err
		}
		facts, err := source.Investigate(ctx, s.EC2, source.Facts{Run: p.Run, Plan: p.Plan, Now: s.Now()}, standing)
		if err != nil {
			return p, err
		}
		for _, f := range facts {
			before := len(p.Sources)
			if err := s.place(ctx, &p, f); err != nil {
				return p, err
			}
			if len(p.Sources) > before && p.Sources[before].Kind == job.Instance && f.Stops() {
				stopping = append(stopping, f)
			}
		}
	}
	return s.ask(ctx, p, stopping)
}

// standing leaves alone those for which another member of their group stands.
func (s Step) standing(ctx context.Context, p *job.Batch, part []types.Instance) ([]types.Instance, error) {
	for _, i := range part {
		id := aws.ToString(i.InstanceId)
		p.Cursor = id
		reason := source.StoodFor(p.Plan, i, p.Stand)
		if reason == nil {
			continue
		}
		src := job.Source{ID: id, Kind: job.Instance, Name: source.Name(source.Tags(i), id)}
		if err := s.skip(ctx, *p, src, *reason); err != nil {
			return nil, err
		}
	}
	return source.Standing(p.Plan, part, p.Stand), nil
}

// ask sees what keeps from being started again what is to be stopped, and leaves that out, so that it does not keep the
// others of the page from being stopped. Function start is asked about the rest. A request goes to claim, which answers
// it.
func (s Step) ask(ctx context.Context, p job.Batch, stopping []source.Facts) (job.Batch, error) {
	var err error
	if p.Run.Held, err = s.held(ctx, p, len(stopping)); err != nil || p.Run.Held != nil {
		return p, err
	}
	reasons, unseen, err := source.Locked(ctx, s.Keys, stopping)
	if err != nil {
		return p, err
	}
	for _, f := range stopping {
		id := aws.ToString(f.Instance.InstanceId)
		if over := f.OverQuota(); over != nil {
			reasons[id] = *over
		}
		if _, refused := reasons[id]; !refused {
			p.Ask = append(p.Ask, id)
		}
	}
	p = noted(p, unseen)
	if r := p.Run.Request; r != nil && r.Source != "" {
		return p, nil
	}
	return s.leave(ctx, p, stopping, reasons)
}

// noted is the page with a note at those whose keys cannot be looked at.
func noted(p job.Batch, unseen []string) job.Batch {
	for i, src := range p.Sources {
		if slices.Contains(unseen, src.ID) {
			p.Sources[i].Notes = append(src.Notes, job.KeyUnseen)
		}
	}
	return p
}

// held is why nothing may be stopped: instances are down that the ledger does not know of, so that it does not know
// who else is. nil when nothing is to be stopped, or all is well.
func (s Step) held(ctx context.Context, p job.Batch, stopping int) (*job.Reason, error) {
	if stopping == 0 {
		return nil, nil
	}
	tagged, err := source.DownWith(ctx, s.EC2, tag.Stopped)
	if err != nil {
		return nil, err
	}
	lost, err := bound.Lost(ctx, s.Ledger, job.MachineOf(p.Execution), tagged)
	if err != nil || len(lost) == 0 {
		return nil, err
	}
	return bound.Held(lost), nil
}

// leave takes sources off the page, with the reason why.
func (s Step) leave(
	ctx context.Context, p job.Batch, found []source.Facts, reasons map[string]job.Reason,
) (job.Batch, error) {
	for _, f := range found {
		id := aws.ToString(f.Instance.InstanceId)
		reason, bad := reasons[id]
		if !bad {
			continue
		}
		p.Sources = slices.DeleteFunc(p.Sources, func(src job.Source) bool { return src.ID == id })
		src := job.Source{ID: id, Kind: job.Instance, Name: source.Name(source.Tags(f.Instance), id)}
		if err := s.skip(ctx, p, src, reason); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (s Step) place(ctx context.Context, p *job.Batch, f source.Facts) error {
	id := aws.ToString(f.Instance.InstanceId)
	src := job.Source{ID: id, Kind: job.Instance}
	if r := p.Run.Request; r != nil && r.Source == id {
		src.Kind = r.Kind
	}
	if reason := source.Never(f); reason != nil {
		src.Name = source.Name(source.Tags(f.Instance), id)
		return s.skip(ctx, *p, src, *reason)
	}
	src.Notes = notes(f)
	p.Sources = append(p.Sources, src)
	return nil
}

// notes are the facts that claim does not ask for again. They say what is, not
// what this look makes of it: the instance may be in another state by then.
func notes(f source.Facts) (codes []job.ReasonCode) {
	if f.InstanceStore {
		codes = append(codes, job.InstanceStoreData)
	}
	if f.StoreUnseen {
		codes = append(codes, job.StoreUnseen)
	}
	if f.SlowVolume {
		codes = append(codes, job.SlowVolume)
	}
	if f.OneTimeSpot {
		codes = append(codes, job.OneTimeSpot)
	}
	if len(f.ImageKeys()) > 0 {
		codes = append(codes, job.Encrypted)
	}
	return codes
}

func (s Step) skip(ctx context.Context, p job.Batch, src job.Source, reason job.Reason) error {
	j := job.Job{Run: p.Run, Source: src, Skip: &reason}
	if err := s.Ledger.PutResult(ctx, j.ResultOf(job.Skipped, s.Now().UTC())); err != nil {
		return fmt.Errorf("recording why %s is skipped: %w", src.ID, err)
	}
	return nil
}
