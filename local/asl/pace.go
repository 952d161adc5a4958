package asl

import (
	"context"
	"sync"
	"time"
)

// pace is a token bucket in which what finds it empty waits: the account's state transitions (Developer Guide, "Quotas
// related to state throttling": transitions are throttled, and not failed), and a Map run's starts of child executions.
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

// wait returns when there is a token, or with ctx. A nil pace has no limit.
func (p *pace) wait(ctx context.Context, c clockOf) error {
	if p == nil {
		return nil
	}
	if wait := p.take(c.Now()); wait > 0 {
		return c.Sleep(ctx, wait)
	}
	return nil
}

// paced waits until the account has a state transition left.
func (f *flow) paced(ctx context.Context) error { return f.execution.runtime.pace.wait(ctx, f.clock()) }
