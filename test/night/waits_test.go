package night_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

// silent are events of EC2 that are all lost, so that looks have to end every wait.
var silent = map[string]eventbridge.Faults{"aws.ec2": {Loss: 1}, "aws.tag": {Loss: 1}}

// Step Functions as its pages leave it open: by either name of a missed heartbeat the night goes well.
func TestAMissedHeartbeatByEitherName(t *testing.T) {
	for _, name := range []string{asl.ErrTimeout, asl.ErrHeartbeatTimeout} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Events: silent, States: sfn.Options{HeartbeatError: name}}, func(n *night) {
				web := n.launch("web", "")
				n.wasImaged(n.run()[0], web)
			})
		})
	}
}

// A stopped run ends before its children have.
func TestChildrenLagBehindAStoppedRun(t *testing.T) {
	for _, step := range moments {
		t.Run(step, func(t *testing.T) {
			play(t, stack.Options{States: sfn.Options{ChildLag: 90 * time.Second}}, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.at(step, web, func(work) { n.ok(n.States.Stop(n.onlyRun().ARN, "", "")) })
				n.run()
				time.Sleep(2*sweep + 2*time.Minute)
				n.want("web", n.EC2.State(web), ec2.Running)
			})
		})
	}
}

// slow makes describes of EC2 take their time, from when it is on.
func slow(each time.Duration, on *atomic.Bool) func(*stack.Stack) http.Handler {
	return func(s *stack.Stack) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil && on.Load() && bytes.Contains(body, []byte("Action=Describe")) {
				select {
				case <-time.After(each):
				case <-r.Context().Done():
					return
				}
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			s.ServeHTTP(w, r)
		})
	}
}

// However long a look takes, its token is alive when it is done.
func TestSlowLooks(t *testing.T) {
	for _, each := range []time.Duration{5 * time.Second, 9 * time.Second, 12 * time.Second, 20 * time.Second} {
		for which, events := range map[string]map[string]eventbridge.Faults{"": nil, ", EC2's events lost": silent} {
			t.Run(each.String()+which, func(t *testing.T) {
				on := &atomic.Bool{}
				on.Store(true)
				play(t, stack.Options{Guard: slow(each, on), Events: events}, func(n *night) {
					n.excused.dead = true // what wake and recover cannot do in time is dropped
					n.slowlyImaged(n.launch("web", ""))
				})
			})
		}
	}
}

func (n *night) slowlyImaged(web string) {
	n.t.Helper()
	r := n.run()[0]
	result := n.results(r)[web]
	n.want("web", result.Ending, job.Imaged)
	if down := result.Times.Downtime(); down > 10*time.Minute {
		n.t.Errorf("web was down for %s", down)
	}
}

// An EC2 that is so slow that no step can ask all it has to in time: nothing is stopped, and if it becomes so while
// an instance is down, that one comes back.
func TestLooksTooSlowForAStep(t *testing.T) {
	for _, each := range []time.Duration{30 * time.Second, 45 * time.Second, 55 * time.Second} {
		for which, events := range map[string]map[string]eventbridge.Faults{"": nil, ", EC2's events lost": silent} {
			t.Run("from the start, "+each.String()+which, func(t *testing.T) {
				on := &atomic.Bool{}
				on.Store(true)
				play(t, stack.Options{Guard: slow(each, on), Events: events}, func(n *night) {
					n.excused.dead = true
					web := n.launch("web", "")
					r := n.run()[0]
					n.want("web", n.results(r)[web].Ending, job.Broken)
					n.want("stops", len(n.callsOf("StopInstances", web)), 0)
					n.saysOf(r, "EC2 did not answer DescribeInstance", "in time", "Goldsmith did not stop it")
				})
			})
			t.Run("while it is down, "+each.String()+which, func(t *testing.T) {
				on := &atomic.Bool{}
				play(t, stack.Options{Guard: slow(each, on), Events: events}, func(n *night) {
					n.excused.dead = true
					web := n.launch("web", "")
					n.begin()
					n.at("stop", web, func(work) { on.Store(true) })
					r := n.run()[0]
					n.saysNot(r, "could not bring it back")
					stopped, started := n.callsOf("StopInstances", web)[0].Time, n.callsOf("StartInstances", web)[0].Time
					if down := started.Sub(stopped); down > 20*time.Minute {
						n.t.Errorf("web was started %s after its stop", down)
					}
				})
			})
		}
	}
}

// A token that is spent before its function has answered may be lost: a wait ends a heartbeat later then, whatever it
// is for.
func TestEarlyTokensAreLost(t *testing.T) {
	for which, events := range map[string]map[string]eventbridge.Faults{"": nil, ", EC2's events lost": silent} {
		t.Run("an image"+which, func(t *testing.T) {
			play(t, stack.Options{Events: events, States: sfn.Options{EarlyTokensLost: true}}, func(n *night) {
				web := n.launch("web", "")
				r := n.run()[0]
				n.wasImaged(r, web)
				if down := n.results(r)[web].Times.Downtime(); down > 5*time.Minute {
					t.Errorf("web was down for %s", down)
				}
			})
		})
		for _, step := range []string{"watch:stopped", "watch:snapshotted", "watch:running"} {
			t.Run("terminated at "+step+which, func(t *testing.T) {
				play(t, stack.Options{Events: events, States: sfn.Options{EarlyTokensLost: true}}, func(n *night) {
					web := n.launch("web", "")
					n.begin()
					n.at(step, web, func(work) {
						_, err := n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}})
						n.ok(err)
					})
					r := n.run()[0]
					n.want("gone", n.results(r)[web].Gone, true)
				})
			})
		}
	}
}

// stumbling fails some looks of watch, each of them the way one error does.
type stumbling struct {
	inner  asl.Invoker
	mu     sync.Mutex
	random *rand.Rand
	names  []string
	chance float64
}

// Invoke fails a look now and then.
func (s *stumbling) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	if strings.Contains(function, "-watch") {
		s.mu.Lock()
		falls, name := s.random.Float64() < s.chance, s.names[s.random.IntN(len(s.names))]
		s.mu.Unlock()
		if falls {
			return nil, &asl.Error{Name: name, Cause: "as AWS does now and then"}
		}
	}
	return s.inner.Invoke(ctx, function, payload)
}

// An image that takes a day is rolled, whatever befalls some of the looks at it.
func TestADayOfLooksThatFailNowAndThen(t *testing.T) {
	for _, c := range []struct {
		names  []string
		chance float64
	}{
		{[]string{"Runtime.ExitError", "Sandbox.Timedout"}, 0.2},
		{[]string{"Lambda.ServiceException", "Lambda.ClientExecutionTimeoutException", "Lambda.Unknown"}, 0.3},
		{[]string{"Transient"}, 0.5},
		{[]string{"Transient", "Lambda.SdkClientException", "Runtime.ExitError"}, 0.3},
	} {
		t.Run(strings.Join(c.names, " "), func(t *testing.T) {
			between := func(inner asl.Invoker) asl.Invoker {
				return &stumbling{inner: inner, random: rand.New(rand.NewPCG(1, 2)), names: c.names, chance: c.chance}
			}
			play(t, stack.Options{Events: silent, Wrap: between}, func(n *night) {
				web := n.launch("web", "")
				n.EC2.Inject(ec2.Fault{Action: "CreateImage", Delay: 20 * time.Hour})
				r := n.run()[0]
				n.want("web", n.results(r)[web].Ending, job.Imaged)
			})
		})
	}
}
