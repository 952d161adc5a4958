package night_test

import (
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Every source of a large night is imaged once and back, however it is hindered.
func (n *night) allImaged(ids []string) {
	n.t.Helper()
	r := n.onlyRun()
	n.want("status", r.Status, asl.Succeeded)
	results := n.results(r)
	n.want("results", len(results), len(ids))
	bad := 0
	for _, id := range ids {
		result := results[id]
		if result.Ending != job.Imaged {
			if bad++; bad < 4 {
				n.t.Errorf("%s ended %q: %s", id, result.Ending, result.Problem)
			}
			continue
		}
		if taken := n.EC2.Taken(result.Image.ID); taken.Live {
			n.t.Errorf("image %s of %s was taken while it ran", result.Image.ID, id)
		}
	}
	n.want("sources not imaged", bad, 0)
	n.want("images", len(n.images()), len(ids))
}

func TestThreeHundredSourcesUnderEC2sBuckets(t *testing.T) {
	t.Parallel()
	play(t, stack.Options{EC2: ec2.Options{Buckets: true}}, func(n *night) {
		// The fleet is older than the buckets: they are full when the night begins.
		var ids []string
		for range 60 {
			ids = append(ids, n.launchMany(5)...)
			time.Sleep(3 * time.Second)
		}
		n.run()
		n.allImaged(ids)
		throttled := 0
		for _, c := range n.callsOf("") {
			if c.Error == "RequestLimitExceeded" {
				throttled++
			}
		}
		t.Logf("300 sources in %s, %d of %d calls throttled", n.onlyRun().Stopped.Sub(due), throttled, len(n.callsOf("")))
	})
}

func TestStartsThrottledToOneASecond(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		ids := n.launchMany(100)
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", PerSecond: 1})
		n.run()
		n.allImaged(ids)
		longest := time.Duration(0)
		for _, result := range n.results(n.onlyRun()) {
			longest = max(longest, result.Times.Downtime())
		}
		t.Logf("100 starts at one a second: down for %s at most", longest)
		n.want("down for ten minutes at most", longest < 10*time.Minute, true)
	})
}

// Everything at once answers one call in five only.
func TestEveryCallThrottledNowAndThen(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		ids := n.launchMany(30)
		n.begin()
		n.EC2.Inject(ec2.Fault{Chance: 0.5, Code: "RequestLimitExceeded", Until: due.Add(20 * time.Minute)})
		n.run()
		n.allImaged(ids)
	})
}

// Describes that are late: what they say may be older than what was done.
func TestDescribesThatLag(t *testing.T) {
	play(t, stack.Options{EC2: ec2.Options{Lag: 10 * time.Second}}, func(n *night) {
		for _, name := range []string{"web", "api", "mail"} {
			n.launch(name, "")
		}
		n.launch("db", "gp3 st1")
		n.launch("rest", "stopped")
		time.Sleep(time.Minute)
		n.run()
		time.Sleep(time.Minute)
		n.allImaged(n.ids())
	})
}

// Stopped sources go the shortest way, so that this says much about paging and
// costs little.
func TestMoreThanAThousandSources(t *testing.T) {
	t.Parallel()
	plans := nightly(func(p *plan.Plan) { p.Concurrency, p.Roll.Skip = 1000, true })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		ids := n.launchMany(1050)
		for _, id := range ids {
			n.as(id, ec2.Stopped)
		}
		n.run()
		n.allImaged(ids)
		n.saysOf(n.onlyRun(), "1050 imaged")
		n.want("rounds", len(n.callsOf("DescribeVolumes")) > 5, true)
	})
}

var loadSources = flag.Int("sources", 250, "how many sources the loaded run has; make load plays 2000")

// Many sources in one run: nothing is lost, and the budgets hold. The wall time is told,
// never asserted.
func TestLoadOfOneRun(t *testing.T) {
	t.Parallel()
	sources := *loadSources
	plans := nightly(func(p *plan.Plan) { p.Concurrency = 500 })
	steps, begun, found := &counted{}, time.Now(), ""
	play(t, stack.Options{Plans: plans, Observer: steps}, func(n *night) {
		ids := n.launchMany(sources)
		n.run()
		n.allImaged(ids)
		r := n.onlyRun()
		n.saysOf(r, fmt.Sprint(sources, " imaged"))
		calls, added, over := 0, time.Duration(0), 0
		for _, c := range n.callsOf("") {
			if !strings.HasPrefix(c.Caller, "recover/") {
				calls++
			}
		}
		results := n.results(r)
		for _, id := range ids {
			down := results[id].Times.Downtime() - n.EC2.Times(id).Minimum()
			added = max(added, down)
			if down >= 3*time.Second {
				over++
			}
		}
		perImage, moves := float64(calls)/float64(sources), float64(steps.entered.Load())/float64(sources)
		n.want("API calls per image within 20", perImage <= 20, true)
		// A change in the second between a heartbeat and its retry finds no token, and is seen by the look that follows.
		if added >= 4*time.Second || over > sources/50 {
			n.t.Errorf("downtime added is %s at most, and of %d sources over the budget of 3 s", added, over)
		}
		n.want("state transitions per image within 25", moves <= 25, true)
		found = fmt.Sprintf("%d sources in %s: %.1f API calls and %.1f state transitions per image, at most %s of "+
			"downtime added (%d over the 3 s of the budget)",
			sources, r.Stopped.Sub(due), perImage, moves, added, over)
	})
	t.Logf("%s; played in %s", found, time.Since(begun).Round(time.Second))
}

// Two hundred tag requests within a minute are two hundred runs: each is answered, and each is told.
func TestLoadOfRequests(t *testing.T) {
	t.Parallel()
	const requests = 200
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		var ids []string
		for range requests {
			ids = append(ids, n.launch("lab", "unenrolled private"))
			delete(n.fleet, "lab")
		}
		n.begin()
		for _, id := range ids {
			n.ask(id, "now")
			time.Sleep(time.Minute / requests)
		}
		runs := n.finish()
		n.want("runs", len(runs), requests)
		for _, r := range runs {
			n.want("status of "+r.Name, r.Status, asl.Succeeded)
		}
		n.want("images", len(n.images()), requests)
		// Slack takes one message a second, and a function waits only so long: sweeps tell the rest.
		told := len(n.Slack.Messages())
		time.Sleep(3 * sweep)
		n.want("messages", len(n.Slack.Messages()), requests)
		t.Logf("%d requests in a minute: %d runs told of themselves, sweeps of %d", requests, told, requests-told)
	})
}

// counted counts the states that executions enter, and what they try again: each is a transition.
type counted struct{ entered atomic.Int64 }

// Observe is told of every transition.
func (c *counted) Observe(t asl.Transition) asl.Action {
	if t.Moment == asl.Entered || t.Moment == asl.Retrying {
		c.entered.Add(1)
	}
	return asl.Continue
}
