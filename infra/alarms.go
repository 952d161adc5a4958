package main

import (
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
	"goldsmith/shared/schedule"
)

// AlarmsProps describe what is watched.
type AlarmsProps struct {
	Plans       plan.Plans
	Functions   map[string]Function
	Machine     Machine
	DeadLetters DeadLetters
	// Emails get every alarm.
	Emails []string
	// Slack is whether people are told in Slack, so that a failure to do so is worth an alarm.
	Slack bool
}

// alarm is one alarm: it goes off when the metric is at or beyond the threshold in
// enough of the last periods.
type alarm struct {
	name, about string
	metric      awscloudwatch.IMetric
	threshold   float64
	// below turns it around: too little is what alarms, and so does nothing at all.
	below bool
	// unknown keeps the alarm from answering for periods without a value.
	unknown bool
	// enough of periods; both default to 1.
	enough, periods int
}

const (
	// often is the period of what has to be known soon; it is the sweep's, too.
	often = 5 * time.Minute
	// hour is the shortest period that CloudWatch evaluates over up to a week
	// (PutMetricAlarm: Period times EvaluationPeriods is at most 604,800 seconds).
	hour     = time.Hour
	farthest = 7 * 24
	// slack is how much longer than a rate's period and the plan's window a run may take before
	// somebody is asked to look, as recover's grace is for the times of a clock.
	slack = 4 * time.Hour
	// busyTransient is how many steps in five minutes may give up on a throttled call before
	// the account is asking too much of EC2: each has tried six times, and is tried again.
	busyTransient = 20
	// halfFailing is an error rate in percent. A task's errors are part of its work: waiting for
	// capacity is one. Half of all is not.
	halfFailing = 50
)

// NewAlarms makes the alarms and the topic that carries them; it returns the topic's ARN.
func NewAlarms(scope constructs.Construct, id string, props AlarmsProps) string {
	this := constructs.NewConstruct(scope, &id)
	topic := newTopic(this, props.Emails)
	action := awscloudwatchactions.NewSnsAction(topic)
	for _, a := range alarms(props) {
		made := awscloudwatch.NewAlarm(this, jsii.String(title(a.name)), a.props())
		made.AddAlarmAction(action)
		made.AddOkAction(action)
	}
	return *topic.TopicArn()
}

func (a alarm) props() *awscloudwatch.AlarmProps {
	made := &awscloudwatch.AlarmProps{
		AlarmName:          jsii.String(workflow.Name + "-" + a.name),
		AlarmDescription:   jsii.String(a.about + " What to do: docs/operations.md, " + a.name + "."),
		Metric:             a.metric,
		Threshold:          jsii.Number(a.threshold),
		EvaluationPeriods:  jsii.Number(max(a.periods, 1)),
		DatapointsToAlarm:  jsii.Number(max(a.enough, 1)),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	}
	if a.below {
		made.ComparisonOperator = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
		made.TreatMissingData = awscloudwatch.TreatMissingData_BREACHING
	}
	if a.unknown {
		made.TreatMissingData = awscloudwatch.TreatMissingData_MISSING
	}
	return made
}

// alarms are all alarms, the gravest first.
func alarms(props AlarmsProps) []alarm {
	all := []alarm{
		{
			name:  "instance-left-stopped",
			about: "A run that has ended left an instance stopped, and two sweeps did not bring it back.",
			// One sweep sees what it is about to start again; only the second tells that it could not.
			metric: ours(metric.LeftStopped, everyPlan, "Maximum", often), threshold: 1, enough: 2, periods: 3,
		},
		{
			name: "no-sweep", about: "Nobody has looked for instances left stopped for a quarter of an hour.",
			metric: ours(metric.OldestClaim, everyPlan, "SampleCount", often), threshold: 1, below: true, enough: 3, periods: 3,
		},
		{
			name: "run-failed", about: "A run failed, was aborted or took too long.",
			metric: ended(props.Machine), threshold: 1,
		},
		{
			name: "dead-letters", about: "Something was not delivered or not handled: perhaps a run did not begin.",
			metric: props.DeadLetters.Queue.MetricApproximateNumberOfMessagesVisible(over("Maximum")), threshold: 1,
		},
		{
			name: "transient", about: "AWS refuses many calls as too many, or fails for the moment.",
			metric: ours(metric.Transient, everyPlan, "Sum", often), threshold: busyTransient, enough: 3, periods: 3,
		},
	}
	for _, name := range props.Plans.Names() {
		all = append(all, planAlarms(props, props.Plans.Plans[name])...)
	}
	for _, f := range workflow.Functions {
		all = append(all, errorAlarm(f, props.Functions[f.Name]))
	}
	return all
}

