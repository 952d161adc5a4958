package bound_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"goldsmith/shared/bound"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

var night = time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)

func ask(source string, concurrency int, at time.Time) bound.Ask {
	return bound.Ask{Plan: "nightly", Source: source, Run: "run-" + source, Concurrency: concurrency, Now: at}
}

func place(t interface {
	Helper()
	Context() context.Context
	Fatal(...any)
}, memory bound.Ledger, a bound.Ask) bound.Answer {
	t.Helper()
	answer, err := bound.Place(t.Context(), memory, a)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// However many ask at the same moment, no more than the plan's concurrency have a place.
func TestManyAtOnce(t *testing.T) {
	memory := ledger.NewMemory()
	var mu sync.Mutex
	var group sync.WaitGroup
	granted := 0
	for n := range 100 {
		group.Go(func() {
			answer, err := bound.Place(t.Context(), memory, ask(fmt.Sprintf("i-%03d", n), 7, night))
			mu.Lock()
			defer mu.Unlock()
			if err == nil && answer.Place != "" {
				granted++
			}
		})
	}
	group.Wait()
	if granted > 7 || granted == 0 {
		t.Errorf("%d of 100 have a place, of 7", granted)
	}
}

// Who asked first has its turn first, and is told how many are before it.
func TestTurns(t *testing.T) {
	memory := ledger.NewMemory()
	first := place(t, memory, ask("i-1", 1, night))
	for n, want := range []int{1, 2, 3} {
		answer := place(t, memory, ask(fmt.Sprintf("i-%d", n+2), 1, night.Add(time.Duration(n+1)*time.Second)))
		if answer.Place != "" || answer.Before != want {
			t.Errorf("i-%d has place %q with %d before it, want none and %d", n+2, answer.Place, answer.Before, want)
		}
	}
	inTurn(t, memory, first)
}

// inTurn: i-1 has its place since the night began, and i-2 to i-5 have asked after it.
func inTurn(t *testing.T, memory *ledger.Memory, first bound.Answer) {
	t.Helper()
	later := night.Add(time.Minute)
	for _, source := range []string{"i-2", "i-3", "i-4", "i-5"} {
		place(t, memory, ask(source, 1, later)) // each asks again in time
	}
	if again := place(t, memory, ask("i-1", 1, later)); again.Place != first.Place || !again.Asked.Equal(night) {
		t.Errorf("asking again gives %+v, want place %s since %s", again, first.Place, night)
	}
	if err := bound.Leave(t.Context(), memory, "nightly", "i-1", "run-i-1", true); err != nil {
		t.Fatal(err)
	}
	if overtaking := place(t, memory, ask("i-4", 1, later)); overtaking.Place != "" {
		t.Error("i-4 overtakes i-2")
	}
	if next := place(t, memory, ask("i-2", 1, later)); next.Place == "" || !next.Asked.Equal(night.Add(time.Second)) {
		t.Errorf("i-2 is next, and got %+v", next)
	}
}

// A turn whose owner does not ask any more counts for nothing.
func TestStaleTurn(t *testing.T) {
	memory := ledger.NewMemory()
	place(t, memory, ask("i-1", 1, night))
	place(t, memory, ask("i-2", 1, night.Add(time.Second)))
	if err := bound.Leave(t.Context(), memory, "nightly", "i-1", "run-i-1", true); err != nil {
		t.Fatal(err)
	}
	if got := place(t, memory, ask("i-3", 1, night.Add(bound.Stale/2))); got.Place != "" {
		t.Error("i-3 overtakes i-2")
	}
	if got := place(t, memory, ask("i-3", 1, night.Add(bound.Stale+time.Minute))); got.Place == "" {
		t.Error("i-2 has gone, and i-3 still waits behind it")
	}
}

// limited asks under a limit.
func limited(source string, most int, since, at time.Time) bound.Ask {
	a := ask(source, 100, at)
	a.Most, a.Since = most, since
	return a
}

// A limit counts distinct sources since the period began, and names them to who is refused.
func TestLimit(t *testing.T) {
	memory := ledger.NewMemory()
	for _, source := range []string{"i-1", "i-2", "i-1"} {
		if got := place(t, memory, limited(source, 2, night, night.Add(time.Minute))); got.Place == "" {
			t.Errorf("%s is refused: %+v", source, got)
		}
	}
	got := place(t, memory, limited("i-3", 2, night, night.Add(time.Hour)))
	if slices.Sort(got.Over); !slices.Equal(got.Over, []string{"i-1", "i-2"}) || got.Place != "" {
		t.Errorf("over the limit: %+v", got)
	}
	// One that was not stopped after all gives its share back.
	if err := bound.Leave(t.Context(), memory, "nightly", "i-2", "run-i-2", false); err != nil {
		t.Fatal(err)
	}
	if got := place(t, memory, limited("i-3", 2, night, night.Add(time.Hour))); got.Place == "" {
		t.Errorf("i-2 was not stopped, and i-3 is refused: %+v", got)
	}
	// The next period counts anew.
	next := night.Add(24 * time.Hour)
	if got := place(t, memory, limited("i-4", 2, next, next.Add(time.Minute))); got.Place == "" {
		t.Errorf("in the next period: %+v", got)
	}
	// Without a schedule the period is the last day.
	if got := place(t, memory, limited("i-5", 1, time.Time{}, next.Add(2*time.Minute))); len(got.Over) == 0 {
		t.Errorf("within a day: %+v", got)
	}
	if got := place(t, memory, limited("i-5", 1, time.Time{}, next.Add(25*time.Hour))); got.Place == "" {
		t.Errorf("a day later: %+v", got)
	}
}

// Whatever asks and leaves in any order: the bounds hold at every moment, whoever asks is
// served in the end, and nothing is left over when all have left.
func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := &crowd{T: r, memory: ledger.NewMemory(), now: night, down: map[string]bool{}, stopped: map[string]bool{}}
		c.concurrency, c.most = rapid.IntRange(1, 3).Draw(r, "concurrency"), rapid.IntRange(0, 5).Draw(r, "most")
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			source := fmt.Sprintf("i-%d", rapid.IntRange(0, 9).Draw(r, "source"))
			if c.down[source] && rapid.Bool().Draw(r, "back") {
				c.leave(source)
				continue
			}
			c.ask(source)
		}
		c.empty()
	})
}

