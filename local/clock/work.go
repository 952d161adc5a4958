package clock

import (
	"context"
	"time"
)

// Work is something that a scaled clock stands still for: a function at work, a request that is being answered.
// A nil *Work is none, as all work is on a clock that is not scaled.
type Work struct {
	clock *Clock
	ended bool
	// waiting is how many of its goroutines wait for something else: meanwhile it is not in hand.
	waiting int
	// lingering are those of them that wait before they ask again.
	lingering int
}

type workKey struct{}

// Begin takes work in hand, of which the context is; End puts it away. What is begun within it is part of it.
func (c *Clock) Begin(ctx context.Context) (context.Context, *Work) {
	if c.scale == 0 || WorkOf(ctx) != nil {
		return ctx, nil
	}
	w := &Work{clock: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.take()
	return context.WithValue(ctx, workKey{}, w), w
}

// WorkOf is the work that ctx is of, while it goes on.
func WorkOf(ctx context.Context) *Work {
	w, _ := ctx.Value(workKey{}).(*Work)
	if w == nil {
		return nil
	}
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	if w.ended {
		return nil
	}
	return w
}

// End puts the work away.
func (w *Work) End() {
	if w == nil {
		return
	}
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	if !w.ended && w.waiting == 0 {
		w.clock.put()
	}
	w.ended = true
}

// Wait says that a goroutine of the work waits for something else, until GoOn or Linger.
func (w *Work) Wait() {
	w.change(func() {
		if w.lingering > 0 {
			w.lingering--
			return
		}
		w.waiting++
	})
}

// GoOn says that what one waited for is there.
func (w *Work) GoOn() { w.change(func() { w.waiting-- }) }

// Linger says that what one waited for failed: it waits on, before it asks again by Wait.
func (w *Work) Linger() { w.change(func() { w.lingering++ }) }

func (w *Work) change(what func()) {
	if w == nil {
		return
	}
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	if w.ended {
		return
	}
	was := w.waiting
	what()
	switch {
	case was == 0 && w.waiting > 0:
		w.clock.put()
	case was > 0 && w.waiting == 0:
		w.clock.take()
	}
}

// take stops the clock, unless it stands.
func (c *Clock) take() {
	if c.working == 0 {
		c.epoch = c.now()
	}
	c.working++
	c.arm()
}

// put lets the clock go on when nothing else is in hand.
func (c *Clock) put() {
	c.working--
	if c.working == 0 {
		c.started = time.Now()
	}
	c.arm()
}