// everyPlan is what the metrics have as plan that belong to none.
const everyPlan = "all"

func planAlarms(props AlarmsProps, p plan.Plan) []alarm {
	all := []alarm{{
		name: "left-stopped-by-" + p.Name, about: "A run of plan " + p.Name +
			" gave up on starting an instance again after hours.",
		metric: ours(metric.LeftStopped, p.Name, "Sum", often), threshold: 1,
	}}
	if props.Slack {
		all = append(all, alarm{
			name: "nobody-told-of-" + p.Name, about: "Slack did not take the message of a run of plan " + p.Name + ".",
			metric: ours(metric.NotifyFailed, p.Name, "Sum", often), threshold: 1,
		})
	}
	if late, watched := lateAlarm(p); watched {
		all = append(all, late)
	}
	return all
}

// lateAlarm goes off when the plan's schedule wanted a run that imaged nothing. When a
// clock's times are due everybody knows, so recover looks for their runs by name. A rate's
// only Scheduler knows; its runs are counted, as far back as CloudWatch looks.
func lateAlarm(p plan.Plan) (late alarm, watched bool) {
	late.name = "no-success-of-" + p.Name
	every := rate(p)
	hours := int(math.Ceil((every + time.Duration(p.Window) + slack).Hours()))
	switch {
	case p.Schedule == "":
		return alarm{}, false
	case every == 0:
		late.about = "The latest run that the schedule of plan " + p.Name +
			" wanted should have imaged something by now, and has not."
		// Two sweeps agree; a sweep that could not read the ledger says nothing either way.
		late.metric, late.threshold, late.enough, late.periods, late.unknown = ours(metric.Overdue, p.Name, "Maximum",
			often), 1, 2, 2, true
		return late, true
	default:
		late.about = fmt.Sprintf("Plan %s has imaged nothing for %d hours, though its schedule wants it.", p.Name, hours)
		late.metric, late.threshold, late.below, late.enough, late.periods = succeeded(p.Name), 1, true, hours, hours
		return late, hours <= farthest
	}
}

// rate is the period of a plan whose schedule is a rate; zero for the times of a clock.
func rate(p plan.Plan) time.Duration {
	due, err := schedule.Parse(p.Schedule, time.UTC)
	if err != nil {
		return 0
	}
	return due.Every()
}

// errorAlarm goes off for a task when half of its work fails, and for a function that events
// invoke when any of it does: nothing else would tell.
func errorAlarm(f workflow.Function, function Function) alarm {
	a := alarm{name: "errors-in-" + f.Name, enough: 3, periods: 3}
	errors := function.Lambda.MetricErrors(over("Sum"))
	if !f.Task {
		a.about = "Function " + f.Name + " keeps failing."
		a.metric, a.threshold, a.enough = errors, 1, 2
		return a
	}
	a.about = "More than half of what function " + f.Name + " does fails."
	a.threshold = halfFailing
	a.metric = awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("100 * errors / invocations"), Label: jsii.String("errors in percent"),
		Period: lasting(often),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"errors": errors, "invocations": function.Lambda.MetricInvocations(over("Sum")),
		},
	})
	return a
}

// ours is one of the suite's own metrics.
func ours(m metric.Metric, planName, statistic string, period time.Duration) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String(metric.Namespace), MetricName: jsii.String(m.Name),
		DimensionsMap: texts(map[string]string{metric.Dimension: planName}),
		Statistic:     jsii.String(statistic), Period: lasting(period),
	})
}

// succeeded counts runs that imaged something. SUM over a list of metrics leaves out
// those without a value, and has none itself when no run ended.
func succeeded(planName string) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("SUM([ok, partial])"), Label: jsii.String("successful runs"), Period: lasting(hour),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"ok": ours(metric.RunsOK, planName, "Sum", hour), "partial": ours(metric.RunsPartial, planName, "Sum", hour),
		},
	})
}

// ended counts runs that did not end well as Step Functions sees it, so that it rings
// even when the suite's own reporting is what broke.
func ended(machine Machine) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("SUM([failed, slow, aborted])"), Label: jsii.String("runs that did not end well"),
		Period: lasting(often),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"failed":  machine.StateMachine.MetricFailed(over("Sum")),
			"slow":    machine.StateMachine.MetricTimedOut(over("Sum")),
			"aborted": machine.StateMachine.MetricAborted(over("Sum")),
		},
	})
}

// over is a statistic of one of AWS's own metrics, often.
func over(statistic string) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Period: lasting(often), Statistic: jsii.String(statistic)}
}
