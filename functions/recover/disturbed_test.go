package recovery_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/test/steptest"
)

// What becomes of a sweep of a drawn world of one source in which one call fails, each in its turn, and of the sweeps
// after it. What is not told of the end is as if nothing had failed (-update writes testdata/disturbed.txt anew).
func TestDisturbedSweeps(t *testing.T) {
	worlds := []int{100, 101, 102, 103}
	steptest.Transcripts(t, *update, "disturbed.txt", len(worlds), func(t *testing.T, number int) string {
		t.Helper()
		return disturbs(t, worlds[number])
	})
}

// disturbs plays a world once as it is, and then with each call of its first sweep disturbed.
func disturbs(t *testing.T, world int) string {
	t.Helper()
	calm := disturbedSweep(t, world, 0, steptest.Disturbance{})
	said := calm.said + "in the end\n" + calm.end + "\n"
	for n, call := range calm.calls {
		for _, how := range steptest.Disturbances(call) {
			with := disturbedSweep(t, world, n+1, how)
			said += fmt.Sprintf("- %d %s %s: %s", n+1, call, how.Name, steptest.Difference(with.said, calm.said))
			if end := steptest.Difference(with.end, calm.end); end != "" {
				said += "\n  in the end: " + end
			}
			said += "\n"
		}
	}
	return said
}

// swept is what a sweep has said and called, and how all was after some more.
type swept struct {
	said, end string
	calls     []string
}

func disturbedSweep(t *testing.T, world, nth int, how steptest.Disturbance) (p swept) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDrawn(t, world, 1)
		d.looks()
		d.Disturb(nth, how)
		answer, err := d.step().Handle(d.Context(), d.Sample("sweep"))
		p.calls = d.Calls()
		if nth == 0 {
			p.said = d.short(d.log.String())
		}
		d.log.Reset()
		d.heard(answer, err)
		p.said += d.short(d.log.String())
		d.log.Reset()
		for range 3 {
			time.Sleep(time.Hour)
			d.asks("sweep", d.Sample("sweep"))
		}
		p.end = strings.Join(d.state(), "\n")
	})
	return p
}
