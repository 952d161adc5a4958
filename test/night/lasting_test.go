package night_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

var (
	lastingOnly  = flag.String("lasting", "", "play this night of lasting faults alone, by the name that it failed with")
	lastingPairs = flag.Int("pairs", 20, "how many nights are played in which two faults last, a seed each")
)

// Each call of AWS that a night makes is denied from a random moment on, for an hour and for good; the
// ledger is away for an hour, or loses its table; Slack is gone. Never are more down than the plan allows;
// once the fault has ended nothing is left behind, and while it lasts people know what is down.
func TestLastingFaults(t *testing.T) {
	random := rand.New(rand.NewPCG(*firstNight, 1))
	for _, l := range lastingKinds(t) {
		l.from = moment(random)
		t.Run(l.String(), func(t *testing.T) {
			if *lastingOnly != "" && *lastingOnly != l.String() {
				return
			}
			t.Parallel()
			lastingNight(t, l)
		})
	}
}

// A run is aborted while its sources go down and come back, and something else keeps it from being put right.
func TestLastingFaultsOfAnAbortedRun(t *testing.T) {
	for _, what := range []string{"StartInstances", "DescribeInstances", "DescribeExecution", "ListExecutions",
		ledgerAway, tableLost, slackGone} {
		for _, at := range []time.Duration{30 * time.Second, 70 * time.Second, 100 * time.Second} {
			l := lasting{what: what, from: 20 * time.Second, long: time.Hour}
			t.Run(fmt.Sprintf("%s and the run is aborted after %s", l, at), func(t *testing.T) {
				t.Parallel()
				lastingNight(t, l, lasting{what: cutShort, from: at, long: time.Second})
			})
		}
	}
}

// Two faults last at once.
func TestTwoLastingFaults(t *testing.T) {
	kinds := lastingKinds(t)
	for i := range *lastingPairs {
		seed := *firstNight + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 2))
			draw := func() lasting {
				l := kinds[random.IntN(len(kinds))]
				l.from = moment(random)
				return l
			}
			a, b := draw(), draw()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("%s; %s; again: go test ./test/night -run TestTwoLastingFaults -night %d -pairs 1", a, b, seed)
				}
			})
			lastingNight(t, a, b)
		})
	}
}

// moment is when a fault begins: mostly while instances go down and come back, else while images are
// waited for, rolled and told.
func moment(random *rand.Rand) time.Duration {
	most := 4 * time.Minute
	if random.IntN(3) == 0 {
		most = 25 * time.Minute
	}
	return time.Duration(random.Int64N(int64(most/time.Second))) * time.Second
}

// lastingKinds are all faults that may last, from the beginning on.
func lastingKinds(t *testing.T) []lasting {
	t.Helper()
	calm := lastingNight(t)
	var kinds []lasting
	for _, action := range slices.Sorted(maps.Keys(calm.met)) {
		kinds = append(kinds, lasting{what: action, long: time.Hour}, lasting{what: action})
	}
	if len(kinds) < 50 {
		t.Errorf("only %d calls are made in a calm night", len(kinds)/2)
	}
	return append(kinds,
		lasting{what: ledgerAway, long: time.Hour}, lasting{what: tableLost, long: time.Hour},
		lasting{what: slackGone, long: time.Hour}, lasting{what: slackGone}, lasting{what: cutShort, long: time.Second})
}

// lastingNight is a scheduled run of five running instances and a stopped one, two down at a time, and a
// request for one more at the same time. A group launches from a template that wants one of the images.
func lastingNight(t *testing.T, faults ...lasting) *lastingFaults {
	t.Helper()
	return lastingIn(t, time.Date(2000, 1, 1, 0, 12, 0, 0, time.UTC), nightly(), func(*night) {}, faults...)
}

// lastingIn is such a night in a plan's world, due then, with what is there besides.
func lastingIn(t *testing.T, due time.Time, plans plan.Plans, besides func(n *night),
	faults ...lasting) *lastingFaults {
	t.Helper()
	o := &lastingFaults{
		due: due, faults: faults, met: map[string]bool{},
		shelf: &shelf{table: ledger.NewMemory()}, concurrency: 2,
	}
	o.shelf.away = func() bool { return o.of(ledgerAway) }
	p := plans.Plans["nightly"]
	p.Schedule = fmt.Sprintf("cron(%d %d * * ? *)", due.Minute(), due.Hour())
	p.Concurrency, p.Roll.Refresh.Enabled, p.Keep.Last = o.concurrency, true, 1
	plans.Plans["nightly"] = p
	play(t, stack.Options{
		Plans: plans, Ledger: o.shelf, History: true,
		Guard: func(s *stack.Stack) http.Handler { return o.guard(s) },
	}, func(n *night) {
		n.lasting = o
		besides(n)
		for i := range 5 {
			n.launch(fmt.Sprintf("web-%d", i+1), "")
		}
		n.launch("rest", "stopped")
		lab := n.launch("lab", "unenrolled")
		n.group("fleet", n.template("base", "web-1", "m5.large", ec2.ImageX86), "1")
		n.begin()
		o.begin(n)
		time.Sleep(time.Until(o.due.Add(-time.Second)))
		n.ask(lab, "now")
		time.Sleep(time.Until(o.due.Add(3 * time.Hour)))
		n.excuseLasting(o)
		o.most = n.downs.most["nightly"]
	})
	return o
}

// excuseLasting allows for what a fault means to break.
func (n *night) excuseLasting(o *lastingFaults) {
	lost := o.has(tableLost)
	n.excused.dead = len(o.faults) > 0
	// What could not be told when it was time is told by the sweep, which lists the runs.
	silent := o.lasts("ListExecutions") && (o.has(slackGone) || o.has("GetSecretValue") || o.has(cutShort))
	n.excused.slack = o.lasts(slackGone, "GetSecretValue") || silent
	n.excused.twice = lost
	n.excused.requests = o.has("DeleteTags")
	n.excused.tests = o.lasts("TerminateInstances")
	n.excused.copies = o.lasts("DeleteSnapshot")
	n.excused.lost = lost
	n.excused.unrecorded = o.lasts("DeregisterImage") || slices.ContainsFunc(o.faults, func(l lasting) bool {
		return isRead(l.what) && o.lasts(l.what) // what cannot be read may be in use
	})
}
