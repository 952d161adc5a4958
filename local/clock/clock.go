// Package clock is the embedded AWS's sense of time: real time, fake time
// inside a testing/synctest bubble, or a night played many times faster.
package clock

import (
	"context"
	"time"
)

// Clock tells the time of the embedded AWS. The zero value is not usable; use
// Real or Scaled. It is safe for concurrent use.
type Clock struct {
	started time.Time
	epoch   time.Time
	scale   float64
}

// Real follows the time package, and so the fake time of a synctest bubble.
func Real() *Clock {
	now := time.Now()
	return &Clock{started: now, epoch: now, scale: 1}
}

// Scaled starts at epoch and passes scale seconds for each second of the time package.
func Scaled(epoch time.Time, scale float64) *Clock {
	return &Clock{started: time.Now(), epoch: epoch, scale: scale}
}

// Now is the time of the embedded AWS, in UTC.
func (c *Clock) Now() time.Time {
	elapsed := time.Since(c.started)
	return c.epoch.Add(time.Duration(float64(elapsed) * c.scale)).UTC()
}

// AfterFunc calls f in its own goroutine once d has passed on this clock.
func (c *Clock) AfterFunc(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(c.Lasts(d), f)
}

// Sleep waits until d has passed on this clock or ctx is done, and returns ctx's error then.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(c.Lasts(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// WithTimeout is context.WithTimeout on this clock.
func (c *Clock) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.Lasts(d))
}

// Lasts is how long d of this clock lasts in time of the time package.
func (c *Clock) Lasts(d time.Duration) time.Duration {
	return time.Duration(float64(d) / c.scale)
}
