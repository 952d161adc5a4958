package ledger

import (
	"context"
	"iter"
	"time"
)

// Register implements Ledger.
func (m *Memory) Register(ctx context.Context, r Registration) (Registration, error) {
	return add(ctx, memoryRows{m}, r)
}

// Amend implements Ledger.
func (m *Memory) Amend(ctx context.Context, r Registration) (Registration, error) {
	return amend(ctx, memoryRows{m}, r)
}

// Settle implements Ledger.
func (m *Memory) Settle(ctx context.Context, r Registration) error {
	return settle(ctx, memoryRows{m}, r)
}

// Retire implements Ledger.
func (m *Memory) Retire(ctx context.Context, r Registration, at time.Time) error {
	return retire(ctx, memoryRows{m}, r, at)
}

// Registration implements Ledger.
func (m *Memory) Registration(ctx context.Context, id string) (r Registration, ok bool, err error) {
	return find(ctx, memoryRows{m}, id)
}

// Registrations implements Ledger.
func (m *Memory) Registrations(ctx context.Context, lineage string) iter.Seq2[Registration, error] {
	return list(ctx, memoryRows{m}, lineage)
}

// Unsettled implements Ledger.
func (m *Memory) Unsettled(ctx context.Context) iter.Seq2[Registration, error] {
	return listUnsettled(ctx, memoryRows{m})
}

// Since implements Ledger.
func (m *Memory) Since(ctx context.Context, now time.Time) (time.Time, error) {
	return since(ctx, memoryRows{m}, now)
}

// Heard implements Ledger.
func (m *Memory) Heard(ctx context.Context, until time.Time) error {
	return heard(ctx, memoryRows{m}, until)
}

// Sight implements Ledger.
func (m *Memory) Sight(ctx context.Context, key string, now time.Time) (Sighting, error) {
	return sight(ctx, memoryRows{m}, key, now)
}

// Owner implements Ledger.
func (m *Memory) Owner(ctx context.Context, name string) (o Owner, ok bool, err error) {
	return owner(ctx, memoryRows{m}, name)
}

// PutOwner implements Ledger.
func (m *Memory) PutOwner(ctx context.Context, o Owner) (Owner, error) {
	return putOwner(ctx, memoryRows{m}, o)
}

// memoryRows are the memory's rows as the register reads and writes them.
type memoryRows struct{ m *Memory }

func (s memoryRows) read(ctx context.Context, k key) (doc string, ok bool, err error) {
	err = s.m.change(ctx, k, func(old row, exists bool) (row, bool) {
		doc, ok = old.doc, exists
		return old, exists
	})
	return doc, ok, err
}

func (s memoryRows) add(ctx context.Context, k key, holder, doc string) (existing string, added bool, err error) {
	err = s.m.change(ctx, k, func(old row, exists bool) (row, bool) {
		if added = !exists; added {
			return row{holder: holder, doc: doc}, true
		}
		existing = old.doc
		return old, true
	})
	return existing, added, err
}

func (s memoryRows) swap(ctx context.Context, k key, known, holder, doc string) (ok bool, err error) {
	err = s.m.change(ctx, k, func(old row, exists bool) (row, bool) {
		if ok = old.holder == known; ok {
			return row{holder: holder, doc: doc}, true
		}
		return old, exists
	})
	return ok, err
}

func (s memoryRows) set(ctx context.Context, k key, holder, doc string, _ time.Time) error {
	return s.m.change(ctx, k, func(row, bool) (row, bool) { return row{holder: holder, doc: doc}, true })
}

func (s memoryRows) take(ctx context.Context, k key, holder string) error {
	return s.m.remove(ctx, k, holder)
}

func (s memoryRows) under(ctx context.Context, partition, prefix string) iter.Seq2[record, error] {
	return s.m.docs(ctx, partition, prefix)
}