// crowd are sources that ask for places of one plan.
type crowd struct {
	*rapid.T
	memory            *ledger.Memory
	now               time.Time
	concurrency, most int
	down, stopped     map[string]bool
	waiting           []string
}

func (c *crowd) ask(source string) {
	c.now = c.now.Add(time.Second)
	a := ask(source, c.concurrency, c.now)
	a.Most, a.Since = c.most, night
	answer := place(c.T, c.memory, a)
	switch {
	case len(answer.Over) > 0:
		if c.stopped[source] || len(c.stopped) < c.most {
			c.Fatalf("%s is refused: %d were stopped", source, len(c.stopped))
		}
		c.waiting = slices.DeleteFunc(c.waiting, func(s string) bool { return s == source })
	case answer.Place != "":
		c.served(source)
	case !slices.Contains(c.waiting, source):
		c.waiting = append(c.waiting, source)
	}
	if len(c.down) > c.concurrency || c.most > 0 && len(c.stopped) > c.most {
		c.Fatalf("%d are down of %d, %d were stopped of %d", len(c.down), c.concurrency, len(c.stopped), c.most)
	}
}

// served: a source that waited may pass only those for whom there is a place as well.
func (c *crowd) served(source string) {
	if at := slices.Index(c.waiting, source); at > 0 && at >= c.concurrency-len(c.down) {
		c.Fatalf("%s overtakes %v", source, c.waiting)
	}
	c.down[source], c.stopped[source] = true, true
	c.waiting = slices.DeleteFunc(c.waiting, func(s string) bool { return s == source })
}

func (c *crowd) leave(source string) {
	if err := bound.Leave(c.Context(), c.memory, "nightly", source, "run-"+source, true); err != nil {
		c.Fatal(err)
	}
	delete(c.down, source)
}

// empty has all leave, those that wait after they were served.
func (c *crowd) empty() {
	for source := range c.down {
		c.leave(source)
	}
	for len(c.waiting) > 0 {
		source := c.waiting[0]
		if c.ask(source); !c.down[source] && (c.most == 0 || len(c.stopped) < c.most) {
			c.Fatalf("%s is next and is not served", source)
		}
		c.leave(source)
	}
	for s, err := range c.memory.Slots(c.Context(), "") {
		if err != nil || s.Kind != ledger.Stops {
			c.Fatalf("left over: %+v %v", s, err)
		}
	}
}

func TestPause(t *testing.T) {
	for _, c := range []struct {
		before, concurrency int
		waited, want        time.Duration
	}{
		{2, 2, 0, 20 * time.Second}, {3, 2, 0, 20 * time.Second}, {4, 2, 0, 80 * time.Second}, {1000, 2, 0, 5 * time.Minute},
		{0, 0, 0, 20 * time.Second}, {1, 1, 20 * time.Minute, 20 * time.Second}, {1, 1, time.Hour, time.Minute},
		{1, 1, 24 * time.Hour, 5 * time.Minute},
	} {
		if got := bound.Pause(c.before, c.concurrency, c.waited); got != c.want {
			t.Errorf("with %d before, concurrency %d and after %s: %s, want %s", c.before, c.concurrency, c.waited, got, c.want)
		}
	}
}

// However long a plan's window is, asking for a turn fits into an execution's history, with a fifth of it left for the
// work itself (Step Functions, quotas: 25,000 events; a round enters and leaves claim, a Choice and a Wait, and invokes
// claim once).
func TestPausesFitTheHistory(t *testing.T) {
	const history, round = 25000, 9
	rounds := 0
	for waited := time.Duration(0); waited < time.Duration(plan.MaxWindow); rounds++ {
		waited += bound.Pause(1, 1, waited)
	}
	if rounds*round > history*4/5 {
		t.Errorf("%d rounds of %d events in %s, of %d events", rounds, round, plan.MaxWindow, history)
	}
}
