package asl

import (
	"context"
	"sync"
	"time"
)

// pace is the account's token bucket of state transitions. An execution that finds it empty waits
// (Developer Guide, "Quotas related to state throttling": transitions are throttled, and not failed).
type pace struct {
	each, burst time.Duration

	mu   sync.Mutex
	next time.Time // when the bucket would have been full
}

func newPace(perSecond float64) *pace {
	if perSecond <= 0 {
		return nil
	}
	return &pace{each: time.Duration(float64(time.Second) / perSecond), burst: time.Second}
}

// take takes a token and is how long to wait for it.
func (p *pace) take(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if earliest := now.Add(-p.burst); p.next.Before(earliest) {
		p.next = earliest
	}
	p.next = p.next.Add(p.each)
	return p.next.Sub(now)
}

// paced waits until the account has a state transition left.
func (f *flow) paced(ctx context.Context) error {
	p := f.execution.runtime.pace
	if p == nil {
		return nil
	}
	if wait := p.take(f.clock().Now()); wait > 0 {
		return f.clock().Sleep(ctx, wait)
	}
	return nil
}
