package night_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/stack"
)

// The same seed is the same night, another seed another one. A seed repeats how long
// EC2 takes, which events are lost, doubled and late, what is injected, and the pauses
// between the SDK's attempts and the state machine's. It does not repeat the order of what
// happens at the very same moment, such as the ids of two images made then.
func TestTheSameSeedIsTheSameNight(t *testing.T) {
	t.Parallel()
	wild := stack.Options{
		Events: map[string]eventbridge.Faults{"": {Loss: 0.2, Double: 0.3, Reorder: 0.5}, eventbridge.SchedulerSource: {}},
		EC2:    ec2.Options{Lag: 5 * time.Second},
	}
	// One hour: what is repeated for longer than the SDK and the state machine do is not got over.
	hour := due.Add(time.Hour)
	throttled := ec2.Fault{Chance: 0.4, Code: "RequestLimitExceeded", Until: hour}
	dropped := ec2.Fault{Chance: 0.2, Drop: true, Until: hour}
	for what, c := range map[string]struct {
		options stack.Options
		faults  []ec2.Fault
	}{
		"calm":               {},
		"wild":               {options: wild},
		"throttled":          {faults: []ec2.Fault{throttled}},
		"broken connections": {faults: []ec2.Fault{dropped}},
		"all of it":          {options: wild, faults: []ec2.Fault{throttled, dropped}},
		"under EC2's buckets": {options: stack.Options{EC2: ec2.Options{Buckets: true}},
			faults: []ec2.Fault{{Action: "StartInstances", PerSecond: 0.2}}},
	} {
		t.Run(what, func(t *testing.T) {
			play := func(seed uint64) string { return summary(t, c.options, c.faults, seed) }
			first, again, other := play(11), play(11), play(12)
			if first != again {
				t.Errorf("seed 11 played two nights:\n%s", cmp.Diff(strings.Split(first, "\n"), strings.Split(again, "\n")))
			}
			if first == other {
				t.Error("seeds 11 and 12 played the same night")
			}
		})
	}
}

// summary is what a night came to: each source's image and moments.
func summary(t *testing.T, o stack.Options, faults []ec2.Fault, seed uint64) string {
	t.Helper()
	var said []string
	o.Seed, o.Plans = seed, nightly() // Which of those that ask at one moment has its turn first is chance.
	play(t, o, func(n *night) {
		for i := range 12 {
			n.launch(fmt.Sprintf("web-%d", i), []string{"", "gp3 st1", "stopped", "m5.large spot"}[i%4])
		}
		n.template("web", "web-0", "t3.micro", ec2.ImageX86)
		n.begin()
		for _, f := range faults {
			n.EC2.Inject(f)
		}
		n.run()
		results := n.results(n.onlyRun())
		for _, id := range slices.Sorted(maps.Keys(results)) {
			r := results[id]
			said = append(said, fmt.Sprint(id, r.Ending, r.Problem, r.Image, r.Rolled, r.Times))
		}
	})
	return strings.Join(said, "\n")
}
