package ec2

import (
	"container/heap"
	"time"
)

// agenda is what will happen, soonest first and in the order it was planned.
type agenda struct {
	happenings []happening
	planned    uint64
}

type happening struct {
	at    time.Time
	order uint64
	do    func()
}

func (a *agenda) Len() int { return len(a.happenings) }

func (a *agenda) Less(i, j int) bool {
	x, y := a.happenings[i], a.happenings[j]
	if x.at.Equal(y.at) {
		return x.order < y.order
	}
	return x.at.Before(y.at)
}

func (a *agenda) Swap(i, j int) { a.happenings[i], a.happenings[j] = a.happenings[j], a.happenings[i] }

func (a *agenda) Push(x any) { a.happenings = append(a.happenings, x.(happening)) }

func (a *agenda) Pop() any {
	last := len(a.happenings) - 1
	h := a.happenings[last]
	a.happenings[last] = happening{}
	a.happenings = a.happenings[:last]
	return h
}

// after plans do for d from now.
func (w *World) after(d time.Duration, do func()) {
	w.agenda.planned++
	heap.Push(&w.agenda, happening{at: w.now.Add(d), order: w.agenda.planned, do: do})
}

// advance lets everything happen that is due, each at its own moment.
func (w *World) advance(now time.Time) {
	for w.agenda.Len() > 0 && !w.agenda.happenings[0].at.After(now) {
		h := heap.Pop(&w.agenda).(happening)
		w.now = h.at
		h.do()
	}
	if now.After(w.now) {
		w.now = now
	}
}

// A wake-up a moment too early would find nothing due; on a scaled clock very
// short waits round to none, so waits are never shorter than this.
const shortestWait = time.Millisecond

// arm sets the timer for the next happening, when events have a listener.
func (w *World) arm() {
	if w.options.Emit == nil || w.agenda.Len() == 0 {
		return
	}
	next := w.agenda.happenings[0].at
	if w.timer != nil && next.Equal(w.timerAt) {
		return
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	w.timerAt = next
	w.timer = w.clock.AfterFunc(max(next.Sub(w.now), shortestWait), func() {
		w.lock()
		w.timerAt = time.Time{}
		w.unlock()
	})
}
