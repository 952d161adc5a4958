package eventbridge

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"goldsmith/local/draw"
	"goldsmith/local/eventbridge/pattern"
)

// envelope is what EventBridge wraps a service's event in:
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// Put sends an event, as a service of AWS does: it returns at once and tells
// the sender what becomes of it. detail is marshalled as JSON and must be an object;
// what is not ends among the dead.
func (b *Bus) Put(source, detailType string, resources []string, detail any) {
	now := b.options.Clock.Now()
	record := Record{Source: source, DetailType: detailType, Resources: resources, Sent: now}
	text, err := json.Marshal(detail)
	if err == nil && (len(text) == 0 || text[0] != '{') {
		err = fmt.Errorf("detail: want an object, got %.60s", text)
	}
	if err != nil {
		b.finish(record, Dead, nil, err)
		return
	}
	event := b.drawOf(source, detailType, resources, text)
	record.Event = event.Of("id").UUID()
	payload, asEvent, err := b.wrap(record, text)
	if err != nil {
		b.finish(record, Dead, nil, err)
		return
	}
	b.count(func(s *Stats) { s.Put++ })
	faults := b.faultsOf(source)
	lost := event.Of("loss").Chance(faults.Loss)
	matched := false
	for _, rule := range b.rules {
		if !rule.pattern.Match(asEvent) {
			continue
		}
		matched = true
		record.Rule, record.Function = rule.Name, rule.Function
		if lost {
			b.finish(record, Lost, nil, nil)
			continue
		}
		b.send(record, event.Of(rule.Name), faults, func(int) []byte { return payload })
	}
	if !matched {
		b.count(func(s *Stats) { s.Unmatched++ })
	}
}

// wrap returns the event as a target gets it, and as patterns look at it.
func (b *Bus) wrap(r Record, detail []byte) (payload []byte, event any, err error) {
	resources := r.Resources
	if resources == nil {
		resources = []string{}
	}
	payload, err = json.Marshal(envelope{
		Version: "0", ID: r.Event, DetailType: r.DetailType, Source: r.Source, Account: b.options.Account,
		Time: r.Sent.Format(time.RFC3339), Region: b.options.Region, Resources: resources, Detail: detail,
	})
	if err != nil {
		return nil, nil, err
	}
	event, err = pattern.Decode(payload)
	return payload, event, err
}

// send delivers to one target: once, or twice when it is doubled. payloadOf
// makes what the n-th delivery carries.
func (b *Bus) send(r Record, d draw.Draw, faults Faults, payloadOf func(n int) []byte) {
	copies := 1
	if d.Of("double").Chance(faults.Double) {
		copies = 2
		b.count(func(s *Stats) { s.Doubled++ })
	}
	for n := range copies {
		payload := payloadOf(n)
		b.count(func(s *Stats) { s.Pending++ })
		b.after(faults.delay(d.Of(strconv.Itoa(n))), func() { b.attempt(r, payload) })
	}
}

// attempt runs the target, and again later when it fails.
func (b *Bus) attempt(r Record, payload []byte) {
	r.Attempts++
	err := b.options.Invoke(b.ctx, r.Function, payload)
	switch {
	case err == nil:
		b.settle(r, Delivered, nil, nil)
	case b.ctx.Err() != nil:
		// Closed: what became of it is not known.
	case r.Attempts <= len(b.options.Retry):
		b.count(func(s *Stats) { s.Retried++ })
		b.after(b.options.Retry[r.Attempts-1], func() { b.attempt(r, payload) })
	default:
		b.settle(r, Dead, payload, err)
	}
}
