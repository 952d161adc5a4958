package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"goldsmith/shared/plan"
)

// many are plans of these names.
func many(names ...string) plan.Plans {
	p := plan.Plans{Default: names[0], Plans: map[string]plan.Plan{}}
	for _, name := range names {
		one := plan.Default()
		one.Name = name
		p.Plans[name] = one
	}
	return p
}

// A plan that differs in anything is told, and so is one that is on one side alone.
func TestSumsTellPlansApart(t *testing.T) {
	deployed := many("nightly", "on-demand", "weekly")
	sums := plan.Sums(deployed)
	if changed, missing := plan.Differs(many("nightly", "on-demand", "weekly"), sums); len(changed)+len(missing) > 0 {
		t.Errorf("the same plans differ: %q, %q", changed, missing)
	}
	local := many("nightly", "on-demand", "monthly")
	nightly := local.Plans["nightly"]
	nightly.Window += plan.Duration(time.Minute)
	local.Plans["nightly"] = nightly
	changed, missing := plan.Differs(local, sums)
	if !slices.Equal(changed, []string{"monthly", "nightly"}) || !slices.Equal(missing, []string{"weekly"}) {
		t.Errorf("changed %q, missing %q", changed, missing)
	}
}

// However many plans there are, a function can be told of them.
func TestSumsAreShort(t *testing.T) {
	for many, each := range map[int]bool{40: true, 200: false} {
		p, changed := plans(many), plans(many)
		sums := plan.Sums(p)
		if length := len(strings.Join(sums, ",")); length > 2048 || len(sums) > 1 != each {
			t.Errorf("%d plans have %d sums of %d bytes", many, len(sums), length)
		}
		if differ, missing := plan.Differs(p, sums); len(differ)+len(missing) > 0 {
			t.Errorf("the same plans differ: %q, %q", differ, missing)
		}
		one := changed.Plans["plan-of-the-longest-name-007"]
		one.Concurrency++
		changed.Plans[one.Name] = one
		if differ, _ := plan.Differs(changed, sums); !slices.Contains(differ, one.Name) {
			t.Errorf("of %d plans the one that differs is not told: %q", many, differ)
		}
	}
}

func plans(n int) plan.Plans {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("plan-of-the-longest-name-%03d", i))
	}
	return many(names...)
}
