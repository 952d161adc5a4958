package stack

import (
	"fmt"
	"time"

	"goldsmith/events"
	"goldsmith/infra/workflow"
	"goldsmith/local/eventbridge"
	"goldsmith/shared/schedule"
)

// startSchedules deploys each plan's schedule, and the sweep.
func (s *Stack) startSchedules() error {
	for _, name := range s.options.Plans.Names() {
		p := s.options.Plans.Plans[name]
		if p.Schedule == "" {
			continue
		}
		zone, err := schedule.Zone(p.Timezone)
		if err != nil {
			return err
		}
		due, err := schedule.Parse(p.Schedule, zone)
		if err != nil {
			return err
		}
		if err := s.schedule(workflow.Name+"-"+name, "schedule", map[string]string{"Plan": name}, due.Next); err != nil {
			return err
		}
	}
	return s.schedule(workflow.Name+"-sweep", "sweep", nil, func(after time.Time) (time.Time, bool) {
		return after.Add(s.options.Sweep), true
	})
}

func (s *Stack) schedule(name, input string, values map[string]string, next func(time.Time) (time.Time, bool)) error {
	for _, known := range events.Inputs {
		if known.Name != input {
			continue
		}
		payload, err := known.Payload(values)
		if err != nil {
			return err
		}
		return s.Bus.Schedule(eventbridge.Schedule{Name: name, Group: workflow.Name, Function: known.Function,
			Input: payload, Next: next})
	}
	return fmt.Errorf("package events has no input %q", input)
}
