package security_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// Who may start the functions or the state machine with an input of their own can give a plan that keeps next to
// nothing. It retires Goldsmith's images at once, and neither another's nor the newest good one.
func TestAPlanOfOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Plan.Keep = plan.Keep{Last: 1}
		newest := w.made(1, true)
		for _, nights := range []int{2, 3, 30} {
			w.made(nights, true)
		}
		others := map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Name: "web", tag.Source: w.Web,
			tag.Run: "nightly-009"}
		other := w.Cloud.SeedImage("by hand", time.Now().AddDate(0, 0, -60), others)
		before := w.shown(other)
		for night := range 3 {
			w.retire(night)
			time.Sleep(time.Hour)
		}
		w.Same("the image of another", w.shown(other), before)
		for id, name := range w.names {
			w.Same(name+" is gone", w.shown(id) == "gone", id != newest)
		}
		w.Same("deprecated", strings.Contains(w.shown(newest), `"DeprecationTime":null`), true)
	})
}
