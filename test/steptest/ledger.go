package steptest

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/aws/smithy-go"

	"goldsmith/local/inject"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Ledger is a ledger in memory whose calls are part of the transcript and can
// be made to fail. Kept is the same ledger without either, for the scene.
type Ledger struct {
	Kept    *ledger.Memory
	journal *journal
	broken  inject.Set
}

func newLedger(j *journal) *Ledger { return &Ledger{Kept: ledger.NewMemory(), journal: j} }

// Break makes the next calls of a method fail before they have any effect.
func (l *Ledger) Break(method string, times int) {
	l.broken.Inject(inject.Fault{Action: method, Code: "ProvisionedThroughputExceededException", Times: times})
}

// Lose makes the next calls of a method fail after they had their effect.
func (l *Ledger) Lose(method string, times int) {
	l.broken.Inject(inject.Fault{Action: method, Drop: true, Times: times})
}

// called writes the call down, makes it unless it is to fail, and returns its error.
func (l *Ledger) called(method string, do func() error) error {
	striking := slices.Concat(l.journal.add(method), l.broken.Strike(inject.Call{Action: method, At: time.Now()}))
	if f, strikes := striking.Before(); strikes {
		return &smithy.GenericAPIError{Code: f.Code, Message: "The ledger is busy."}
	}
	if err := do(); err != nil {
		return err
	}
	if _, strikes := striking.After(); strikes {
		return context.DeadlineExceeded
	}
	return nil
}

// Claim implements ledger.Ledger.
func (l *Ledger) Claim(ctx context.Context, c ledger.Claim) (held ledger.Claim, err error) {
	err = l.called("Claim", func() (err error) { held, err = l.Kept.Claim(ctx, c); return err })
	return held, err
}

// Record implements ledger.Ledger.
func (l *Ledger) Record(ctx context.Context, c ledger.Claim) error {
	return l.called("Record", func() error { return l.Kept.Record(ctx, c) })
}

// Drop implements ledger.Ledger.
func (l *Ledger) Drop(ctx context.Context, source, run string) error {
	return l.called("Drop", func() error { return l.Kept.Drop(ctx, source, run) })
}

// DropUnstopped implements ledger.Ledger.
func (l *Ledger) DropUnstopped(ctx context.Context, source, run string) (dropped bool, err error) {
	err = l.called("DropUnstopped", func() error {
		dropped, err = l.Kept.DropUnstopped(ctx, source, run)
		return err
	})
	return dropped, err
}

// Claims implements ledger.Ledger.
func (l *Ledger) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return listed(l, "Claims", l.Kept.Claims(ctx))
}

// Take implements ledger.Ledger.
func (l *Ledger) Take(ctx context.Context, s ledger.Slot, before time.Time) (mine bool, err error) {
	err = l.called("Take", func() (err error) { mine, err = l.Kept.Take(ctx, s, before); return err })
	return mine, err
}

// Free implements ledger.Ledger.
func (l *Ledger) Free(ctx context.Context, s ledger.Slot) error {
	return l.called("Free", func() error { return l.Kept.Free(ctx, s) })
}

// Slots implements ledger.Ledger.
func (l *Ledger) Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error] {
	return listed(l, "Slots", l.Kept.Slots(ctx, plan))
}

// Reserve implements ledger.Ledger.
func (l *Ledger) Reserve(
	ctx context.Context, r ledger.Row, now time.Time, patience time.Duration,
) (at time.Time, ok bool, err error) {
	err = l.called("Reserve", func() (err error) { at, ok, err = l.Kept.Reserve(ctx, r, now, patience); return err })
	return at, ok, err
}

// Await implements ledger.Ledger.
func (l *Ledger) Await(ctx context.Context, w ledger.Wait) error {
	return l.called("Await", func() error { return l.Kept.Await(ctx, w) })
}

// Waits implements ledger.Ledger.
func (l *Ledger) Waits(ctx context.Context, resource string) (waits []ledger.Wait, err error) {
	err = l.called("Waits", func() (err error) { waits, err = l.Kept.Waits(ctx, resource); return err })
	return waits, err
}

// Done implements ledger.Ledger.
func (l *Ledger) Done(ctx context.Context, w ledger.Wait) error {
	return l.called("Done", func() error { return l.Kept.Done(ctx, w) })
}

// PutResult implements ledger.Ledger.
func (l *Ledger) PutResult(ctx context.Context, r job.Result) error {
	return l.called("PutResult", func() error { return l.Kept.PutResult(ctx, r) })
}

// Results implements ledger.Ledger.
func (l *Ledger) Results(ctx context.Context, run string) iter.Seq2[job.Result, error] {
	return listed(l, "Results", l.Kept.Results(ctx, run))
}

// PutRetirement implements ledger.Ledger.
func (l *Ledger) PutRetirement(ctx context.Context, r job.Retirement) error {
	return l.called("PutRetirement", func() error { return l.Kept.PutRetirement(ctx, r) })
}

// Retirements implements ledger.Ledger.
func (l *Ledger) Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error] {
	return listed(l, "Retirements", l.Kept.Retirements(ctx, plan))
}

// PutRun implements ledger.Ledger.
func (l *Ledger) PutRun(ctx context.Context, r ledger.Run) error {
	return l.called("PutRun", func() error { return l.Kept.PutRun(ctx, r) })
}

// GetRun implements ledger.Ledger.
func (l *Ledger) GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error) {
	err = l.called("GetRun", func() (err error) { r, ok, err = l.Kept.GetRun(ctx, name); return err })
	return r, ok, err
}

