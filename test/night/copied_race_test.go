package night_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"goldsmith/functions/rollback"
	"goldsmith/local/account"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// A rollback may come before any call that function copy makes while a copy is rolled in its Region: the Region ends at
// the copy of what home goes back to, or the rollback says that it is to be asked again, and then does so.
func TestARollbackAtAnyMomentOfRollingACopy(t *testing.T) {
	t.Parallel()
	calm := &interruption{}
	interrupted(t, calm)
	if len(calm.met) == 0 {
		t.Fatal("function copy makes no call")
	}
	there := slices.Index(calm.met, "Settle") - 1 // Until then each look is like the one before.
	for nth, call := range calm.met {
		if nth < there-2 {
			continue
		}
		for _, fails := range []bool{false, true} {
			if fails && isRead(call) {
				continue
			}
			t.Run(fmt.Sprintf("%d, before %s, which fails: %t", nth, call, fails), func(t *testing.T) {
				t.Parallel()
				i := &interruption{nth: nth + 1, fails: fails}
				interrupted(t, i)
				if i.answer == nil {
					t.Error("the call was not met again: two nights of one seed differ")
				}
			})
		}
	}
}

// interrupted is the second night of an image, with a rollback while its copy is rolled.
func interrupted(t *testing.T, i *interruption) {
	t.Helper()
	o := rolledAfar()
	o.Ledger, o.Guard = &interruptedLedger{Ledger: ledger.NewMemory(), i: i}, guarded(i.calls)
	play(t, o, func(n *night) {
		n.excused.slack = true // the rollback is told as well
		web := n.launch("web", "gp3")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		first := n.results(n.nights(0))[web].Copies[0].ID
		i.do = func() (rollback.Answer, error) { return n.rolledBackOnce(event.Rollback{Name: "web", By: "ada"}) }
		var watched func(work)
		watched = func(work) {
			i.arm(true)
			n.after("copy", web, func(work) { i.arm(false); n.at("copy", web, watched) })
		}
		n.after("copy", web, func(work) { n.at("copy", web, watched) }) // The first asks for the copies.
		second := n.results(n.nights(1))[web].Copies[0].ID
		time.Sleep(5 * time.Minute)
		want := second
		if i.answer != nil {
			want = first
			n.ok(i.failed)
			n.askedAgain(*i.answer)
		}
		n.want("launched there", []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")}, []string{want, want})
	})
}

// askedAgain asks for a rollback again as long as its answer says so.
func (n *night) askedAgain(a rollback.Answer) {
	n.t.Helper()
	for range 3 {
		again := false
		for _, each := range a.Targets {
			again = again || strings.Contains(each.Problem, "again")
			if each.Problem != "" && !strings.Contains(each.Problem, "again") {
				n.t.Errorf("%s in %q is told as %q", each.Target, each.Region, each.Problem)
			}
		}
		if !again {
			return
		}
		time.Sleep(3 * time.Minute)
		a = n.rollBack(event.Rollback{Name: "web", By: "ada"})
	}
	n.t.Error("the rollback is to be asked again for good")
}

// interruption does something before one of the calls that are made while it is armed.
type interruption struct {
	mu     sync.Mutex
	armed  bool
	inside bool
	met    []string
	// nth is before which of the calls, the first being 1; 0 is before none.
	nth int
	// fails is whether that call comes to nothing.
	fails  bool
	do     func() (rollback.Answer, error)
	answer *rollback.Answer
	failed error
}

func (i *interruption) arm(armed bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.armed = armed
}

// meet reports whether the call comes to nothing.
func (i *interruption) meet(call string) (fails bool) {
	i.mu.Lock()
	due := false
	if i.armed && !i.inside {
		i.met = append(i.met, call)
		due = len(i.met) == i.nth
		i.inside = due
	}
	i.mu.Unlock()
	if !due {
		return false
	}
	a, err := i.do()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer, i.failed, i.inside = &a, err, false
	return i.fails
}

// calls are those of AWS.
func (i *interruption) calls(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(query.CallerHeader) != "" && i.meet(account.Operation(r)) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// interruptedLedger meets the ledger's calls.
type interruptedLedger struct {
	ledger.Ledger
	i *interruption
}

func (l *interruptedLedger) Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error) {
	if l.i.meet("Register") {
		return r, errBroken
	}
	return l.Ledger.Register(ctx, r)
}

func (l *interruptedLedger) Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error) {
	if l.i.meet("Amend") {
		return r, errBroken
	}
	return l.Ledger.Amend(ctx, r)
}

func (l *interruptedLedger) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	l.i.meet("Targets")
	return l.Ledger.Targets(ctx, source)
}

func (l *interruptedLedger) PutTarget(ctx context.Context, t ledger.TargetRecord) (ledger.TargetRecord, error) {
	if l.i.meet("PutTarget") {
		return t, errBroken
	}
	return l.Ledger.PutTarget(ctx, t)
}

func (l *interruptedLedger) Registrations(
	ctx context.Context, lineage string,
) iter.Seq2[ledger.Registration, error] {
	l.i.meet("Registrations")
	return l.Ledger.Registrations(ctx, lineage)
}

func (l *interruptedLedger) PutResult(ctx context.Context, r job.Result) error {
	if l.i.meet("PutResult") {
		return errBroken
	}
	return l.Ledger.PutResult(ctx, r)
}
