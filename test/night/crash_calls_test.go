package night_test

import (
	"context"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"time"

	"goldsmith/local/account"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// What may go wrong with a call of AWS. A read has no effect that an answer could be lost of.
var (
	ofReads   = []kind{lost, refused, killedBefore}
	ofChanges = []kind{lost, unanswered, refused, killedBefore, killedAfter, hangs}
)

// wire stands between the functions and AWS.
type wire struct{ aws http.Handler }

// ServeHTTP serves the call, or breaks it.
func (s wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i := invocationOf(r.Context())
	if i == nil {
		s.aws.ServeHTTP(w, r)
		return
	}
	action := account.Operation(r)
	kinds := ofChanges
	if isRead(action) {
		kinds = ofReads
	}
	switch i.meets(action, kinds...) {
	case lost:
	case unanswered:
		s.aws.ServeHTTP(httptest.NewRecorder(), r)
	case refused:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case killedBefore:
		i.kill()
	case killedAfter:
		s.aws.ServeHTTP(httptest.NewRecorder(), r)
		i.kill()
	case hangs:
		s.aws.ServeHTTP(httptest.NewRecorder(), r)
		i.die("Sandbox.Timedout")
		<-r.Context().Done()
	default:
		s.aws.ServeHTTP(w, r)
		return
	}
	panic(http.ErrAbortHandler)
}

// chaosLedger stands between the functions and the ledger.
type chaosLedger struct{ ledger.Ledger }

// errBroken is what a client sees of a broken connection.
var errBroken = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// do makes a call of the ledger, or breaks it.
func (b chaosLedger) do(ctx context.Context, call string, kinds []kind, act func() error) error {
	i := invocationOf(ctx)
	if i == nil {
		return act()
	}
	switch i.meets("ledger "+call, kinds...) {
	case lost, refused:
		return errBroken
	case unanswered:
		if err := act(); err != nil {
			return err
		}
		return errBroken
	case killedBefore:
		i.kill()
		return ctx.Err()
	case killedAfter:
		_ = act()
		i.kill()
		return ctx.Err()
	default:
		return act()
	}
}

// Of the ledger's calls only the first of several attempts is told apart, so
// that lost is the first, and refused all of them.
var (
	looks  = []kind{lost, killedBefore}
	writes = []kind{lost, unanswered, killedBefore, killedAfter}
)

func (b chaosLedger) Claim(ctx context.Context, c ledger.Claim) (got ledger.Claim, err error) {
	err = b.do(ctx, "Claim", writes, func() error { got, err = b.Ledger.Claim(ctx, c); return err })
	return got, err
}

func (b chaosLedger) Record(ctx context.Context, c ledger.Claim) error {
	return b.do(ctx, "Record", writes, func() error { return b.Ledger.Record(ctx, c) })
}

func (b chaosLedger) Drop(ctx context.Context, source, run string) error {
	return b.do(ctx, "Drop", writes, func() error { return b.Ledger.Drop(ctx, source, run) })
}

func (b chaosLedger) DropUnstopped(ctx context.Context, source, run string) (dropped bool, err error) {
	err = b.do(ctx, "DropUnstopped", writes, func() error {
		dropped, err = b.Ledger.DropUnstopped(ctx, source, run)
		return err
	})
	return dropped, err
}

func (b chaosLedger) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return all(ctx, b, "Claims", b.Ledger.Claims(ctx))
}

func (b chaosLedger) Take(ctx context.Context, s ledger.Slot, before time.Time) (mine bool, err error) {
	err = b.do(ctx, "Take", writes, func() error { mine, err = b.Ledger.Take(ctx, s, before); return err })
	return mine, err
}

func (b chaosLedger) Free(ctx context.Context, s ledger.Slot) error {
	return b.do(ctx, "Free", writes, func() error { return b.Ledger.Free(ctx, s) })
}

func (b chaosLedger) Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error] {
	return all(ctx, b, "Slots", b.Ledger.Slots(ctx, plan))
}

func (b chaosLedger) Await(ctx context.Context, w ledger.Wait) error {
	return b.do(ctx, "Await", writes, func() error { return b.Ledger.Await(ctx, w) })
}

func (b chaosLedger) Waits(ctx context.Context, resource string) (got []ledger.Wait, err error) {
	err = b.do(ctx, "Waits", looks, func() error { got, err = b.Ledger.Waits(ctx, resource); return err })
	return got, err
}

func (b chaosLedger) Done(ctx context.Context, w ledger.Wait) error {
	return b.do(ctx, "Done", writes, func() error { return b.Ledger.Done(ctx, w) })
}

func (b chaosLedger) PutResult(ctx context.Context, r job.Result) error {
	return b.do(ctx, "PutResult", writes, func() error { return b.Ledger.PutResult(ctx, r) })
}

