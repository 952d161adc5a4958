package night_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// The same for what comes after the release: whatever goes wrong there, groups
// are refreshed once at most, the source stays imaged, and nobody is told that
// all is well when nobody knows.
func TestEveryCrashPointOfARefresh(t *testing.T) {
	calm := newChaos()
	refreshNight(t, calm)
	nights := 0
	for _, m := range calm.possible {
		if !m.concernsGroups() {
			continue
		}
		nights++
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			c := newChaos(m)
			refreshNight(t, c)
			if len(c.struck) == 0 {
				t.Error("the boundary was not met again: two nights of one seed differ")
			}
		})
	}
	t.Logf("%d nights", nights)
	if nights < 20 && *crashOnly == "" {
		t.Errorf("only %d nights concern refreshes", nights)
	}
}

// concernsGroups reports whether the mishap strikes what comes after the release, and is to be played.
func (m mishap) concernsGroups() bool {
	concerns := strings.Contains(strings.ToLower(m.boundary), "refresh") || strings.Contains(m.boundary, "groups")
	if *crashOnly != "" {
		return *crashOnly == m.String()
	}
	return concerns && (!m.minor() || *crashEvery)
}

// refreshNight is a run of one source, whose template two groups launch from.
func refreshNight(t *testing.T, c *chaos) {
	t.Helper()
	between := &sandboxes{chaos: c}
	play(t, stack.Options{
		Plans: nightly(func(p *plan.Plan) {
			p.Schedule, p.Roll.Refresh.Enabled = "cron(12 0 * * ? *)", true
		}),
		Ledger:   chaosLedger{ledger.NewMemory()},
		Observer: transitions{c},
		Wrap:     func(inner asl.Invoker) asl.Invoker { between.inner = inner; return between },
		Guard:    func(s *stack.Stack) http.Handler { return wire{s} },
	}, func(n *night) {
		between.slack = n.Slack.Inject
		web := n.launch("web", "")
		base := n.template("base", "web", "m5.large", ec2.ImageX86)
		n.group("fleet", base, "1")
		// The larger takes longer: two that ended at the same moment would be looked at in any order.
		n.group("follower", base, "$Default",
			func(in *autoscaling.CreateAutoScalingGroupInput) { in.DesiredCapacity = aws.Int32(4) })
		n.begin()
		time.Sleep(12*time.Minute - 10*time.Minute - time.Second)
		c.arm(true)
		time.Sleep(2 * time.Second)
		n.finish()
		c.arm(false)
		time.Sleep(time.Hour)
		n.finish()
		for _, m := range c.struck {
			n.excuse(m)
		}
		n.groupsAreDone(c.struck, web)
	})
}

// groupsAreDone: each group was refreshed once, unless the execution was cut off before.
func (n *night) groupsAreDone(struck []mishap, web string) {
	n.t.Helper()
	r := n.runs()[0]
	n.want("ending", n.results(r)[web].Ending, job.Imaged)
	cut := false
	for _, m := range struck {
		cut = cut || m.is(aborted, runAborted)
	}
	for _, group := range []string{"fleet", "follower"} {
		all := n.refreshesOf(group)
		switch {
		case len(all) == 1 && all[0].Status == types.InstanceRefreshStatusSuccessful:
		case cut && len(all) == 0:
			n.want("OK is said", strings.Contains(n.said(), "OK: nightly"), false)
		default:
			n.t.Errorf("group %s has had %d refreshes: %+v", group, len(all), all)
		}
		if !cut {
			n.want("refresh of "+group, n.refreshIn(r, web, group).ID, aws.ToString(all[0].InstanceRefreshId))
			n.want("problem of "+group, n.refreshIn(r, web, group).Problem, "")
		}
	}
}
