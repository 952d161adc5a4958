package main

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/events"
	"goldsmith/infra/workflow"
	"goldsmith/shared/plan"
)

// SchedulesProps describe the schedules.
type SchedulesProps struct {
	Plans       plan.Plans
	Functions   map[string]Function
	DeadLetters DeadLetters
	Values      workflow.Values
}

const (
	// sweepEvery bounds how long an instance stays down when a run and its last event are lost.
	sweepEvery = 5 * time.Minute
	// mostFlexible spreads the plans of many accounts, as Scheduler's flexible windows are meant.
	mostFlexible = 5 * time.Minute
	// longestRetry is Scheduler's limit for a retry policy, a day; leastRetry its least.
	longestRetry, leastRetry = 24 * time.Hour, time.Minute
)

// timed is one of Scheduler's schedules.
type timed struct {
	name, expression, zone, about string
	flexible                      time.Duration
	attempts                      int
	age                           time.Duration
	input                         string
	values                        map[string]string
}

// NewSchedules makes each plan's schedule, and the sweep that looks for what dead runs left behind.
func NewSchedules(scope constructs.Construct, id string, props SchedulesProps) {
	this := constructs.NewConstruct(scope, &id)
	role := NewRole(this, "Role", RoleProps{Role: workflow.SchedulerRole, Values: props.Values})
	group := awsscheduler.NewCfnScheduleGroup(this, jsii.String("Group"), &awsscheduler.CfnScheduleGroupProps{
		Name: jsii.String(workflow.Name),
	})
	for _, s := range schedules(props.Plans) {
		input := inputNamed(s.input)
		awsscheduler.NewCfnSchedule(this, jsii.String(title(s.name)), &awsscheduler.CfnScheduleProps{
			Name:                       jsii.String(s.name),
			GroupName:                  group.Ref(),
			Description:                jsii.String(s.about),
			ScheduleExpression:         jsii.String(s.expression),
			ScheduleExpressionTimezone: jsii.String(s.zone),
			FlexibleTimeWindow:         flexible(s.flexible),
			State:                      jsii.String("ENABLED"),
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn:              props.Functions[input.Function].Lambda.FunctionArn(),
				RoleArn:          role.RoleArn(),
				Input:            jsii.String(payload(input, s.values)),
				DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: props.DeadLetters.Queue.QueueArn()},
				RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
					MaximumEventAgeInSeconds: jsii.Number(s.age.Seconds()), MaximumRetryAttempts: jsii.Number(s.attempts),
				},
			},
		})
	}
}

// schedules are the plans', in order, and the sweep. CloudFormation has no
// ActionAfterCompletion: a one-time schedule that has run stays until its plan goes.
func schedules(plans plan.Plans) []timed {
	var all []timed
	for _, name := range plans.Names() {
		p := plans.Plans[name]
		if p.Schedule == "" {
			continue
		}
		window := time.Duration(p.Window)
		all = append(all, timed{
			name: workflow.Name + "-" + name, expression: p.Schedule, zone: p.Timezone, about: "Runs plan " + name + ".",
			// A tenth of the window, so that a flexible start never costs a run its sources.
			flexible: min(mostFlexible, window/10),
			// Once the window has closed a run would stop nothing.
			age: min(max(window, leastRetry), longestRetry), attempts: deliveryAttempts,
			input: "schedule", values: map[string]string{"Plan": name},
		})
	}
	return append(all, timed{
		name: workflow.Name + "-sweep", expression: fmt.Sprintf("rate(%d minutes)", int(sweepEvery.Minutes())), zone: "UTC",
		about: "Looks for instances that ended runs left stopped.",
		// The next sweep does what a lost one would have done.
		age: leastRetry, attempts: 1, input: "sweep",
	})
}

// flexible is the window in whole minutes, or none.
func flexible(window time.Duration) *awsscheduler.CfnSchedule_FlexibleTimeWindowProperty {
	minutes := int(window.Minutes())
	if minutes == 0 {
		return &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")}
	}
	return &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{
		Mode: jsii.String("FLEXIBLE"), MaximumWindowInMinutes: jsii.Number(minutes),
	}
}

func inputNamed(name string) events.Input {
	for _, input := range events.Inputs {
		if input.Name == name {
			return input
		}
	}
	panic("package events has no input " + name)
}

func payload(input events.Input, values map[string]string) string {
	text, err := input.Payload(values)
	if err != nil {
		panic(err)
	}
	return string(text)
}
