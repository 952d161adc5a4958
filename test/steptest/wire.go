package steptest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"goldsmith/local/account"
	"goldsmith/local/inject"
)

// journal is who was called, in order.
type journal struct {
	mu    sync.Mutex
	calls []string
	// disturbed are the calls that fail, how, and how many from which one on; from 1.
	disturbed    inject.Fault
	nth, howMany int
	// every are the calls of each operation that fail, in its place: from which call on they count, which one of them,
	// and again after so many; none when that is 0.
	from, which, every int
	counts             map[string]int
}

// add writes a call down, and says how it is to fail.
func (j *journal) add(call string) inject.Struck {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, call)
	if n := len(j.calls); n >= j.nth && n < j.nth+j.howMany || j.every > 0 && n >= j.from && j.counted(call) {
		return inject.Struck{j.disturbed}
	}
	return nil
}

// counted counts a call of an operation, and reports whether it is one that fails.
func (j *journal) counted(call string) bool {
	j.counts[call]++
	return (j.counts[call]-j.which)%j.every == 0
}

// disturb forgets the calls so far, and has some that come fail.
func (j *journal) disturb(nth, howMany int, f inject.Fault) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls, j.disturbed, j.nth, j.howMany, j.every = nil, f, nth, howMany, 0
	j.counts = map[string]int{}
}

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = nil
}

// String is the calls on one line; one that is repeated is written as call*times.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var words []string
	for n := 0; n < len(j.calls); {
		call, times := j.calls[n], 0
		for ; n < len(j.calls) && j.calls[n] == call; n++ {
			times++
		}
		if times > 1 {
			call = fmt.Sprintf("%s*%d", call, times)
		}
		words = append(words, call)
	}
	return strings.Join(words, " ")
}

// Attempts is how often a client tries one call.
const Attempts = 6

// Refuse makes the next calls of an operation fail. What goes wrong within EC2 is injected there: Cloud.Inject.
func (s *Stage) Refuse(operation, code string, times int) {
	s.account.Inject(inject.Fault{Action: operation, Code: code, Times: times})
}

// Allow takes back what is left of an operation's refusals.
func (s *Stage) Allow(operation string) { s.account.Forget(operation) }

// LoseAnswers makes the next calls of an operation have their effect and no answer.
func (s *Stage) LoseAnswers(operation string, times int) {
	s.account.Inject(inject.Fault{Action: operation, Drop: true, Times: times})
}

// serve is the account, which writes down each call and breaks those that the journal was told to.
func (s *Stage) serve(w http.ResponseWriter, r *http.Request) {
	account.Strike(s.journal.add(account.Operation(r)), s.account, w, r)
}

// Sent are the parameters of each call of an EC2 action so far, refused ones included.
func (s *Stage) Sent(action string) []url.Values {
	s.Helper()
	var sent []url.Values
	for _, r := range s.calls.Since(0) {
		if r.Action == action {
			form, err := url.ParseQuery(r.Form)
			s.Must(err)
			sent = append(sent, form)
		}
	}
	return sent
}
