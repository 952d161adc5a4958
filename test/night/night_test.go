// Package night_test plays whole nights: the deployed state machine, the real
// handlers and the real SDK clients on the embedded AWS, in fake time. After
// every night the same invariants are checked (invariants_test.go).
package night_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/local/asl"
	"goldsmith/local/clock"
	"goldsmith/local/elb"
	"goldsmith/local/query"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// TestMain lets the collector wait: nights leave much behind, and end soon.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// night is one night in fake time and what a person can do in it.
type night struct {
	*stack.Stack
	t     tester
	ctx   context.Context
	cloud *sdk.Client
	ssm   *ssm.Client
	logs  *journal
	hooks *hooks
	seed  uint64
	plans plan.Plans

	fleet    map[string]*server
	before   map[string]before
	targets  []elb.Target    // what was registered with target groups
	theirs   map[string]bool // snapshots that were there before the night, and are not Goldsmith's
	begun    int             // calls before the night began
	since    time.Time
	excused  excuses
	downs    downs
	lasting  *lastingFaults // faults that last, if the story has any
	checked  string         // the invariant that is being checked
	second   string         // another image like ImageX86, where a world has one
	answered string         // what rollbacks have answered beside what became of their targets
	// anyVolumes is whether volumes may differ that a plan says.
	anyVolumes bool
	stands     map[string]string // what stands for images that a world has made, by name
}

// tester is who hears of what is wrong with a night: a test, or who expects it.
type tester interface {
	Helper()
	Log(args ...any)
	Logf(format string, args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
}

// excuses are what a story breaks on purpose and the invariants allow for.
type excuses struct {
	targets    map[string]bool // a person took these out of target groups
	stopped    map[string]bool // a person stopped these in the middle
	afar       bool            // what was undone at home could not be in another Region, and that was told
	slack      bool            // Slack itself was the fault
	twice      bool            // that Slack had taken a message was forgotten, once
	dead       bool            // functions were made to fail for good
	requests   bool            // request tags could not be taken off
	sweep      bool            // a sweep was disturbed, and may have left what it was about to remove
	unrecorded bool            // what became of images could not be found out or recorded
	tests      bool            // test instances could not be terminated
	copies     bool            // snapshots could not be deleted
	// exempted are sources that a person has exempted: they do not count among those that may be down.
	exempted int
	standby  bool // somebody put members into Standby
	lost     bool // the ledger was lost, and with it what it knew of images
	redriven bool // an execution was redriven once the sweep had dropped its claims
}

// sweep is how often recover looks around.
const sweep = 5 * time.Minute

// play plays a story in fake time, from midnight on, and then checks the invariants.
func play(t *testing.T, options stack.Options, story func(n *night)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, options)
		defer n.end()
		story(n)
		n.check()
	})
}

func newNight(t *testing.T, o stack.Options) *night {
	t.Helper()
	n := &night{
		t: t, ctx: t.Context(), logs: &journal{}, hooks: &hooks{}, fleet: map[string]*server{},
		excused: excuses{stopped: map[string]bool{}, targets: map[string]bool{}},
	}
	o.Clock, o.Logs, o.Sweep = clock.Real(), n.logs, cmp.Or(o.Sweep, sweep)
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Plans.Plans == nil {
		o.Plans = nightly()
	}
	between := o.Wrap
	o.Wrap = func(inner asl.Invoker) asl.Invoker {
		if between != nil {
			inner = between(inner)
		}
		n.hooks.inner, n.hooks.stops = inner, n.downs.stops
		return n.hooks
	}
	n.seed = o.Seed
	n.downs = downs{asked: map[string]string{}, of: map[string]string{}, most: map[string]int{}}
	o.Emitted = n.follow
	n.plans = o.Plans
	var err error
	if n.Stack, err = stack.New(o); err != nil {
		t.Fatal(err)
	}
	n.cloud, n.ssm = sdk.NewFromConfig(n.AWS()), ssm.NewFromConfig(n.AWS())
	return n
}

// end closes the suite; what goes on in a failed night is told.
func (n *night) end() {
	if err := n.Close(); err != nil {
		n.t.Error(err)
	}
	if !n.t.Failed() {
		return
	}
	n.t.Logf("seed %d", n.seed)
	for _, m := range n.Slack.Messages() {
		n.t.Log(m.Terminal(false))
	}
	for _, c := range n.callsOf("") {
		if c.Error != "" {
			n.t.Logf("%s %s %s %v: %s", c.Time.Format(time.TimeOnly), c.Caller, c.Action, c.Resources, c.Error)
		}
	}
}

// due is when the plan of nightly() runs.
var due = time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC)

// nightly is one plan, changed by edits. It is the default plan, too.
func nightly(edits ...func(*plan.Plan)) plan.Plans {
	p := plan.Default()
	p.Name, p.Schedule, p.Concurrency = "nightly", "cron(30 0 * * ? *)", 100
	for _, edit := range edits {
		edit(&p)
	}
	return plan.Plans{Default: p.Name, Plans: map[string]plan.Plan{p.Name: p}}
}

// with adds a plan.
func with(plans plan.Plans, name string, edit func(*plan.Plan)) plan.Plans {
	p := plans.Plans[plans.Default]
	p.Name = name
	edit(&p)
	plans.Plans[name] = p
	return plans
}

// run plays until the nightly run is due and has ended, and whatever else runs by then.
func (n *night) run() []sfn.Execution {
	n.t.Helper()
	n.begin()
	time.Sleep(time.Until(due))
	return n.finish()
}

// finish waits until what was asked for has begun and every run has ended.
func (n *night) finish() []sfn.Execution {
	n.t.Helper()
	n.begin()
	time.Sleep(15 * time.Second) // every event has arrived by then, even one that was held back
	for {
		runs := n.runs()
		running := 0
		for _, r := range runs {
			if r.Status == asl.Running {
				running++
				if _, err := n.States.Wait(n.ctx, r.ARN); err != nil {
					n.t.Fatal(err)
				}
			}
		}
		if running == 0 {
			return runs
		}
	}
}

// runs are all executions of the state machine so far, newest first.
func (n *night) runs() []sfn.Execution {
	return n.States.List(sfn.Filter{Machine: n.Machine})
}

// onlyRun is the one run there was.
func (n *night) onlyRun() sfn.Execution {
	n.t.Helper()
	runs := n.runs()
	if len(runs) != 1 {
		n.t.Fatalf("%d runs, want one: %v", len(runs), runs)
	}
	return runs[0]
}

// callsOf are the functions' calls of an action, or all of them, that name any
// of the resources, if some are given.
func (n *night) callsOf(action string, resources ...string) []query.Record {
	var found []query.Record
	for _, c := range n.Calls.Since(n.begun) {
		if c.Caller != "" && c.Caller != "autoscaling" && !strings.Contains(c.Form, "DryRun=true") &&
			(action == "" || c.Action == action) && touches(c, resources) {
			found = append(found, c)
		}
	}
	return found
}

func touches(c query.Record, resources []string) bool {
	if len(resources) == 0 {
		return true
	}
	for _, r := range resources {
		for _, touched := range c.Resources {
			if r == touched {
				return true
			}
		}
	}
	return false
}

// journal is what the functions log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes one line.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

// String is everything logged so far.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// must gives a call's answer, and ends the story when there is none.
func must[T any](answer T, err error) func(t tester) T {
	return func(t tester) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

func (n *night) want(what string, got, want any) {
	n.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		n.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
