package query

import (
	"sync"
	"time"
)

// Log holds every call that the embedded AWS received, in the order the
// answers were decided. It is safe for concurrent use; the zero value is empty.
type Log struct {
	mu      sync.RWMutex
	records []Record
}

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
	l.records = append(l.records, r)
}

// Len is the number of calls so far.
func (l *Log) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.records)
}

// Since are the calls from the n-th on, counted from zero. The caller must not change them.
func (l *Log) Since(n int) []Record {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if n >= len(l.records) {
		return nil
	}
	return l.records[n:len(l.records):len(l.records)]
}
