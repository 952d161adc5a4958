// Package clock is the embedded AWS's sense of time: real time, fake time
// inside a testing/synctest bubble, or a night played many times faster.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time of the embedded AWS. The zero value is not usable; use
// Real or Scaled. It is safe for concurrent use.
type Clock struct {
	// scale is how many seconds pass for each of the time package's; 0 for its own time.
	scale float64

	mu sync.Mutex
	// epoch was this clock's time when the time package's was started.
	epoch, started time.Time
	// working is how many pieces of work are in hand; the clock stands still while there are any.
	working int
	// due are the timers that have not fired, and next wakes for the first of them.
	due  timers
	next *time.Timer
}

// Real follows the time package, and so the fake time of a synctest bubble.
func Real() *Clock { return &Clock{} }

// Scaled starts at epoch and passes scale seconds for each second of the time package in which
// no work is in hand: what a machine takes for it is no part of a night.
func Scaled(epoch time.Time, scale float64) *Clock {
	return &Clock{scale: scale, epoch: epoch, started: time.Now()}
}

// Now is the time of the embedded AWS, in UTC.
func (c *Clock) Now() time.Time {
	if c.scale == 0 {
		return time.Now().UTC()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().UTC()
}

func (c *Clock) now() time.Time {
	if c.working > 0 {
		return c.epoch
	}
	return c.epoch.Add(time.Duration(float64(time.Since(c.started)) * c.scale))
}

// Sleep waits until d has passed on this clock or ctx is done, and returns ctx's error then.
// The work that ctx is of waits meanwhile.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if c.scale == 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		return until(ctx, timer.C)
	}
	over := make(chan time.Time)
	timer := c.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	work := WorkOf(ctx)
	work.Wait()
	defer work.GoOn()
	return until(ctx, over)
}

func until(ctx context.Context, over <-chan time.Time) error {
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Lasts is how long d of this clock lasts in time of the time package, while no work is in hand.
func (c *Clock) Lasts(d time.Duration) time.Duration {
	if c.scale == 0 {
		return d
	}
	return time.Duration(float64(d) / c.scale)
}
