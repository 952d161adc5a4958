package steptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"goldsmith/local/account"
)

// journal is who was called, in order.
type journal struct {
	mu    sync.Mutex
	calls []string
	// disturbed are the calls that fail, how, and how many from which one on; from 1.
	disturbed    failure
	nth, howMany int
	// every are the calls of each operation that fail, in its place: from which call on they count, which one of them,
	// and again after so many; none when that is 0.
	from, which, every int
	counts             map[string]int
}

// add writes a call down, and says how it is to fail.
func (j *journal) add(call string) failure {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, call)
	if n := len(j.calls); n >= j.nth && n < j.nth+j.howMany || j.every > 0 && n >= j.from && j.counted(call) {
		return j.disturbed
	}
	return failure{}
}

// counted counts a call of an operation, and reports whether it is one that fails.
func (j *journal) counted(call string) bool {
	j.counts[call]++
	return (j.counts[call]-j.which)%j.every == 0
}

// disturb forgets the calls so far, and has some that come fail.
func (j *journal) disturb(nth, howMany int, f failure) {
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

// breaks are the calls that are to fail, by name.
type breaks struct {
	mu      sync.Mutex
	pending map[string][]failure
}

// failure is an error code, or a connection lost after the effect.
type failure struct {
	code string
	lost bool
}

func (b *breaks) add(call string, f failure, times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pending == nil {
		b.pending = map[string][]failure{}
	}
	for range times {
		b.pending[call] = append(b.pending[call], f)
	}
}

func (b *breaks) next(call string) failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	waiting := b.pending[call]
	if len(waiting) == 0 {
		return failure{}
	}
	b.pending[call] = waiting[1:]
	return waiting[0]
}

func (b *breaks) clear(call string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pending, call)
}

// Attempts is how often a client tries one call.
const Attempts = 6

// Refuse makes the next calls of an operation of Systems Manager, Auto Scaling, Step
// Functions or Secrets Manager fail. EC2 has faults of its own: Cloud.Inject.
func (s *Stage) Refuse(operation, code string, times int) {
	s.broken.add(operation, failure{code: code}, times)
}

// Allow takes back what is left of an operation's refusals.
func (s *Stage) Allow(operation string) { s.broken.clear(operation) }

// LoseAnswers makes the next calls of such an operation have their effect and no answer.
func (s *Stage) LoseAnswers(operation string, times int) {
	s.broken.add(operation, failure{lost: true}, times)
}

// serve is the account, which writes down each call and breaks those it was told to.
func (s *Stage) serve(w http.ResponseWriter, r *http.Request) {
	_, service := account.SignedFor(r)
	operation := operationOf(service, r)
	f := s.journal.add(operation)
	if next := s.broken.next(operation); f == (failure{}) {
		f = next
	}
	switch {
	case f.lost:
		s.account.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) // How a net/http server hangs up.
	case f.code != "":
		w.WriteHeader(http.StatusBadRequest)
		refuse(w, service, f.code)
	default:
		s.account.ServeHTTP(w, r)
	}
}

// refuse answers in the service's protocol.
func refuse(w io.Writer, service, code string) {
	const injected = "An injected fault."
	switch service {
	case "ec2":
		_, _ = fmt.Fprintf(w, "<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors></Response>",
			code, injected)
	case "autoscaling":
		_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, injected)
	default:
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": injected})
	}
}

// operationOf is the call's operation in the protocols that the services speak.
func operationOf(service string, r *http.Request) string {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return operation
	}
	if service == "scheduler" {
		return "GetSchedule" // the only one that the embedded Scheduler has
	}
	if service == "ebs" {
		if strings.HasSuffix(r.URL.Path, "/blocks") {
			return "ListSnapshotBlocks"
		}
		return "GetSnapshotBlock"
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return service
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return service
	}
	return form.Get("Action")
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
