package night_test

import (
	"flag"
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
	"goldsmith/shared/plan"
)

var (
	crashOnly  = flag.String("crash", "", "play this night of the sweep alone, by the name that it failed with")
	crashEvery = flag.Bool("crash-every", false, "let everything go wrong with mere reads, too")
)

// One small night has some hundred boundaries. At each of them each thing that
// can go wrong there goes wrong once, in a night of its own; then recover and
// time do their work, and the invariants hold. At a read the sandbox is killed;
// the rest, which the SDK or the state machine repeats, is left to -crash-every.
func TestEveryCrashPoint(t *testing.T) {
	crashes(t, 1, func(mishap) bool { return true }, crashNight)
}

// crashes plays a night for each thing that can go wrong in a calm one, of those that about is for; there are least of
// them, unless one is played alone.
func crashes(t *testing.T, least int, about func(mishap) bool, night func(*testing.T, *chaos)) {
	t.Helper()
	calm := newChaos()
	night(t, calm)
	nights := 0
	for _, m := range calm.possible {
		if !m.due(about) {
			continue
		}
		nights++
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			c := newChaos(m)
			night(t, c)
			if len(c.struck) == 0 {
				t.Error("the boundary was not met again: two nights of one seed differ")
			}
			if t.Failed() {
				test, _, _ := strings.Cut(t.Name(), "/")
				t.Logf("again: go test ./test/night -run %s -crash %q (seed 1)", test, m)
			}
		})
	}
	t.Logf("%d boundaries, a night each for the %d things that can go wrong there", calm.boundaries(), nights)
	if *crashOnly != "" {
		least = 1
	}
	if nights < least {
		t.Errorf("%d nights are played, of at least %d", nights, least)
	}
}

// due reports whether a night is played for the mishap: the one that is asked for, or each that about is for.
func (m mishap) due(about func(mishap) bool) bool {
	if *crashOnly != "" {
		return *crashOnly == m.String()
	}
	return about(m) && (*crashEvery || !m.minor())
}

// within has the calls, states and invocations of a night pass the chaos. What it gives is to be told of the night's
// Slack.
func (c *chaos) within(o *stack.Options) *sandboxes {
	between := &sandboxes{chaos: c}
	o.Ledger, o.Observer = chaosLedger{ledger.NewMemory()}, transitions{c}
	o.Wrap = func(inner asl.Invoker) asl.Invoker { between.inner = inner; return between }
	o.Guard = func(s *stack.Stack) http.Handler { return wire{s} }
	return between
}

// strikes plays a night whose plan is due at twelve past midnight: one thing goes wrong in it, and then recover has
// some time.
func (c *chaos) strikes(n *night, then time.Duration) {
	n.t.Helper()
	n.begin()
	time.Sleep(time.Until(due.Add(-18*time.Minute)) - time.Second)
	c.arm(true)
	n.finish()
	c.arm(false)
	time.Sleep(then)
	n.finish()
	for _, m := range c.struck {
		n.excuse(m)
	}
}

// cut reports whether the run was cut off: its sources are left to the next.
func (c *chaos) cut() bool {
	return slices.ContainsFunc(c.struck, func(m mishap) bool { return m.is(aborted, runAborted) })
}

// crashNight is a scheduled run of a running and a stopped instance, and a
// request for a third, at the same time. One of them may be down at once.
func crashNight(t *testing.T, c *chaos) {
	t.Helper()
	o := stack.Options{
		EC2: ec2.Options{Lag: 10 * time.Second},
		// Two sweeps have seen the plan by then.
		Plans: nightly(func(p *plan.Plan) { p.Schedule, p.Concurrency = "cron(12 0 * * ? *)", 1 }),
	}
	between := c.within(&o)
	play(t, o, func(n *night) {
		between.slack = n.Slack.Inject
		web, rest, lab := n.launch("web", "gp3"), n.launch("rest", "stopped"), n.launch("lab", "unenrolled")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		time.Sleep(12*time.Minute - time.Second)
		c.arm(true)
		n.ask(lab, "now")
		n.finish()
		c.arm(false)
		time.Sleep(20 * time.Minute)
		n.finish()
		for _, m := range c.struck {
			n.excuse(m)
		}
		n.isDone(c.struck, map[string]string{web: "nightly-", rest: "nightly-", lab: "request-"})
	})
}

// excuse allows for what the mishap means to break: a message that is not known
// to be taken is sent again, and what a sweep was cut off from removing stays.
func (n *night) excuse(m mishap) {
	unmarked := strings.Contains(m.boundary, "| ledger Notified ") && m.is(lost, killedBefore)
	n.excused.twice = n.excused.twice || m.is(slackKeeps) || unmarked
	n.excused.sweep = n.excused.sweep || m.at("recover")
}

// isDone: what passes by itself is got over, and every source has its image, also
// when what asks for a run was lost. A run that was cut off leaves its sources to the next.
// Of two mishaps nobody expects as much.
func (n *night) isDone(struck []mishap, runOf map[string]string) {
	n.t.Helper()
	if len(struck) > 1 {
		return
	}
	for _, m := range struck {
		if m.is(aborted, runAborted) {
			return
		}
	}
	for _, r := range n.runs() {
		for id, run := range runOf {
			if strings.HasPrefix(r.Name, run) {
				n.want("ending of "+id, n.results(r)[id].Ending, job.Imaged)
			}
		}
	}
	n.want("runs", len(n.runs()), 2)
}
