package clock

import (
	"container/heap"
	"time"
)

// Timer calls its function once, unless it is stopped before.
type Timer struct {
	clock *Clock
	run   func()
	real  *time.Timer // of a clock that follows the time package

	at    time.Time
	place int // in the clock's timers; -1 for none
}

// AfterFunc calls f in its own goroutine once d has passed on this clock.
func (c *Clock) AfterFunc(d time.Duration, f func()) *Timer {
	if c.scale == 0 {
		return &Timer{real: time.AfterFunc(d, f)}
	}
	t := &Timer{clock: c, run: f, place: -1}
	t.Reset(d)
	return t
}

// Stop keeps the timer from firing, and reports whether it did.
func (t *Timer) Stop() bool {
	if t.real != nil {
		return t.real.Stop()
	}
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.leave()
}

// Reset has the timer fire once d has passed from now on, and reports whether it was still to fire.
func (t *Timer) Reset(d time.Duration) bool {
	if t.real != nil {
		return t.real.Reset(d)
	}
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	waited := t.leave()
	t.at = c.now().Add(d)
	heap.Push(&c.due, t)
	c.arm()
	return waited
}

func (t *Timer) leave() bool {
	if t.place < 0 {
		return false
	}
	heap.Remove(&t.clock.due, t.place)
	return true
}

// arm has the clock wake when its first timer is due.
func (c *Clock) arm() {
	if c.next != nil {
		c.next.Stop()
	}
	if c.working == 0 && len(c.due) > 0 {
		c.next = time.AfterFunc(c.Lasts(c.due[0].at.Sub(c.now())), c.fire)
	}
}

// fire runs what is due.
func (c *Clock) fire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.working == 0 && len(c.due) > 0 && !c.due[0].at.After(c.now()) {
		go heap.Pop(&c.due).(*Timer).run()
	}
	c.arm()
}

// timers is a heap, the first to fire on top.
type timers []*Timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].place, t[j].place = i, j
}

// Push and Pop are heap.Interface's.
func (t *timers) Push(x any) {
	timer := x.(*Timer) //nolint:forcetypeassert // the heap holds nothing else
	timer.place = len(*t)
	*t = append(*t, timer)
}

func (t *timers) Pop() any {
	last := len(*t) - 1
	timer := (*t)[last]
	timer.place, (*t)[last], *t = -1, nil, (*t)[:last]
	return timer
}
