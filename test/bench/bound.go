package main

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// need is what EC2 alone takes for one source, whoever asks: seconds from a
// call to what the call is for.
type need struct {
	Stop, Snapshots, Start time.Duration
	// Image is from CreateImage to available.
	Image time.Duration
}

// least is the shortest time in which the source can be done.
func (n need) least() time.Duration {
	return n.Stop + max(n.Snapshots+n.Start, n.Image)
}

// limit is a documented token bucket of EC2's: capacity and refill in a second.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
type limit struct {
	Action           string
	Burst, PerSecond float64
}

// The calls that an image cannot do without, each with its request bucket, in
// the order in which a source makes them. An ideal caller starts together what
// is to be started at the same time: of the two buckets of StartInstances that
// of the instances counts then, and never that of the calls.
var (
	stopping = limit{"StopInstances", 50, 5}
	imaging  = limit{"CreateImage", 50, 5}
	starting = limit{"StartInstances", 1000, 2}
	rolling  = []limit{{"CreateLaunchTemplateVersion", 100, 5}, {"ModifyLaunchTemplate", 100, 5}, {"CreateTags", 100, 10}}
)

// bound is how long an ideal caller needs for the fleet: at most concurrency
// sources at once, in their order; each call made the moment it is useful and
// let in the moment its bucket has a token, first come, first served; each
// result seen the moment it is there.
func bound(needs []need, concurrency int) time.Duration {
	r := &replay{needs: needs, ready: make([]time.Duration, len(needs)), buckets: map[string]*time.Duration{}}
	for r.waiting < min(concurrency, len(needs)) {
		r.begin(0)
	}
	for r.Len() > 0 {
		r.step(heap.Pop(r).(turn))
	}
	return r.end
}

// floor is what no schedule can beat: the longest source, the work shared out
// evenly over all places, and each bucket's time to let the whole fleet in.
func floor(needs []need, concurrency int) time.Duration {
	var longest, sum time.Duration
	for _, n := range needs {
		longest, sum = max(longest, n.least()), sum+n.least()
	}
	least := max(longest, sum/time.Duration(concurrency))
	before, after := map[string]time.Duration{}, map[string]time.Duration{}
	shortest := func(of func(need) time.Duration) time.Duration {
		return of(slices.MinFunc(needs, func(a, b need) int { return cmp.Compare(of(a), of(b)) }))
	}
	after[stopping.Action] = shortest(need.least)
	before[imaging.Action] = shortest(func(n need) time.Duration { return n.Stop })
	after[imaging.Action] = shortest(func(n need) time.Duration { return max(n.Snapshots+n.Start, n.Image) })
	before[starting.Action] = shortest(func(n need) time.Duration { return n.Stop + n.Snapshots })
	after[starting.Action] = shortest(func(n need) time.Duration { return n.Start })
	for _, l := range append([]limit{stopping, imaging, starting}, rolling...) {
		if _, known := before[l.Action]; !known && l.Action != stopping.Action {
			before[l.Action] = shortest(need.least)
		}
		least = max(least, before[l.Action]+l.drain(len(needs))+after[l.Action])
	}
	return least
}

// drain is how long a full bucket needs until it has let n calls in.
func (l limit) drain(n int) time.Duration {
	return time.Duration(max(0, float64(n)-l.Burst) / l.PerSecond * float64(time.Second))
}

// replay is the ideal caller's night.
type replay struct {
	needs   []need
	waiting int // the next source to begin
	turns   []turn
	ready   []time.Duration // when each source's image is available
	buckets map[string]*time.Duration
	end     time.Duration
}

// turn is the moment at which a source can make its next call.
type turn struct {
	at     time.Duration
	source int
	call   int
}

func (r *replay) begin(at time.Duration) {
	heap.Push(r, turn{at: at, source: r.waiting})
	r.waiting++
}

// step makes one call of one source and plans the next.
func (r *replay) step(t turn) {
	n := r.needs[t.source]
	next := turn{source: t.source, call: t.call + 1}
	switch t.call {
	case 0:
		next.at = r.admit(stopping, t.at) + n.Stop
	case 1:
		sent := r.admit(imaging, t.at)
		r.ready[t.source] = sent + n.Image
		next.at = sent + n.Snapshots
	case 2:
		next.at = max(r.admit(starting, t.at)+n.Start, r.ready[t.source])
	case 3, 4, 5:
		next.at = r.admit(rolling[t.call-3], t.at)
	default:
		r.end = max(r.end, t.at)
		if r.waiting < len(r.needs) {
			r.begin(t.at)
		}
		return
	}
	heap.Push(r, next)
}

// admit is when a call that is made now is let in. What a bucket keeps is the
// time at which it would be full again but for one token.
func (r *replay) admit(l limit, now time.Duration) time.Duration {
	if r.buckets[l.Action] == nil {
		r.buckets[l.Action] = new(time.Duration)
	}
	full := r.buckets[l.Action]
	token := time.Duration(float64(time.Second) / l.PerSecond)
	let := max(now, *full-time.Duration(l.Burst-1)*token)
	*full = max(*full, let) + token
	return let
}

func (r *replay) Len() int { return len(r.turns) }

func (r *replay) Less(i, j int) bool {
	a, b := r.turns[i], r.turns[j]
	return a.at < b.at || a.at == b.at && a.source < b.source
}

func (r *replay) Swap(i, j int) { r.turns[i], r.turns[j] = r.turns[j], r.turns[i] }

func (r *replay) Push(x any) { r.turns = append(r.turns, x.(turn)) }

func (r *replay) Pop() any {
	last := r.turns[len(r.turns)-1]
	r.turns = r.turns[:len(r.turns)-1]
	return last
}
