package ledger

import (
	"context"
	"iter"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Register implements Ledger.
func (d *Dynamo) Register(ctx context.Context, r Registration) (Registration, error) {
	return add(ctx, d.table, r)
}

// Amend implements Ledger.
func (d *Dynamo) Amend(ctx context.Context, r Registration) (Registration, error) {
	return amend(ctx, d.table, r)
}

// Settle implements Ledger.
func (d *Dynamo) Settle(ctx context.Context, r Registration) error { return settle(ctx, d.table, r) }

// Retire implements Ledger.
func (d *Dynamo) Retire(ctx context.Context, r Registration, at time.Time) error {
	return retire(ctx, d.table, r, at)
}

// Registration implements Ledger.
func (d *Dynamo) Registration(ctx context.Context, id string) (r Registration, ok bool, err error) {
	return find(ctx, d.table, id)
}

// Registrations implements Ledger.
func (d *Dynamo) Registrations(ctx context.Context, lineage string) iter.Seq2[Registration, error] {
	return list(ctx, d.table, lineage)
}

// Unsettled implements Ledger.
func (d *Dynamo) Unsettled(ctx context.Context) iter.Seq2[Registration, error] {
	return listUnsettled(ctx, d.table)
}

// Since implements Ledger.
func (d *Dynamo) Since(ctx context.Context, now time.Time) (time.Time, error) {
	return since(ctx, d.table, now)
}

// Heard implements Ledger.
func (d *Dynamo) Heard(ctx context.Context, until time.Time) error { return heard(ctx, d.table, until) }

// Sight implements Ledger.
func (d *Dynamo) Sight(ctx context.Context, key string, now time.Time) (Sighting, error) {
	return sight(ctx, d.table, key, now)
}

// Owner implements Ledger.
func (d *Dynamo) Owner(ctx context.Context, name string) (o Owner, ok bool, err error) {
	return owner(ctx, d.table, name)
}

// PutOwner implements Ledger.
func (d *Dynamo) PutOwner(ctx context.Context, o Owner) (Owner, error) {
	return putOwner(ctx, d.table, o)
}

func (t table) read(ctx context.Context, k key) (doc string, ok bool, err error) {
	stored, err := t.get(ctx, k)
	return textOf(stored, docAttribute), stored != nil, err
}

func (t table) add(ctx context.Context, k key, holder, doc string) (existing string, added bool, err error) {
	stored, added, err := t.insert(ctx, k, item{holderAttribute: text(holder), docAttribute: text(doc)})
	return textOf(stored, docAttribute), added, err
}

func (t table) swap(ctx context.Context, k key, known, holder, doc string) (bool, error) {
	// The new holder is this one call: when the SDK repeats it after a lost answer it must be let through again.
	condition, values := "attribute_not_exists(holder) OR holder = :new", item{":doc": text(doc), ":new": text(holder)}
	if known != "" {
		condition, values[":known"] = "holder = :known OR holder = :new", text(known)
	}
	return t.update(ctx, k, "SET doc = :doc, holder = :new", condition, values)
}

func (t table) set(ctx context.Context, k key, holder, doc string, ends time.Time) error {
	attributes := item{holderAttribute: text(holder), docAttribute: text(doc)}
	if !ends.IsZero() {
		attributes[TTLAttribute] = &types.AttributeValueMemberN{Value: strconv.FormatInt(ends.Unix(), 10)}
	}
	return t.put(ctx, k, attributes)
}

func (t table) take(ctx context.Context, k key, holder string) error { return t.remove(ctx, k, holder) }
