package volume

import (
	"testing"

	"pgregory.net/rapid"
)

// What a type's limits say is what Takes says, at their edges and beyond.
func TestTakes(t *testing.T) {
	for name, c := range map[string]struct {
		kind                  string
		gib, iops, throughput int
		want                  bool
	}{
		"no type of EC2's":             {"gp9", 8, 0, 0, false},
		"the smallest":                 {"st1", 125, 0, 0, true},
		"smaller":                      {"st1", 124, 0, 0, false},
		"the largest":                  {"standard", 1024, 0, 0, true},
		"larger":                       {"standard", 1025, 0, 0, false},
		"IOPS of a type without":       {"gp2", 8, 100, 0, false},
		"IOPS that have to be said":    {"io1", 8, 0, 0, false},
		"IOPS that have a default":     {"gp3", 8, 0, 0, true},
		"as many IOPS as the size has": {"io1", 100, 5000, 0, true},
		"more":                         {"io1", 100, 5001, 0, false},
		"fewer than the type has":      {"gp3", 100, 2999, 0, false},
		"throughput of a type without": {"io2", 100, 1000, 125, false},
		"throughput of the IOPS":       {"gp3", 8, 4000, 1000, true},
		"more throughput":              {"gp3", 8, 4000, 1001, false},
		"throughput of the usual IOPS": {"gp3", 8, 0, 750, true},
		"less than the type has":       {"gp3", 8, 0, 124, false},
		"more than any volume has":     {"gp3", 65_536, 80_000, 2001, false},
	} {
		l, _ := Of(c.kind)
		if got := l.Takes(c.gib, c.iops, c.throughput); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// A larger volume takes what a smaller one takes, up to the type's largest.
func TestLargerTakesAsMuch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, _ := Of(rapid.SampledFrom([]string{"gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"}).Draw(t, "type"))
		gib, iops := rapid.IntRange(1, 70_000).Draw(t, "GiB"), rapid.IntRange(0, 300_000).Draw(t, "IOPS")
		throughput := rapid.IntRange(0, 2500).Draw(t, "throughput")
		if l.Takes(gib, iops, throughput) && !l.Takes(l.Most, iops, throughput) {
			t.Errorf("%d GiB and not %d", gib, l.Most)
		}
	})
}
