package eventbridge

import (
	"slices"
	"time"
)

// Outcome is what became of a delivery.
type Outcome string

const (
	// Delivered means the function took it.
	Delivered Outcome = "delivered"
	// Lost means the event never reached the rule that wants it.
	Lost Outcome = "lost"
	// Dead means the function failed every time, or the event was no event at all.
	Dead Outcome = "dead"
)

// Record is one delivery that came to an end: an event that one rule wants, or
// one time that a schedule was due.
type Record struct {
	// Event is the event's id; of a schedule, Scheduler's execution id.
	Event      string
	Source     string
	DetailType string
	Resources  []string
	// Rule is the rule's name, or the schedule's.
	Rule     string
	Function string
	// Sent is when the event was put, or the schedule due; Ended when this outcome was clear.
	Sent  time.Time
	Ended time.Time
	// Attempts is how often the function was run.
	Attempts int
	Outcome  Outcome
	// Payload and Problem are what a dead-letter queue would hold.
	Payload []byte
	Problem error
}

// Stats count since the bus started.
type Stats struct {
	// Put are events; Unmatched those of them that no rule wanted.
	Put, Unmatched int
	// Doubled are deliveries made twice, Retried the runs after a failed one.
	Doubled, Retried int
	// Delivered, Lost and Dead are deliveries by their outcome; Pending those still under way.
	Delivered, Lost, Dead, Pending int
}

// Stats are the counts so far.
func (b *Bus) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// Records are the deliveries that ended in one of outcomes, or in any when none
// is given, in the order in which they ended.
func (b *Bus) Records(outcomes ...Outcome) []Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []Record
	for _, r := range b.records {
		if len(outcomes) == 0 || slices.Contains(outcomes, r.Outcome) {
			found = append(found, r)
		}
	}
	return found
}

func (b *Bus) count(add func(*Stats)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	add(&b.stats)
}

// settle finishes a delivery that was pending.
func (b *Bus) settle(r Record, outcome Outcome, payload []byte, problem error) {
	b.count(func(s *Stats) { s.Pending-- })
	b.finish(r, outcome, payload, problem)
}

func (b *Bus) finish(r Record, outcome Outcome, payload []byte, problem error) {
	r.Outcome, r.Payload, r.Problem, r.Ended = outcome, payload, problem, b.options.Clock.Now()
	if outcome == Dead && b.options.Dead != nil {
		b.options.Dead(r)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, r)
	if keep := b.options.Keep; keep > 0 && len(b.records) >= 2*keep {
		b.records = slices.Clone(b.records[len(b.records)-keep:])
	}
	switch outcome {
	case Delivered:
		b.stats.Delivered++
	case Lost:
		b.stats.Lost++
	case Dead:
		b.stats.Dead++
	}
}
