package eventbridge

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"goldsmith/local/draw"
)

// Schedule is a schedule of EventBridge Scheduler, its flexible time window off.
type Schedule struct {
	Name string
	// Group is the schedule group. Default: default.
	Group string
	// Next is the first time after the given one at which the schedule is due; false when there is none.
	Next func(after time.Time) (time.Time, bool)
	// Input is the target's input, in which Scheduler replaces its keywords:
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html.
	Input    []byte
	Function string
	// Settings are what clients are told of it.
	Settings Settings
}

// SchedulerSource is the source that Options.Faults and Record know Scheduler by.
// Without faults it is on time within a second; AWS keeps to the minute:
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html.
const SchedulerSource = "aws.scheduler"

// Schedule starts a schedule; the first time is the first after now.
func (b *Bus) Schedule(s Schedule) error {
	if s.Name == "" || s.Function == "" || s.Next == nil || len(s.Input) == 0 {
		return errors.New("a schedule needs a name, a function, an input and Next")
	}
	if s.Group == "" {
		s.Group = "default"
	}
	arn := b.scheduleARN(s.Group, s.Name)
	b.mu.Lock()
	_, taken := b.schedules[arn]
	if !taken {
		b.schedules[arn] = s
	}
	b.mu.Unlock()
	if taken {
		return fmt.Errorf("schedule %s exists already", arn)
	}
	b.arm(s, arn, b.options.Clock.Now())
	return nil
}

// Schedules are all schedules by ARN.
func (b *Bus) Schedules() map[string]Schedule {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.schedules)
}

// arm waits for the schedule's first time after the given one.
func (b *Bus) arm(s Schedule, arn string, after time.Time) {
	due, ok := s.Next(after)
	if !ok {
		return
	}
	r := Record{Source: SchedulerSource, Resources: []string{arn}, Rule: s.Name, Function: s.Function, Sent: due.UTC()}
	if !due.After(after) {
		b.finish(r, Dead, nil, fmt.Errorf("the time after %s cannot be %s", after, due))
		return
	}
	b.after(due.Sub(b.options.Clock.Now()), func() {
		if b.enabled(s.Name) {
			b.fire(s, r)
		}
		b.arm(s, arn, due)
	})
}

func (b *Bus) fire(s Schedule, r Record) {
	d := draw.Of(b.options.Seed, r.Resources[0], r.Sent.Format(time.RFC3339Nano))
	r.Event = executionID(d, 0)
	faults := b.faultsOf(SchedulerSource)
	if d.Of("loss").Chance(faults.Loss) {
		b.finish(r, Lost, nil, nil)
		return
	}
	b.send(r, d, faults, func(n int) []byte {
		return []byte(strings.NewReplacer(
			"<aws.scheduler.scheduled-time>", r.Sent.Format(time.RFC3339),
			"<aws.scheduler.schedule-arn>", r.Resources[0],
			"<aws.scheduler.execution-id>", executionID(d, n),
			"<aws.scheduler.attempt-number>", "1",
		).Replace(string(s.Input)))
	})
}

// executionID is Scheduler's id of its n-th attempt to invoke the target.
func executionID(d draw.Draw, n int) string {
	return fmt.Sprintf("%016x", d.Of("execution", fmt.Sprint(n)).Number())
}
