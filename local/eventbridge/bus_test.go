package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/local/clock"
	"goldsmith/local/eventbridge"
	"goldsmith/shared/event"
)

const machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:goldsmith"

// call is one run of a function.
type call struct {
	at       time.Duration
	function string
	payload  string
}

// scene is a bus whose calls are noted.
type scene struct {
	*eventbridge.Bus
	started time.Time

	mu    sync.Mutex
	calls []call
	// fail says whether a run fails, by how often the payload came before.
	fail func(n int) error
	runs map[string]int
}

// start starts a bus inside a synctest bubble; it is closed when the test ends.
func start(t *testing.T, change func(*eventbridge.Options)) *scene {
	t.Helper()
	rules, err := eventbridge.Deployed(map[string]string{"StateMachineArn": machine, "Account": "123456789012",
		"Region": "eu-central-1"})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{started: time.Now(), runs: map[string]int{}}
	o := eventbridge.Options{Clock: clock.Real(), Seed: 1, Region: "eu-central-1", Account: "123456789012", Rules: rules,
		Invoke: s.invoke}
	if change != nil {
		change(&o)
	}
	if s.Bus, err = eventbridge.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func (s *scene) invoke(_ context.Context, function string, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call{time.Since(s.started), function, string(payload)})
	s.runs[string(payload)]++
	if s.fail == nil {
		return nil
	}
	return s.fail(s.runs[string(payload)])
}

func (s *scene) noted() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *scene) stopped(id string) {
	s.Put("aws.ec2", "EC2 Instance State-change Notification",
		[]string{"arn:aws:ec2:eu-central-1:123456789012:instance/" + id},
		map[string]string{"instance-id": id, "state": "stopped"})
}

func id(n int) string { return fmt.Sprintf("i-%017x", n) }

func TestPutReachesTheFunctionThatWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.stopped(id(1))
		s.Put("aws.ec2", "EC2 Instance State-change Notification", nil,
			map[string]string{"instance-id": id(1), "state": "pending"})
		if calls := s.noted(); len(calls) > 0 {
			t.Fatalf("at once: %v", calls)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		calls := s.noted()
		if len(calls) != 1 || calls[0].function != "wake" || calls[0].at < 200*time.Millisecond {
			t.Fatalf("got %v", calls)
		}
		decoded, err := event.Decode([]byte(calls[0].payload), event.Home{Account: "123456789012", Region: "eu-central-1"})
		if diff := cmp.Diff(event.Event(event.InstanceChanged{ID: id(1), State: "stopped"}), decoded); err != nil ||
			diff != "" {
			t.Error(err, diff)
		}
		if diff := cmp.Diff(eventbridge.Stats{Put: 2, Unmatched: 1, Delivered: 1}, s.Stats()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEnvelope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.Put("aws.ec2", "EC2 AMI State Change", nil, map[string]string{"ImageId": "ami-01234567", "State": "failed"})
		time.Sleep(time.Second)
		synctest.Wait()
		r := s.Records(eventbridge.Delivered)[0]
		if r.Rule != "image-settled" || r.Attempts != 1 || r.Ended.Sub(r.Sent) != s.noted()[0].at {
			t.Errorf("record: %+v", r)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(s.noted()[0].payload), &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"version": "0", "id": r.Event, "source": "aws.ec2", "detail-type": "EC2 AMI State Change",
			"account": "123456789012", "region": "eu-central-1", "time": s.started.UTC().Format(time.RFC3339),
			"resources": []any{}, "detail": map[string]any{"ImageId": "ami-01234567", "State": "failed"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFailedFunctionsAreRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.fail = func(n int) error {
			if n < 3 {
				return errors.New("not yet")
			}
			return nil
		}
		s.stopped(id(1))
		time.Sleep(10 * time.Minute)
		calls := s.noted()
		if len(calls) != 3 || calls[1].at-calls[0].at != time.Minute || calls[2].at-calls[1].at != 2*time.Minute {
			t.Fatalf("got %v", calls)
		}
		if r := s.Records(); len(r) != 1 || r[0].Outcome != eventbridge.Delivered || r[0].Attempts != 3 {
			t.Errorf("got %+v", r)
		}
	})
}

func TestWhatFailsEveryTimeIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		failure := errors.New("never")
		s.fail = func(int) error { return failure }
		s.stopped(id(2))
		time.Sleep(10 * time.Minute)
		dead := s.Records(eventbridge.Dead)
		if len(dead) != 1 || dead[0].Attempts != 3 || !errors.Is(dead[0].Problem, failure) ||
			!strings.Contains(string(dead[0].Payload), id(2)) {
			t.Errorf("got %+v", dead)
		}
		if diff := cmp.Diff(eventbridge.Stats{Put: 1, Retried: 2, Dead: 1}, s.Stats()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatIsNoEventIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.Put("aws.ec2", "EC2 AMI State Change", nil, "available")
		s.Put("aws.ec2", "EC2 AMI State Change", nil, func() {})
		dead := s.Records(eventbridge.Dead)
		if len(dead) != 2 || !strings.Contains(dead[0].Problem.Error(), `detail: want an object, got "available"`) {
			t.Errorf("got %+v", dead)
		}
	})
}

