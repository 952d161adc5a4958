package clock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/local/clock"
)

const scale = 100

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// scaled runs a test of a clock that passes a hundred seconds in one, in fake time.
func scaled(t *testing.T, test func(t *testing.T, c *clock.Clock)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, clock.Scaled(epoch, scale)) })
}

// passed holds how much time has passed on the clock.
func passed(t *testing.T, c *clock.Clock, want time.Duration) {
	t.Helper()
	if got := c.Now().Sub(epoch); got != want {
		t.Errorf("%s have passed, want %s", got, want)
	}
}

func TestTheClockStandsStillWhileWorkIsInHand(t *testing.T) {
	scaled(t, func(t *testing.T, c *clock.Clock) {
		time.Sleep(time.Second)
		passed(t, c, scale*time.Second)
		_, first := c.Begin(t.Context())
		_, second := c.Begin(t.Context())
		time.Sleep(time.Minute)
		first.End()
		first.End()
		time.Sleep(time.Minute)
		passed(t, c, scale*time.Second)
		second.End()
		time.Sleep(time.Second)
		passed(t, c, 2*scale*time.Second)
	})
}

func TestTimersFireByTheClock(t *testing.T) {
	scaled(t, func(t *testing.T, c *clock.Clock) {
		var fired []string
		fire := func(name string) func() { return func() { fired = append(fired, name) } }
		c.AfterFunc(30*time.Second, fire("late"))
		c.AfterFunc(10*time.Second, fire("soon"))
		again := c.AfterFunc(20*time.Second, fire("again"))
		stopped := c.AfterFunc(15*time.Second, fire("stopped"))
		if !stopped.Stop() || stopped.Stop() {
			t.Error("a timer is stopped once")
		}
		_, work := c.Begin(t.Context())
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(fired) > 0 {
			t.Errorf("%q fired while work was in hand", fired)
		}
		if !again.Reset(40 * time.Second) {
			t.Error("a timer that was to fire is not known")
		}
		work.End()
		time.Sleep(time.Second)
		synctest.Wait()
		if len(fired) != 3 || fired[0] != "soon" || fired[1] != "late" || fired[2] != "again" {
			t.Errorf("fired: %q", fired)
		}
		if again.Stop() {
			t.Error("a timer that fired is stopped")
		}
	})
}

func TestWorkThatSleepsWaitsForTheClock(t *testing.T) {
	scaled(t, func(t *testing.T, c *clock.Clock) {
		ctx, work := c.Begin(t.Context())
		defer work.End()
		if err := c.Sleep(ctx, time.Minute); err != nil {
			t.Fatal(err)
		}
		passed(t, c, time.Minute)
		time.Sleep(time.Second)
		passed(t, c, time.Minute)
		ended, end := context.WithCancel(ctx)
		end()
		if err := c.Sleep(ended, time.Hour); err == nil {
			t.Error("a sleep outlives its context")
		}
	})
}

// TestWorkWithinWork holds that what a function has others do is not in hand twice.
func TestWorkWithinWork(t *testing.T) {
	scaled(t, func(t *testing.T, c *clock.Clock) {
		ctx, work := c.Begin(t.Context())
		within, part := c.Begin(ctx)
		part.End()
		time.Sleep(time.Second)
		passed(t, c, 0)
		clock.WorkOf(within).Wait()
		time.Sleep(time.Second)
		passed(t, c, scale*time.Second)
		work.End()
		if clock.WorkOf(within) != nil {
			t.Error("work that has ended goes on")
		}
		time.Sleep(time.Second)
		passed(t, c, 2*scale*time.Second)
		_, later := c.Begin(ctx)
		time.Sleep(time.Second)
		passed(t, c, 2*scale*time.Second)
		later.End()
	})
}

// TestWorkLingersBetweenAttempts holds that the clock goes on from a failure until it is asked again.
func TestWorkLingersBetweenAttempts(t *testing.T) {
	scaled(t, func(t *testing.T, c *clock.Clock) {
		_, work := c.Begin(t.Context())
		defer work.End()
		work.Wait()
		work.Linger()
		time.Sleep(time.Second)
		passed(t, c, scale*time.Second)
		work.Wait()
		work.GoOn()
		time.Sleep(time.Second)
		passed(t, c, scale*time.Second)
		work.Wait() // Of two goroutines that wait, neither computes.
		work.Wait()
		work.GoOn()
		time.Sleep(time.Second)
		passed(t, c, 2*scale*time.Second)
		work.GoOn()
		time.Sleep(time.Second)
		passed(t, c, 2*scale*time.Second)
	})
}

func TestAClockThatIsNotScaledKnowsNoWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.Real()
		began := c.Now()
		ctx, work := c.Begin(t.Context())
		if clock.WorkOf(ctx) != nil || work != nil {
			t.Error("work on a real clock")
		}
		if err := c.Sleep(ctx, time.Minute); err != nil || c.Now().Sub(began) != time.Minute {
			t.Errorf("a minute is %s (%v)", c.Now().Sub(began), err)
		}
		work.End()
	})
}
