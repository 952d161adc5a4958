package night_test

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// shelf is a ledger whose table is away for a while, or is lost and comes back empty. It is so for
// the functions only: a test may always look.
type shelf struct {
	mu    sync.Mutex
	table ledger.Ledger
	away  func() bool
}

// errNoTable is what DynamoDB answers when there is no such table (API reference, common errors).
var errNoTable = &smithy.OperationError{
	ServiceID: "DynamoDB", OperationName: "Query",
	Err: &types.ResourceNotFoundException{Message: aws.String("Requested resource not found")},
}

// lose replaces the table by an empty one.
func (s *shelf) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = ledger.NewMemory()
}

// open is the table, unless it is away.
func (s *shelf) open(ctx context.Context) (ledger.Ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, function := lambdacontext.FromContext(ctx); function && s.away != nil && s.away() {
		return nil, errNoTable
	}
	return s.table, nil
}

// take makes one call of the table that answers with something.
func take[T any](ctx context.Context, s *shelf, call func(ledger.Ledger) (T, error)) (T, error) {
	table, err := s.open(ctx)
	if err != nil {
		return *new(T), err
	}
	return call(table)
}

// find makes one call of the table that may find nothing.
func find[T any](ctx context.Context, s *shelf, call func(ledger.Ledger) (T, bool, error)) (T, bool, error) {
	table, err := s.open(ctx)
	if err != nil {
		return *new(T), false, err
	}
	return call(table)
}

// write makes one call of the table that answers with nothing.
func (s *shelf) write(ctx context.Context, call func(ledger.Ledger) error) error {
	table, err := s.open(ctx)
	if err != nil {
		return err
	}
	return call(table)
}

// list lists what the table holds.
func list[T any](ctx context.Context, s *shelf, call func(ledger.Ledger) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		table, err := s.open(ctx)
		if err != nil {
			yield(*new(T), err)
			return
		}
		call(table)(yield)
	}
}

func (s *shelf) Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error) {
	return take(ctx, s, func(l ledger.Ledger) (ledger.Claim, error) { return l.Claim(ctx, c) })
}

func (s *shelf) Record(ctx context.Context, c ledger.Claim) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.Record(ctx, c) })
}

func (s *shelf) DropUnstopped(ctx context.Context, source, run string) (dropped bool, err error) {
	err = s.write(ctx, func(l ledger.Ledger) error {
		dropped, err = l.DropUnstopped(ctx, source, run)
		return err
	})
	return dropped, err
}

func (s *shelf) Drop(ctx context.Context, source, run string) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.Drop(ctx, source, run) })
}

func (s *shelf) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return list(ctx, s, func(l ledger.Ledger) iter.Seq2[ledger.Claim, error] { return l.Claims(ctx) })
}

func (s *shelf) Take(ctx context.Context, slot ledger.Slot, before time.Time) (bool, error) {
	return take(ctx, s, func(l ledger.Ledger) (bool, error) { return l.Take(ctx, slot, before) })
}

func (s *shelf) Free(ctx context.Context, slot ledger.Slot) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.Free(ctx, slot) })
}

func (s *shelf) Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error] {
	return list(ctx, s, func(l ledger.Ledger) iter.Seq2[ledger.Slot, error] { return l.Slots(ctx, plan) })
}

func (s *shelf) Await(ctx context.Context, w ledger.Wait) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.Await(ctx, w) })
}

func (s *shelf) Waits(ctx context.Context, resource string) ([]ledger.Wait, error) {
	return take(ctx, s, func(l ledger.Ledger) ([]ledger.Wait, error) { return l.Waits(ctx, resource) })
}

func (s *shelf) Done(ctx context.Context, w ledger.Wait) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.Done(ctx, w) })
}

func (s *shelf) PutResult(ctx context.Context, r job.Result) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.PutResult(ctx, r) })
}

func (s *shelf) Results(ctx context.Context, run string) iter.Seq2[job.Result, error] {
	return list(ctx, s, func(l ledger.Ledger) iter.Seq2[job.Result, error] { return l.Results(ctx, run) })
}

func (s *shelf) PutRetirement(ctx context.Context, r job.Retirement) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.PutRetirement(ctx, r) })
}

func (s *shelf) Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error] {
	return list(ctx, s, func(l ledger.Ledger) iter.Seq2[job.Retirement, error] { return l.Retirements(ctx, plan) })
}

func (s *shelf) PutRun(ctx context.Context, r ledger.Run) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.PutRun(ctx, r) })
}

func (s *shelf) GetRun(ctx context.Context, name string) (ledger.Run, bool, error) {
	return find(ctx, s, func(l ledger.Ledger) (ledger.Run, bool, error) { return l.GetRun(ctx, name) })
}

