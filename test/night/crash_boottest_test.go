package night_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// ofTests are the states in which an image is tested.
var ofTests = []string{
	"Is the image to be tested?", "Launch a test instance", "Wait until it has booted", "Try the image",
	"End the test instance", "did the image pass?",
}

// Every crash point of a boot test, as TestEveryCrashPoint has those of a night
// without one: whatever goes wrong, one test instance at most is launched, none
// stays, and what passes by itself ends in a tested image.
func TestEveryCrashPointOfABootTest(t *testing.T) {
	calm := newChaos()
	crashOfATest(t, calm)
	nights := 0
	for _, m := range calm.possible {
		if !ofATest(m) || m.minor() && !*crashEvery || *crashOnly != "" && *crashOnly != m.String() {
			continue
		}
		nights++
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			c := newChaos(m)
			crashOfATest(t, c)
			if len(c.struck) == 0 {
				t.Error("the boundary was not met again: two nights of one seed differ")
			}
		})
	}
	t.Logf("a night each for the %d things that can go wrong", nights)
}

func ofATest(m mishap) bool {
	if m.at("verify", "watch:booted") {
		return true
	}
	for _, state := range ofTests {
		if strings.Contains(m.boundary, state) {
			return true
		}
	}
	return false
}

// crashOfATest is a scheduled run of one instance, whose image is tested with a command.
func crashOfATest(t *testing.T, c *chaos) {
	t.Helper()
	between := &sandboxes{chaos: c}
	plans := tested(command)
	p := plans.Plans["nightly"]
	p.Schedule = "cron(12 0 * * ? *)"
	plans.Plans["nightly"] = p
	play(t, stack.Options{
		Plans: plans, Ledger: chaosLedger{ledger.NewMemory()}, Observer: transitions{c},
		Wrap:  func(inner asl.Invoker) asl.Invoker { between.inner = inner; return between },
		Guard: func(s *stack.Stack) http.Handler { return wire{s} },
	}, func(n *night) {
		between.slack = n.Slack.Inject
		web := n.launch("web", "")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		time.Sleep(12*time.Minute - time.Second)
		c.arm(true)
		n.finish()
		c.arm(false)
		time.Sleep(20 * time.Minute)
		n.finish()
		if launched := len(n.tests()); launched > 1 {
			n.t.Errorf("%d test instances were launched", launched)
		}
		if c.cut() {
			return
		}
		n.want("ending", n.results(n.onlyRun())[web].Ending, job.Imaged)
		n.want("boot seen", n.results(n.onlyRun())[web].Times.Boot() > 0, true)
	})
}
