package query

import (
	"sync"
	"time"
)

// Log holds the calls that the embedded AWS received, in the order the answers
// were decided. It is safe for concurrent use; the zero value is empty and
// keeps every call.
type Log struct {
	// Keep is how many calls are kept, the newest; 0 for all. What is sent with a
	// call is then kept up to longestForm.
	Keep int

	mu      sync.RWMutex
	records []Record
	gone    int // calls that are no longer kept
}

// longestForm is as much as a bounded log keeps of one call's parameters.
const longestForm = 4 << 10

// Record is one call. It is never changed once it is in the log.
type Record struct {
	Time      time.Time // on the embedded AWS's clock
	Service   string
	Action    string
	Caller    string // empty when the caller did not say
	Form      string // the parameters as they were sent; ParseForm reads them
	Resources []string
	Error     string // code, "(dropped)" when the caller got no answer, "" when all went well
}

// Add appends a record.
func (l *Log) Add(r Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Keep > 0 && len(r.Form) > longestForm {
		// A copy, or the whole form would stay in memory.
		r.Form = string([]byte(r.Form[:longestForm]))
	}
	l.records = append(l.records, r)
	if l.Keep == 0 || len(l.records) < 2*l.Keep {
		return
	}
	// A new slice: those who read the old one go on reading it.
	surplus := len(l.records) - l.Keep
	l.records, l.gone = append(make([]Record, 0, 2*l.Keep), l.records[surplus:]...), l.gone+surplus
}

// Len is the number of calls so far, those included that are no longer kept.
func (l *Log) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.gone + len(l.records)
}

// Since are the calls from the n-th on that are kept, counted from zero. The caller must not change them.
func (l *Log) Since(n int) []Record {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n = max(0, n-l.gone)
	if n >= len(l.records) {
		return nil
	}
	return l.records[n:len(l.records):len(l.records)]
}
