package recovery_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/test/steptest"
)

// apart is how many calls of an operation lie between two that are denied, and how many worlds there are for that.
const apart = 19

// What becomes of an account in which everything is there twice, and of others like it, in each of which another call
// of every operation is denied in the first sweep (-update writes testdata/twice.txt anew). Calls for claims are made
// many at once, in no order: those are denied that come after them.
func TestTwoOfEverything(t *testing.T) {
	var calm swept
	steptest.Transcripts(t, *update, "twice.txt", 1+apart, func(t *testing.T, number int) string {
		t.Helper()
		if number == 0 {
			calm = sweptTwice(t, 0, 0)
			return calm.said
		}
		with := sweptTwice(t, 1+slices.Index(calm.calls, "Slots"), number)
		return steptest.Difference(with.said, calm.said)
	})
}

// sweptTwice sweeps such an account, with the nth call of each operation denied from some call on; with none for 0.
func sweptTwice(t *testing.T, from, nth int) (p swept) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newTwice(t)
		d.log.Reset()
		d.looks()
		if d.Disturb(0, steptest.Disturbance{}); nth > 0 {
			d.DisturbEach(from, nth, apart, steptest.Disturbances("")[0])
		}
		answer, err := d.step().Handle(d.Context(), d.Sample("sweep"))
		p.calls = d.Calls()
		d.heard(answer, err)
		d.Disturb(0, steptest.Disturbance{})
		time.Sleep(2 * time.Minute) // What begins to run does not begin to do so at the same moment each time.
		d.looks()
		pauses := []time.Duration{7 * time.Minute, time.Hour, 6 * time.Hour, 26 * time.Hour, 120 * time.Hour}
		if nth > 0 {
			pauses = pauses[:1]
		}
		for _, pause := range pauses {
			time.Sleep(pause)
			d.asks(fmt.Sprint("sweep after ", pause), d.Sample("sweep"))
		}
		p.said = strings.ReplaceAll(d.short(d.log.String()), "\n\n", "\n")
	})
	return p
}
