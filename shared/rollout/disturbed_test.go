package rollout_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/test/steptest"
)

// trial is something that is done in a world.
type trial struct {
	world  int
	before func(d *drawn) error
	does   func(d *drawn) error
}

func rollsNew(d *drawn) error { return d.rolls(attempt{d.Web, d.images["new"], "tuesday"}) }

func rollsNext(d *drawn) error { return d.rolls(attempt{d.Web, d.images["next"], "wednesday"}) }

func undoes(d *drawn) error { return d.undoes("") }

func nothing(*drawn) error { return nil }

// trials are worlds in which much is rolled: together or each on its own, by parameters too.
var trials = []trial{
	{38, nothing, rollsNew}, {41, rollsNew, rollsNext}, {16, nothing, rollsNew}, {38, rollsNew, undoes},
}

// What becomes of a roll, and of a rollback, in which one call fails, each in its turn, and of the next try of it. What
// is not told of the end is as if nothing had failed (-update writes testdata/disturbed.txt anew).
func TestDisturbedRolls(t *testing.T) {
	steptest.Transcripts(t, *update, "disturbed.txt", len(trials), func(t *testing.T, number int) string {
		t.Helper()
		return trials[number].plays(t)
	})
}

// plays plays it once as it is, and then with each of its calls disturbed.
func (c trial) plays(t *testing.T) string {
	t.Helper()
	calm := c.play(t, 0, steptest.Disturbance{})
	said := calm.said + strings.Join(calm.end, "\n") + "\n"
	for n, call := range calm.calls {
		for _, how := range steptest.Disturbances(call) {
			with := c.play(t, n+1, how)
			said += fmt.Sprintf("- %d %s %s: %s", n+1, call, how.Name, steptest.Difference(with.said, calm.said))
			if end := steptest.Difference(strings.Join(with.end, "\n"), strings.Join(calm.end, "\n")); end != "" {
				said += "\n  in the end: " + end
			}
			said += "\n"
		}
	}
	return said
}

// played is what was said at the disturbed try, what it called, and how all was after one more.
type played struct {
	said  string
	calls []string
	end   []string
}

func (c trial) play(t *testing.T, nth int, how steptest.Disturbance) (p played) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDrawn(t, c.world)
		d.Must(c.before(d))
		time.Sleep(time.Hour)
		d.log.Reset()
		d.Disturb(nth, how)
		err := c.does(d)
		p.calls = d.Calls()
		if err != nil {
			d.say("error: %s", steptest.Timeless(err.Error()))
		}
		p.said = d.short(d.log.String())
		time.Sleep(10 * time.Minute)
		d.Disturb(0, steptest.Disturbance{})
		if err := c.does(d); err != nil {
			d.Errorf("the next try: %v", err)
		}
		time.Sleep(10 * time.Minute)
		p.end = strings.Split(d.short(strings.Join(d.state(), "\n")), "\n")
	})
	return p
}
