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
	// Now is the moment from which schedules are looked ahead.
	Now time.Time
}

// alarm is one alarm: it goes off when the metric is at or beyond the threshold in
// enough of the last periods.
type alarm struct {
	name, about string
	metric      awscloudwatch.IMetric
	threshold   float64
	// below turns it around: too little is what alarms, and so does nothing at all.
	below bool
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
	// slack is how much longer than a plan's longest gap and its window a run may take before
	// somebody is asked to look; most images are done within an hour.
	slack = 4 * time.Hour
	// busyThrottled is how many steps in five minutes may give up on a throttled call before
	// the account is asking too much of EC2: each has tried six times, and is tried again.
	busyThrottled = 20
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
	return made
}

// alarms are all alarms, the gravest first.
func alarms(props AlarmsProps) []alarm {
	all := []alarm{
		{
			name: "instance-left-stopped", about: "A run that has ended left an instance stopped, and two sweeps did not bring it back.",
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
			name: "throttled", about: "EC2 refuses many calls as too many.",
			metric: ours(metric.Throttled, everyPlan, "Sum", often), threshold: busyThrottled, enough: 3, periods: 3,
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
		name: "left-stopped-by-" + p.Name, about: "A run of plan " + p.Name + " gave up on starting an instance again after hours.",
		metric: ours(metric.LeftStopped, p.Name, "Sum", often), threshold: 1,
	}}
	if props.Slack {
		all = append(all, alarm{
			name: "nobody-told-of-" + p.Name, about: "Slack did not take the message of a run of plan " + p.Name + ".",
			metric: ours(metric.NotifyFailed, p.Name, "Sum", often), threshold: 1,
		})
	}
	if hours, regular := patience(p, props.Now); regular {
		all = append(all, alarm{
			name: "no-success-of-" + p.Name, about: fmt.Sprintf("Plan %s has imaged nothing for %d hours, though its schedule wants it.", p.Name, hours),
			metric: succeeded(p.Name), threshold: 1, below: true, enough: hours, periods: hours,
		})
	}
	return all
}

// patience is after how many hours without a success a plan is late: its longest gap
// within a year, its window, and some slack. It is not regular when it has no schedule,
// or when CloudWatch cannot look back far enough.
func patience(p plan.Plan, now time.Time) (hours int, regular bool) {
	zone, err := schedule.Zone(p.Timezone)
	if err != nil || p.Schedule == "" {
		return 0, false
	}
	due, err := schedule.Parse(p.Schedule, zone)
	if err != nil {
		return 0, false
	}
	var gap time.Duration
	last, ok := due.Next(now)
	for ok && last.Before(now.AddDate(1, 0, 0)) {
		var next time.Time
		if next, ok = due.Next(last); ok {
			gap, last = max(gap, next.Sub(last)), next
		}
	}
	hours = int(math.Ceil((gap + time.Duration(p.Window) + slack).Hours()))
	return hours, gap > 0 && hours <= farthest
}

// errorAlarm goes off for a task when half of its work fails, and for a function that events
// invoke when any of it does: nobody else would tell.
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
		Expression: jsii.String("100 * errors / invocations"), Label: jsii.String("errors in percent"), Period: lasting(often),
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
		Expression: jsii.String("SUM([failed, slow, aborted])"), Label: jsii.String("runs that did not end well"), Period: lasting(often),
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
