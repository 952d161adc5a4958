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
		err = s.schedule(name, "schedule", map[string]string{"Plan": name}, due.Next, eventbridge.Settings{
			Description: "Runs plan " + name + ".", ScheduleExpression: p.Schedule, ScheduleExpressionTimezone: p.Timezone,
		})
		if err != nil {
			return err
		}
	}
	every := func(after time.Time) (time.Time, bool) { return after.Add(s.options.Sweep), true }
	return s.schedule("sweep", "sweep", nil, every, eventbridge.Settings{
		ScheduleExpression: fmt.Sprintf("rate(%d minutes)", int(s.options.Sweep.Minutes())),
	})
}

func (s *Stack) schedule(name, input string, values map[string]string, next func(time.Time) (time.Time, bool),
	settings eventbridge.Settings) error {
	for _, known := range events.Inputs {
		if known.Name != input {
			continue
		}
		payload, err := known.Payload(values)
		if err != nil {
			return err
		}
		settings.FlexibleTimeWindow = &eventbridge.Window{Mode: "OFF"}
		settings.Target = &eventbridge.Target{
			Arn: s.functions.ARN(known.Function), Input: string(payload),
			RoleArn:          fmt.Sprintf("arn:%s:iam::%s:role/%s-scheduler", partition, s.options.Account, workflow.Name),
			DeadLetterConfig: &eventbridge.DeadLetterConfig{Arn: s.DeadLetters.ARN()},
			RetryPolicy:      &eventbridge.RetryPolicy{MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 185},
		}
		return s.Bus.Schedule(eventbridge.Schedule{Name: workflow.Name + "-" + name, Group: workflow.Name,
			Function: known.Function, Input: payload, Next: next, Settings: settings})
	}
	return fmt.Errorf("package events has no input %q", input)
}
