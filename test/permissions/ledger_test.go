package permissions

import (
	"context"
	"iter"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// shadowed is the ledger in memory, and before every call of it the calls of DynamoDB
// that the deployed ledger would make, whose answers count for nothing but permission.
type shadowed struct {
	memory *ledger.Memory
	dynamo *ledger.Dynamo
	// forgetful has the register know no image by its id, as after an update in the middle of a run.
	forgetful bool
}

func (s *shadowed) Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error) {
	if _, err := s.dynamo.Claim(ctx, c); err != nil {
		return ledger.Claim{}, err
	}
	return s.memory.Claim(ctx, c)
}

func (s *shadowed) Record(ctx context.Context, c ledger.Claim) error {
	return first(s.dynamo.Record(ctx, c), func() error { return s.memory.Record(ctx, c) })
}

func (s *shadowed) Drop(ctx context.Context, source, run string) error {
	return first(s.dynamo.Drop(ctx, source, run), func() error { return s.memory.Drop(ctx, source, run) })
}

func (s *shadowed) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return after(s.dynamo.Claims(ctx), s.memory.Claims(ctx))
}

func (s *shadowed) Take(ctx context.Context, slot ledger.Slot, before time.Time) (bool, error) {
	if _, err := s.dynamo.Take(ctx, slot, before); err != nil {
		return false, err
	}
	return s.memory.Take(ctx, slot, before)
}

func (s *shadowed) Free(ctx context.Context, slot ledger.Slot) error {
	return first(s.dynamo.Free(ctx, slot), func() error { return s.memory.Free(ctx, slot) })
}

func (s *shadowed) Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error] {
	return after(s.dynamo.Slots(ctx, plan), s.memory.Slots(ctx, plan))
}

func (s *shadowed) Await(ctx context.Context, w ledger.Wait) error {
	return first(s.dynamo.Await(ctx, w), func() error { return s.memory.Await(ctx, w) })
}

func (s *shadowed) Waits(ctx context.Context, resource string) ([]ledger.Wait, error) {
	if _, err := s.dynamo.Waits(ctx, resource); err != nil {
		return nil, err
	}
	return s.memory.Waits(ctx, resource)
}

func (s *shadowed) Done(ctx context.Context, w ledger.Wait) error {
	return first(s.dynamo.Done(ctx, w), func() error { return s.memory.Done(ctx, w) })
}

func (s *shadowed) PutResult(ctx context.Context, r job.Result) error {
	return first(s.dynamo.PutResult(ctx, r), func() error { return s.memory.PutResult(ctx, r) })
}

func (s *shadowed) Results(ctx context.Context, run string) iter.Seq2[job.Result, error] {
	return after(s.dynamo.Results(ctx, run), s.memory.Results(ctx, run))
}

func (s *shadowed) PutRetirement(ctx context.Context, r job.Retirement) error {
	return first(s.dynamo.PutRetirement(ctx, r), func() error { return s.memory.PutRetirement(ctx, r) })
}

func (s *shadowed) Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error] {
	return after(s.dynamo.Retirements(ctx, plan), s.memory.Retirements(ctx, plan))
}

func (s *shadowed) PutRun(ctx context.Context, r ledger.Run) error {
	return first(s.dynamo.PutRun(ctx, r), func() error { return s.memory.PutRun(ctx, r) })
}

func (s *shadowed) GetRun(ctx context.Context, name string) (ledger.Run, bool, error) {
	if _, _, err := s.dynamo.GetRun(ctx, name); err != nil {
		return ledger.Run{}, false, err
	}
	return s.memory.GetRun(ctx, name)
}

func (s *shadowed) Telling(ctx context.Context, run string, at time.Time) (bool, error) {
	if _, err := s.dynamo.Telling(ctx, run, at); err != nil {
		return false, err
	}
	return s.memory.Telling(ctx, run, at)
}

func (s *shadowed) GetRequest(ctx context.Context, source string) (ledger.Request, bool, error) {
	if _, _, err := s.dynamo.GetRequest(ctx, source); err != nil {
		return ledger.Request{}, false, err
	}
	return s.memory.GetRequest(ctx, source)
}

