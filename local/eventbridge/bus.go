// Package eventbridge is the embedded EventBridge: the default event bus with its rules,
// and EventBridge Scheduler. Like the real ones it delivers after a while, at
// least once and in no order, and like the real ones it can lose an event:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event.html.
//
// Whatever happens to an event is drawn from the seed and the event's content,
// not from a stream that concurrent senders share, so a night can be repeated.
package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"goldsmith/events"
	"goldsmith/local/clock"
	"goldsmith/local/draw"
	"goldsmith/local/eventbridge/pattern"
)

// Options say what a bus is connected to and how it misbehaves.
type Options struct {
	Clock *clock.Clock
	Seed  uint64
	// Region and Account are those of every event, such as eu-central-1 and 123456789012.
	Region  string
	Account string
	Rules   []Rule
	// Invoke runs a function. It is called from many goroutines at once, must
	// not change payload, and must return soon after ctx is done.
	Invoke func(ctx context.Context, function string, payload []byte) error
	// Faults are by event source, such as aws.ec2; the empty source stands for all
	// that are not named. Scheduler's is aws.scheduler.
	Faults map[string]Faults
	// Dead is told of each delivery that failed for good; may be nil.
	Dead func(Record)
	// Keep is how many of the newest records are kept; 0 for all.
	Keep int
	// Retry are the waits before a function that failed is run again. Default: Lambda's own for
	// asynchronous invocations, one minute and then two.
	Retry []time.Duration
}

// Rule sends events that match a pattern to a function.
type Rule struct {
	Name     string
	Function string
	Pattern  []byte
}

// Deployed are the rules of package events, with each ${key} in their patterns
// replaced by its value.
func Deployed(values map[string]string) ([]Rule, error) {
	var rules []Rule
	for _, rule := range events.Rules {
		text, err := rule.Pattern(values)
		if err != nil {
			return nil, err
		}
		rules = append(rules, Rule{Name: rule.Name, Function: rule.Function, Pattern: text})
	}
	return rules, nil
}

// Bus is a running event bus. It is safe for concurrent use.
type Bus struct {
	options Options
	rules   []compiled
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	timers    map[*clock.Timer]struct{}
	seen      draw.Counts
	schedules map[string]Schedule // by ARN
	off       map[string]bool     // schedules that are switched off, by name
	stats     Stats
	records   []Record
	sent      []Event
	refusals  []string
}

type compiled struct {
	Rule
	pattern *pattern.Pattern
}

// retries are what Lambda does of itself with a failed asynchronous invocation:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html.
// EventBridge's own 185 retries concern handing the event to Lambda, which never fails here.
var retries = []time.Duration{time.Minute, 2 * time.Minute}

// New starts a bus. A pattern with an operator that is not implemented is an
// error that names the rule, the place and the operator.
func New(o Options) (*Bus, error) {
	if o.Clock == nil || o.Invoke == nil || o.Region == "" || o.Account == "" {
		return nil, errors.New("a bus needs a clock, Invoke, a region and an account")
	}
	if o.Retry == nil {
		o.Retry = retries
	}
	b := &Bus{
		options: o, timers: map[*clock.Timer]struct{}{}, seen: draw.Counts{}, schedules: map[string]Schedule{},
		off: map[string]bool{},
	}
	for _, rule := range o.Rules {
		p, err := pattern.Compile(rule.Pattern)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", rule.Name, err)
		}
		b.rules = append(b.rules, compiled{rule, p})
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b, nil
}

// Rules are the rules of the bus, in the order given.
func (b *Bus) Rules() []Rule {
	rules := make([]Rule, len(b.rules))
	for i, r := range b.rules {
		rules[i] = r.Rule
	}
	return rules
}

// Close stops all timers, ends the context of what is running and waits for it.
// What was still under way is neither delivered nor dead.
func (b *Bus) Close() {
	b.mu.Lock()
	b.closed = true
	for timer := range b.timers {
		timer.Stop()
	}
	clear(b.timers)
	b.mu.Unlock()
	b.cancel()
	b.running.Wait()
}

// after runs f once d has passed, unless the bus is closed before.
func (b *Bus) after(d time.Duration, f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	var timer *clock.Timer
	timer = b.options.Clock.AfterFunc(d, func() {
		b.mu.Lock()
		if b.closed {
			b.mu.Unlock()
			return
		}
		delete(b.timers, timer)
		b.running.Add(1)
		b.mu.Unlock()
		defer b.running.Done()
		f()
	})
	b.timers[timer] = struct{}{}
}
