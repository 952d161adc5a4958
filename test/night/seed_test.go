package night_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"goldsmith/local/bus"
	"goldsmith/local/ec2"
	"goldsmith/local/suite"
	"goldsmith/shared/plan"
)

// The same seed is the same night, another seed another one, as long as no call
// has to be repeated: the SDK's pauses between attempts are not drawn from the seed.
func TestTheSameSeedIsTheSameNight(t *testing.T) {
	for what, o := range map[string]suite.Options{
		"calm": {},
		"wild": {
			Events: map[string]bus.Faults{"": {Loss: 0.2, Double: 0.3, Reorder: 0.5}, bus.SchedulerSource: {}},
			EC2:    ec2.Options{Lag: 5 * 1e9},
		},
	} {
		t.Run(what, func(t *testing.T) {
			first, again, other := summary(t, o, 11), summary(t, o, 11), summary(t, o, 12)
			if first != again {
				t.Errorf("seed 11 played two nights:\n%s\n%s", first, again)
			}
			if first == other {
				t.Error("seeds 11 and 12 played the same night")
			}
		})
	}
}

// summary is what a night came to: each source's image and moments.
func summary(t *testing.T, o suite.Options, seed uint64) string {
	t.Helper()
	var said []string
	o.Seed, o.Plans = seed, nightly(func(p *plan.Plan) { p.Concurrency = 5 })
	play(t, o, func(n *night) {
		for i := range 12 {
			n.launch(fmt.Sprintf("web-%d", i), []string{"", "gp3 st1", "stopped", "m5.large spot"}[i%4])
		}
		n.template("web", "web-0", "t3.micro", ec2.ImageX86)
		n.run()
		results := n.results(n.onlyRun())
		for _, id := range slices.Sorted(maps.Keys(results)) {
			r := results[id]
			said = append(said, fmt.Sprint(id, r.Ending, r.Problem, r.Image, r.Rolled, r.Times))
		}
	})
	return strings.Join(said, "\n")
}
