package night_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// asked counts what recover asks DescribeExecution, whose quota is the whole account's.
type asked struct {
	http.Handler
	calls atomic.Int32
}

// ServeHTTP counts a call and hands it on.
func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	of := r.Header.Get("X-Amz-Target")
	if of == "AWSStepFunctions.DescribeExecution" && strings.HasPrefix(r.Header.Get(query.CallerHeader), "recover") {
		a.calls.Add(1)
	}
	a.Handler.ServeHTTP(w, r)
}

// A run of many sources is aborted while all are down: the sweeps learn what became of each without asking one by one,
// and all run again. DescribeExecution lets 250 calls in at once and ten a second then.
func TestManyClaimsUnderStepFunctionsBuckets(t *testing.T) {
	t.Parallel()
	const sources = 300
	asks := &asked{}
	plans := nightly(func(p *plan.Plan) { p.Concurrency, p.Roll.Skip = sources, true })
	guard := func(s *stack.Stack) http.Handler {
		asks.Handler = s
		return asks
	}
	play(t, stack.Options{Plans: plans, Guard: guard}, func(n *night) {
		ids := n.launchMany(sources)
		n.begin()
		n.after("watch:snapshotted", ids[0], func(work) { n.ok(n.States.Stop(n.onlyRun().ARN, "", "")) })
		n.run()
		time.Sleep(time.Minute)
		if calls := asks.calls.Load(); calls > 20 {
			t.Errorf("recover asked %d times what executions do", calls)
		}
		time.Sleep(2*sweep + time.Minute)
		for _, id := range ids {
			n.want("state of "+id, n.EC2.State(id), ec2.Running)
		}
		n.want("throttled", strings.Contains(n.logs.String(), "Rate exceeded"), false)
	})
}
