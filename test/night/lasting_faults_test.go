package night_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"goldsmith/local/account"
	"goldsmith/local/asl"
	"goldsmith/local/query"
	"goldsmith/local/slack"
	"goldsmith/local/stack"
)

// What may last, besides each call of AWS that is denied.
const (
	ledgerAway = "the ledger is away"
	tableLost  = "the ledger's table is lost, and comes back empty"
	slackGone  = "Slack is gone"
	cutShort   = "the run is aborted" // which lasts as long as nobody starts it again
)

// lasting is a fault that goes on from a moment: for a while, or for good.
type lasting struct {
	what string        // an action of AWS that is denied, or one of the above
	from time.Duration // since the run was due
	long time.Duration // 0 is for good
}

func (l lasting) String() string {
	what, long := l.what, "for good"
	if !strings.Contains(what, " ") {
		what += " is denied"
	}
	if l.long > 0 {
		long = "for " + l.long.String()
	}
	return fmt.Sprintf("%s, %s after %s", what, long, l.from)
}

// on reports whether the fault goes on now.
func (l lasting) on(due time.Time) bool {
	since := time.Since(due.Add(l.from))
	return since >= 0 && (l.long == 0 || since < l.long)
}

// lastingFaults are the faults of a night, as the functions meet them.
type lastingFaults struct {
	due    time.Time
	faults []lasting
	shelf  *shelf
	// concurrency is the plan's, and most how many of it were down at once.
	concurrency, most int

	mu    sync.Mutex
	met   map[string]bool // every action of AWS that was called
	tries []query.Record  // the calls that were denied
}

// of are the faults of one kind that go on now.
func (o *lastingFaults) of(what string) bool {
	return slices.ContainsFunc(o.faults, func(l lasting) bool { return l.what == what && l.on(o.due) })
}

// has reports whether a fault of a kind belongs to the night.
func (o *lastingFaults) has(what string) bool {
	return slices.ContainsFunc(o.faults, func(l lasting) bool { return l.what == what })
}

// lasts reports whether a fault of a kind never ends.
func (o *lastingFaults) lasts(what ...string) bool {
	return slices.ContainsFunc(o.faults, func(l lasting) bool { return l.long == 0 && slices.Contains(what, l.what) })
}

// begin lets the faults come that are no denied calls.
func (o *lastingFaults) begin(n *night) {
	for _, l := range o.faults {
		at := o.due.Add(l.from)
		switch l.what {
		case tableLost:
			time.AfterFunc(time.Until(at), o.shelf.lose)
		case cutShort:
			time.AfterFunc(time.Until(at), n.abortAll)
		case slackGone:
			var until time.Time
			if l.long > 0 {
				until = at.Add(l.long)
			}
			time.AfterFunc(time.Until(at), func() { n.Slack.Fail(slack.Failure{Status: http.StatusBadGateway}, until) })
		}
	}
}

// abortAll aborts every run that goes on.
func (n *night) abortAll() {
	for _, r := range n.runs() {
		if r.Status == asl.Running {
			n.ok(n.States.Stop(r.ARN, "", ""))
		}
	}
}

// guard stands between the functions and AWS.
func (o *lastingFaults) guard(s *stack.Stack) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := r.Header.Get(query.CallerHeader)
		if caller == "" || caller == "autoscaling" {
			s.ServeHTTP(w, r)
			return
		}
		action := account.Operation(r)
		denied := o.of(action)
		o.note(action, caller, denied)
		if !denied {
			s.ServeHTTP(w, r)
			return
		}
		account.Deny(w, r)
	})
}

func (o *lastingFaults) note(action, caller string, denied bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.met[action] = true
	if denied {
		o.tries = append(o.tries, query.Record{Time: time.Now(), Caller: caller, Action: action})
	}
}

// tried reports whether recover has made a call within its last sweep, and was denied it.
func (o *lastingFaults) tried() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.tries, func(c query.Record) bool {
		return strings.HasPrefix(c.Caller, "recover/") && time.Since(c.Time) <= sweep+time.Minute
	})
}