// PutRequest: as PutTarget.
func (s *shadowed) PutRequest(ctx context.Context, r ledger.Request) (ledger.Request, error) {
	if _, err := s.dynamo.PutRequest(ctx, r); err != nil {
		return r, err
	}
	return s.memory.PutRequest(ctx, r)
}

func (s *shadowed) Requests(ctx context.Context) iter.Seq2[ledger.Request, error] {
	return after(s.dynamo.Requests(ctx), s.memory.Requests(ctx))
}

func (s *shadowed) DropRequest(ctx context.Context, r ledger.Request) error {
	return first(s.dynamo.DropRequest(ctx, r), func() error { return s.memory.DropRequest(ctx, r) })
}

func (s *shadowed) Held(ctx context.Context) iter.Seq2[ledger.TargetRecord, error] {
	return after(s.dynamo.Held(ctx), s.memory.Held(ctx))
}

func (s *shadowed) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	return after(s.dynamo.Targets(ctx, source), s.memory.Targets(ctx, source))
}

// PutTarget: the embedded DynamoDB keeps nothing, so it is not asked for a revision that only the memory has.
func (s *shadowed) PutTarget(ctx context.Context, t ledger.TargetRecord) (ledger.TargetRecord, error) {
	if _, err := s.dynamo.PutTarget(ctx, t); err != nil {
		return t, err
	}
	return s.memory.PutTarget(ctx, t)
}

func (s *shadowed) Tell(ctx context.Context, run string, at time.Time) (bool, error) {
	if _, err := s.dynamo.Tell(ctx, run, at); err != nil {
		return false, err
	}
	return s.memory.Tell(ctx, run, at)
}

// Register, and what follows: the embedded DynamoDB keeps nothing, so what is read from it is nothing either.
func (s *shadowed) Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error) {
	if _, err := s.dynamo.Register(ctx, r); err != nil {
		return r, err
	}
	return s.memory.Register(ctx, r)
}

func (s *shadowed) Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error) {
	if _, err := s.dynamo.Amend(ctx, r); err != nil {
		return r, err
	}
	return s.memory.Amend(ctx, r)
}

func (s *shadowed) Settle(ctx context.Context, r ledger.Registration) error {
	return first(s.dynamo.Settle(ctx, r), func() error { return s.memory.Settle(ctx, r) })
}

func (s *shadowed) Retire(ctx context.Context, r ledger.Registration, at time.Time) error {
	return first(s.dynamo.Retire(ctx, r, at), func() error { return s.memory.Retire(ctx, r, at) })
}

func (s *shadowed) Registration(ctx context.Context, id string) (ledger.Registration, bool, error) {
	if _, _, err := s.dynamo.Registration(ctx, id); err != nil {
		return ledger.Registration{}, false, err
	}
	if s.forgetful {
		return ledger.Registration{}, false, nil
	}
	return s.memory.Registration(ctx, id)
}

func (s *shadowed) Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error] {
	return after(s.dynamo.Registrations(ctx, lineage), s.memory.Registrations(ctx, lineage))
}

func (s *shadowed) Unsettled(ctx context.Context) iter.Seq2[ledger.Registration, error] {
	return after(s.dynamo.Unsettled(ctx), s.memory.Unsettled(ctx))
}

func (s *shadowed) Owner(ctx context.Context, name string) (ledger.Owner, bool, error) {
	if _, _, err := s.dynamo.Owner(ctx, name); err != nil {
		return ledger.Owner{}, false, err
	}
	return s.memory.Owner(ctx, name)
}

func (s *shadowed) Since(ctx context.Context, now time.Time) (time.Time, error) {
	if _, err := s.dynamo.Since(ctx, now); err != nil {
		return time.Time{}, err
	}
	return s.memory.Since(ctx, now)
}

func (s *shadowed) PutOwner(ctx context.Context, o ledger.Owner) (ledger.Owner, error) {
	if _, err := s.dynamo.PutOwner(ctx, o); err != nil {
		return o, err
	}
	return s.memory.PutOwner(ctx, o)
}

func first(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// after yields what then has, unless the shadow's reading fails.
func after[T any](shadow, then iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for record, err := range shadow {
			if err != nil {
				yield(record, err)
				return
			}
		}
		then(yield)
	}
}