func (b chaosLedger) Results(ctx context.Context, run string) iter.Seq2[job.Result, error] {
	return all(ctx, b, "Results", b.Ledger.Results(ctx, run))
}

func (b chaosLedger) PutRetirement(ctx context.Context, r job.Retirement) error {
	return b.do(ctx, "PutRetirement", writes, func() error { return b.Ledger.PutRetirement(ctx, r) })
}

func (b chaosLedger) Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error] {
	return all(ctx, b, "Retirements", b.Ledger.Retirements(ctx, plan))
}

func (b chaosLedger) PutRun(ctx context.Context, r ledger.Run) error {
	return b.do(ctx, "PutRun", writes, func() error { return b.Ledger.PutRun(ctx, r) })
}

func (b chaosLedger) GetRun(ctx context.Context, name string) (got ledger.Run, ok bool, err error) {
	err = b.do(ctx, "GetRun", looks, func() error { got, ok, err = b.Ledger.GetRun(ctx, name); return err })
	return got, ok, err
}

func (b chaosLedger) Notifying(ctx context.Context, run string, at time.Time) (mine bool, err error) {
	err = b.do(ctx, "Notifying", writes, func() error { mine, err = b.Ledger.Notifying(ctx, run, at); return err })
	return mine, err
}

func (b chaosLedger) Notified(ctx context.Context, run string, at time.Time) (first bool, err error) {
	err = b.do(ctx, "Notified", writes, func() error { first, err = b.Ledger.Notified(ctx, run, at); return err })
	return first, err
}

func (b chaosLedger) Register(ctx context.Context, r ledger.Registration) (got ledger.Registration, err error) {
	err = b.do(ctx, "Register", writes, func() error { got, err = b.Ledger.Register(ctx, r); return err })
	return got, err
}

func (b chaosLedger) Amend(ctx context.Context, r ledger.Registration) (got ledger.Registration, err error) {
	err = b.do(ctx, "Amend", writes, func() error { got, err = b.Ledger.Amend(ctx, r); return err })
	return got, err
}

func (b chaosLedger) Settle(ctx context.Context, r ledger.Registration) error {
	return b.do(ctx, "Settle", writes, func() error { return b.Ledger.Settle(ctx, r) })
}

func (b chaosLedger) Retire(ctx context.Context, r ledger.Registration, at time.Time) error {
	return b.do(ctx, "Retire", writes, func() error { return b.Ledger.Retire(ctx, r, at) })
}

func (b chaosLedger) Registration(ctx context.Context, id string) (got ledger.Registration, ok bool, err error) {
	err = b.do(ctx, "Registration", looks, func() error { got, ok, err = b.Ledger.Registration(ctx, id); return err })
	return got, ok, err
}

func (b chaosLedger) Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error] {
	return all(ctx, b, "Registrations", b.Ledger.Registrations(ctx, lineage))
}

func (b chaosLedger) Unsettled(ctx context.Context) iter.Seq2[ledger.Registration, error] {
	return all(ctx, b, "Unsettled", b.Ledger.Unsettled(ctx))
}

func (b chaosLedger) Owner(ctx context.Context, name string) (got ledger.Owner, ok bool, err error) {
	err = b.do(ctx, "Owner", looks, func() error { got, ok, err = b.Ledger.Owner(ctx, name); return err })
	return got, ok, err
}

func (b chaosLedger) Since(ctx context.Context, now time.Time) (at time.Time, err error) {
	err = b.do(ctx, "Since", looks, func() error { at, err = b.Ledger.Since(ctx, now); return err })
	return at, err
}

func (b chaosLedger) Heard(ctx context.Context, until time.Time) error {
	return b.do(ctx, "Heard", writes, func() error { return b.Ledger.Heard(ctx, until) })
}

func (b chaosLedger) Reserve(
	ctx context.Context, r ledger.Row, now time.Time, patience time.Duration,
) (at time.Time, ok bool, err error) {
	err = b.do(ctx, "Reserve", writes, func() error { at, ok, err = b.Ledger.Reserve(ctx, r, now, patience); return err })
	return at, ok, err
}

func (b chaosLedger) Sight(ctx context.Context, key string, now time.Time) (seen ledger.Sighting, err error) {
	err = b.do(ctx, "Sight", looks, func() error { seen, err = b.Ledger.Sight(ctx, key, now); return err })
	return seen, err
}

func (b chaosLedger) PutOwner(ctx context.Context, o ledger.Owner) (got ledger.Owner, err error) {
	err = b.do(ctx, "PutOwner", writes, func() error { got, err = b.Ledger.PutOwner(ctx, o); return err })
	return got, err
}

// all is a listing that breaks before its first item, if at all.
func all[T any](ctx context.Context, b chaosLedger, call string, items iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := b.do(ctx, call, looks, func() error { return nil }); err != nil {
			yield(*new(T), err)
			return
		}
		items(yield)
	}
}