func TestFaultsAreBySource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(o *eventbridge.Options) {
			o.Faults = map[string]eventbridge.Faults{"aws.ec2": {Loss: 1}, "": {Double: 1}}
		})
		s.stopped(id(1))
		s.Put("aws.states", "Step Functions Execution Status Change", nil, map[string]string{
			"executionArn": "x", "stateMachineArn": machine + "/Sources", "status": "ABORTED",
		})
		time.Sleep(time.Minute)
		if calls := s.noted(); len(calls) != 2 || calls[0].function != "recover" || calls[0].payload != calls[1].payload ||
			calls[0].at == calls[1].at {
			t.Errorf("got %v", calls)
		}
		if diff := cmp.Diff(eventbridge.Stats{Put: 2, Doubled: 1, Delivered: 2, Lost: 1}, s.Stats()); diff != "" {
			t.Error(diff)
		}
		if lost := s.Records(eventbridge.Lost); len(lost) != 1 || lost[0].Source != "aws.ec2" || lost[0].Function != "wake" {
			t.Errorf("got %+v", lost)
		}
	})
}

func TestHeldBackEventsAreOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(o *eventbridge.Options) {
			o.Faults = map[string]eventbridge.Faults{"": {Delay: time.Millisecond, Longest: time.Millisecond, Reorder: 0.5,
				Hold: time.Minute}}
		})
		for n := range 100 {
			s.stopped(id(n))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2 * time.Minute)
		calls := s.noted()
		inOrder := slices.IsSortedFunc(calls, func(a, b call) int { return strings.Compare(idOf(a), idOf(b)) })
		if len(calls) != 100 || inOrder {
			t.Errorf("%d calls, in order: %v", len(calls), inOrder)
		}
		held := slices.IndexFunc(calls, func(c call) bool { return c.at > 5*time.Second })
		if held < 30 || held > 70 {
			t.Errorf("%d of 100 were not held back", held)
		}
	})
}

func idOf(c call) string { return c.payload[strings.Index(c.payload, "i-"):][:19] }

// What happens to an event is its seed's and its content's, whoever else sends
// meanwhile and in which order.
func TestADeliveryIsTheEventsOwn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		faults := map[string]eventbridge.Faults{"": {Loss: 0.3, Double: 0.3, Reorder: 0.3}}
		order := rapid.Permutation([]int{1, 2, 3, 4, 5, 6, 7, 8}).Draw(rt, "order")
		night := func(order []int) (ends map[string][]string) {
			ends = map[string][]string{}
			synctest.Test(t, func(t *testing.T) {
				s := start(t, func(o *eventbridge.Options) { o.Seed, o.Faults = seed, faults })
				for _, n := range order {
					go s.stopped(id(n))
				}
				time.Sleep(time.Minute)
				for _, r := range s.Records() {
					resource := r.Resources[0]
					ends[resource] = append(ends[resource], fmt.Sprint(r.Event, r.Outcome, r.Ended.Sub(r.Sent)))
				}
			})
			return ends
		}
		if diff := cmp.Diff(night([]int{1, 2, 3, 4, 5, 6, 7, 8}), night(order)); diff != "" {
			rt.Errorf("seed %d: %s", seed, diff)
		}
	})
}

// Chances are what they say, and a repeated event is decided of anew.
func TestChances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(o *eventbridge.Options) { o.Faults = map[string]eventbridge.Faults{"": {Loss: 0.2, Double: 0.1}} })
		const n = 5000
		for range n {
			s.stopped(id(1))
		}
		time.Sleep(time.Minute)
		stats := s.Stats()
		if stats.Lost < n*17/100 || stats.Lost > n*23/100 || stats.Doubled < n*6/100 || stats.Doubled > n*10/100 {
			t.Errorf("got %+v", stats)
		}
		if stats.Delivered != n-stats.Lost+stats.Doubled || stats.Pending != 0 {
			t.Errorf("they do not add up: %+v", stats)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered := make(chan struct{})
		s := start(t, func(o *eventbridge.Options) {
			o.Invoke = func(ctx context.Context, _ string, _ []byte) error {
				close(entered)
				<-ctx.Done()
				return ctx.Err()
			}
		})
		s.stopped(id(1))
		<-entered
		s.stopped(id(2))
		s.Close()
		s.stopped(id(3))
		s.Close()
		time.Sleep(time.Hour)
		if r := s.Records(); len(r) != 0 {
			t.Errorf("got %+v", r)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	invoke := func(context.Context, string, []byte) error { return nil }
	if _, err := eventbridge.New(eventbridge.Options{Invoke: invoke}); err == nil {
		t.Error("no clock")
	}
	_, err := eventbridge.New(eventbridge.Options{
		Clock: clock.Real(), Region: "r", Account: "1", Invoke: invoke,
		Rules: []eventbridge.Rule{{Name: "by-address", Pattern: []byte(`{"detail":{"ip":[{"cidr":"10.0.0.0/8"}]}}`)}},
	})
	if err == nil || !strings.Contains(err.Error(),
		`rule by-address: event pattern: detail.ip: operator "cidr" is not supported`) {
		t.Errorf("got %v", err)
	}
	if _, err := eventbridge.Deployed(nil); err == nil || !strings.Contains(err.Error(), "Account, Region") {
		t.Errorf("got %v", err)
	}
}

// 10,000 sources make some 60,000 events.
func BenchmarkNight(b *testing.B) {
	rules, err := eventbridge.Deployed(map[string]string{"StateMachineArn": machine, "Account": "123456789012",
		"Region": "eu-central-1"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var done sync.WaitGroup
		done.Add(60_000)
		s, err := eventbridge.New(eventbridge.Options{
			Clock: clock.Scaled(time.Now(), 3600), Region: "eu-central-1", Account: "123456789012", Rules: rules,
			Invoke: func(context.Context, string, []byte) error { done.Done(); return nil },
		})
		if err != nil {
			b.Fatal(err)
		}
		for n := range 60_000 {
			(&scene{Bus: s}).stopped(id(n))
		}
		done.Wait()
		s.Close()
	}
}
