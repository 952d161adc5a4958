package night_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// ofSnapshots are the states that only a snapshot goes through.
var ofSnapshots = []string{
	"Copy the snapshot", "Can an image be made of it?", "Wait for the copy", "Register the image",
	"Compare how it is billed",
}

// Every crash point of an image of a snapshot, as TestEveryCrashPoint has those of instances: whatever goes wrong, one
// image at most is made, of one copy, no copy stays without an image, and the snapshot itself stays.
func TestEveryCrashPointOfASnapshot(t *testing.T) {
	calm := newChaos()
	crashOfASnapshot(t, calm)
	nights := 0
	for _, m := range calm.possible {
		if !ofASnapshot(m) || m.minor() && !*crashEvery || *crashOnly != "" && *crashOnly != m.String() {
			continue
		}
		nights++
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			c := newChaos(m)
			crashOfASnapshot(t, c)
			if len(c.struck) == 0 {
				t.Error("the boundary was not met again: two nights of one seed differ")
			}
		})
	}
	t.Logf("a night each for the %d things that can go wrong", nights)
}

func ofASnapshot(m mishap) bool {
	if m.at("snapshot", "watch:copied") {
		return true
	}
	// How often a wait looks before the event of the copy ends it is no part of a seed: its first look is held alone.
	if strings.Contains(m.boundary, "Wait for the copy #") && !strings.HasSuffix(m.boundary, "#1") {
		return false
	}
	return slices.ContainsFunc(ofSnapshots, func(state string) bool { return strings.Contains(m.boundary, state) })
}

// crashOfASnapshot is a request for an image of a snapshot whose instance is gone.
func crashOfASnapshot(t *testing.T, c *chaos) {
	t.Helper()
	between := &sandboxes{chaos: c}
	play(t, stack.Options{
		EC2:      ec2.Options{Lag: 10 * time.Second},
		Plans:    onRequest(),
		Ledger:   chaosLedger{ledger.NewMemory()},
		Observer: transitions{c},
		Wrap:     func(inner asl.Invoker) asl.Invoker { between.inner = inner; return between },
		Guard:    func(s *stack.Stack) http.Handler { return wire{s} },
	}, func(n *night) {
		between.slack = n.Slack.Inject
		snapshot := n.lost("web", nil)
		n.begin()
		c.arm(true)
		n.ask(snapshot, "now")
		n.finish()
		c.arm(false)
		time.Sleep(time.Hour)
		n.finish()
		for _, m := range c.struck {
			n.excuse(m)
			if m.is(aborted, runAborted) {
				return
			}
		}
		for _, r := range n.runs() {
			n.want("ending", n.results(r)[snapshot].Ending, job.Imaged)
		}
		n.want("images", len(n.imagesOf(snapshot)), 1)
	})
}