// Notifying implements ledger.Ledger.
func (l *Ledger) Notifying(ctx context.Context, run string, at time.Time) (mine bool, err error) {
	err = l.called("Notifying", func() (err error) { mine, err = l.Kept.Notifying(ctx, run, at); return err })
	return mine, err
}

// Notified implements ledger.Ledger.
func (l *Ledger) Notified(ctx context.Context, run string, at time.Time) (first bool, err error) {
	err = l.called("Notified", func() (err error) { first, err = l.Kept.Notified(ctx, run, at); return err })
	return first, err
}

// GetRequest implements ledger.Ledger.
func (l *Ledger) GetRequest(ctx context.Context, source string) (r ledger.Request, ok bool, err error) {
	err = l.called("GetRequest", func() (err error) { r, ok, err = l.Kept.GetRequest(ctx, source); return err })
	return r, ok, err
}

// PutRequest implements ledger.Ledger.
func (l *Ledger) PutRequest(ctx context.Context, r ledger.Request) (put ledger.Request, err error) {
	err = l.called("PutRequest", func() (err error) { put, err = l.Kept.PutRequest(ctx, r); return err })
	return put, err
}

// Requests implements ledger.Ledger.
func (l *Ledger) Requests(ctx context.Context) iter.Seq2[ledger.Request, error] {
	return listed(l, "Requests", l.Kept.Requests(ctx))
}

// DropRequest implements ledger.Ledger.
func (l *Ledger) DropRequest(ctx context.Context, r ledger.Request) error {
	return l.called("DropRequest", func() error { return l.Kept.DropRequest(ctx, r) })
}

// Targets implements ledger.Ledger.
func (l *Ledger) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	return listed(l, "Targets", l.Kept.Targets(ctx, source))
}

// Held implements ledger.Ledger.
func (l *Ledger) Held(ctx context.Context) iter.Seq2[ledger.TargetRecord, error] {
	return listed(l, "Held", l.Kept.Held(ctx))
}

// PutTarget implements ledger.Ledger.
func (l *Ledger) PutTarget(ctx context.Context, t ledger.TargetRecord) (put ledger.TargetRecord, err error) {
	err = l.called("PutTarget", func() (err error) { put, err = l.Kept.PutTarget(ctx, t); return err })
	return put, err
}

// Register implements ledger.Ledger.
func (l *Ledger) Register(ctx context.Context, r ledger.Registration) (put ledger.Registration, err error) {
	err = l.called("Register", func() (err error) { put, err = l.Kept.Register(ctx, r); return err })
	return put, err
}

// Amend implements ledger.Ledger.
func (l *Ledger) Amend(ctx context.Context, r ledger.Registration) (put ledger.Registration, err error) {
	err = l.called("Amend", func() (err error) { put, err = l.Kept.Amend(ctx, r); return err })
	return put, err
}

// Settle implements ledger.Ledger.
func (l *Ledger) Settle(ctx context.Context, r ledger.Registration) error {
	return l.called("Settle", func() error { return l.Kept.Settle(ctx, r) })
}

// Retire implements ledger.Ledger.
func (l *Ledger) Retire(ctx context.Context, r ledger.Registration, at time.Time) error {
	return l.called("Retire", func() error { return l.Kept.Retire(ctx, r, at) })
}

// Registration implements ledger.Ledger.
func (l *Ledger) Registration(ctx context.Context, id string) (r ledger.Registration, ok bool, err error) {
	err = l.called("Registration", func() (err error) { r, ok, err = l.Kept.Registration(ctx, id); return err })
	return r, ok, err
}

// Registrations implements ledger.Ledger.
func (l *Ledger) Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error] {
	return listed(l, "Registrations", l.Kept.Registrations(ctx, lineage))
}

// Unsettled implements ledger.Ledger.
func (l *Ledger) Unsettled(ctx context.Context) iter.Seq2[ledger.Registration, error] {
	return listed(l, "Unsettled", l.Kept.Unsettled(ctx))
}

// Owner implements ledger.Ledger.
func (l *Ledger) Owner(ctx context.Context, name string) (o ledger.Owner, ok bool, err error) {
	err = l.called("Owner", func() (err error) { o, ok, err = l.Kept.Owner(ctx, name); return err })
	return o, ok, err
}

// Since implements ledger.Ledger.
func (l *Ledger) Since(ctx context.Context, now time.Time) (at time.Time, err error) {
	err = l.called("Since", func() (err error) { at, err = l.Kept.Since(ctx, now); return err })
	return at, err
}

// Heard implements ledger.Ledger.
func (l *Ledger) Heard(ctx context.Context, until time.Time) error {
	return l.called("Heard", func() error { return l.Kept.Heard(ctx, until) })
}

// Sight implements ledger.Ledger.
func (l *Ledger) Sight(ctx context.Context, key string, now time.Time) (seen ledger.Sighting, err error) {
	err = l.called("Sight", func() (err error) { seen, err = l.Kept.Sight(ctx, key, now); return err })
	return seen, err
}

// PutOwner implements ledger.Ledger.
func (l *Ledger) PutOwner(ctx context.Context, o ledger.Owner) (put ledger.Owner, err error) {
	err = l.called("PutOwner", func() (err error) { put, err = l.Kept.PutOwner(ctx, o); return err })
	return put, err
}

func listed[T any](l *Ledger, method string, list iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := l.called(method, func() error { return nil })
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		list(yield)
	}
}

var _ ledger.Ledger = (*Ledger)(nil)