func (s *shelf) Notifying(ctx context.Context, run string, at time.Time) (bool, error) {
	return take(ctx, s, func(l ledger.Ledger) (bool, error) { return l.Notifying(ctx, run, at) })
}

func (s *shelf) Notified(ctx context.Context, run string, at time.Time) (bool, error) {
	return take(ctx, s, func(l ledger.Ledger) (bool, error) { return l.Notified(ctx, run, at) })
}

func (s *shelf) GetRequest(ctx context.Context, source string) (ledger.Request, bool, error) {
	return find(ctx, s, func(l ledger.Ledger) (ledger.Request, bool, error) { return l.GetRequest(ctx, source) })
}

func (s *shelf) PutRequest(ctx context.Context, r ledger.Request) (ledger.Request, error) {
	return take(ctx, s, func(l ledger.Ledger) (ledger.Request, error) { return l.PutRequest(ctx, r) })
}

func (s *shelf) Requests(ctx context.Context) iter.Seq2[ledger.Request, error] {
	return list(ctx, s, func(l ledger.Ledger) iter.Seq2[ledger.Request, error] { return l.Requests(ctx) })
}

func (s *shelf) DropRequest(ctx context.Context, r ledger.Request) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.DropRequest(ctx, r) })
}

func (s *shelf) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	return list(ctx, s, func(l ledger.Ledger) iter.Seq2[ledger.TargetRecord, error] { return l.Targets(ctx, source) })
}

func (s *shelf) PutTarget(ctx context.Context, t ledger.TargetRecord) (ledger.TargetRecord, error) {
	return take(ctx, s, func(l ledger.Ledger) (ledger.TargetRecord, error) { return l.PutTarget(ctx, t) })
}

func (s *shelf) Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error) {
	return take(ctx, s, func(l ledger.Ledger) (ledger.Registration, error) { return l.Register(ctx, r) })
}

func (s *shelf) Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error) {
	return take(ctx, s, func(l ledger.Ledger) (ledger.Registration, error) { return l.Amend(ctx, r) })
}

func (s *shelf) Settle(ctx context.Context, r ledger.Registration) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.Settle(ctx, r) })
}

func (s *shelf) Retire(ctx context.Context, r ledger.Registration, at time.Time) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.Retire(ctx, r, at) })
}

func (s *shelf) Registration(ctx context.Context, id string) (ledger.Registration, bool, error) {
	return find(ctx, s, func(l ledger.Ledger) (ledger.Registration, bool, error) { return l.Registration(ctx, id) })
}

func (s *shelf) Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error] {
	return list(ctx, s,
		func(l ledger.Ledger) iter.Seq2[ledger.Registration, error] { return l.Registrations(ctx, lineage) })
}

func (s *shelf) Unsettled(ctx context.Context) iter.Seq2[ledger.Registration, error] {
	return list(ctx, s, func(l ledger.Ledger) iter.Seq2[ledger.Registration, error] { return l.Unsettled(ctx) })
}

func (s *shelf) Owner(ctx context.Context, name string) (ledger.Owner, bool, error) {
	return find(ctx, s, func(l ledger.Ledger) (ledger.Owner, bool, error) { return l.Owner(ctx, name) })
}

func (s *shelf) PutOwner(ctx context.Context, o ledger.Owner) (ledger.Owner, error) {
	return take(ctx, s, func(l ledger.Ledger) (ledger.Owner, error) { return l.PutOwner(ctx, o) })
}

func (s *shelf) Since(ctx context.Context, now time.Time) (time.Time, error) {
	return take(ctx, s, func(l ledger.Ledger) (time.Time, error) { return l.Since(ctx, now) })
}

func (s *shelf) Heard(ctx context.Context, until time.Time) error {
	return s.write(ctx, func(l ledger.Ledger) error { return l.Heard(ctx, until) })
}

func (s *shelf) Reserve(
	ctx context.Context, r ledger.Row, now time.Time, patience time.Duration,
) (time.Time, bool, error) {
	return find(ctx, s, func(l ledger.Ledger) (time.Time, bool, error) { return l.Reserve(ctx, r, now, patience) })
}

func (s *shelf) Sight(ctx context.Context, key string, now time.Time) (ledger.Sighting, error) {
	return take(ctx, s, func(l ledger.Ledger) (ledger.Sighting, error) { return l.Sight(ctx, key, now) })
}

func (s *shelf) Held(ctx context.Context) iter.Seq2[ledger.TargetRecord, error] {
	return list(ctx, s, func(l ledger.Ledger) iter.Seq2[ledger.TargetRecord, error] { return l.Held(ctx) })
}
