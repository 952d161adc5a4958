package main

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
	"goldsmith/shared/metric"
)

// DashboardProps describe the dashboard.
type DashboardProps struct {
	Functions map[string]Function
	Machine   Machine
}

// Dashboard is what an operator looks at in the morning.
type Dashboard struct {
	// Name is the dashboard's; dashboards belong to the account, so it ends in the Region.
	Name string
}

// A row of the dashboard is two graphs wide.
const graphWidth, graphHeight = 12, 6

// NewDashboard makes the dashboard. Metrics of plans are searched for, so that it shows
// plans that come and go without being deployed again.
func NewDashboard(scope constructs.Construct, id string, props DashboardProps) Dashboard {
	this := constructs.NewConstruct(scope, &id)
	name := workflow.Name + "-" + *awscdk.Aws_REGION()
	dashboard := awscloudwatch.NewDashboard(this, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String(name), DefaultInterval: awscdk.Duration_Days(jsii.Number(7)),
	})
	row := func(left, right awscloudwatch.IWidget) { dashboard.AddWidgets(left, right) }
	row(
		graph("Runs", hour, search("started", metric.RunsStarted, "Sum", hour), search("OK", metric.RunsOK, "Sum", hour),
			search("partial", metric.RunsPartial, "Sum", hour), search("failed", metric.RunsFailed, "Sum", hour)),
		graph("Sources by outcome", hour, search("imaged", metric.SourcesImaged, "Sum", hour),
			search("skipped", metric.SourcesSkip, "Sum", hour), search("failed", metric.SourcesFailed, "Sum", hour),
			search("groups not refreshed", metric.RefreshesFailed, "Sum", hour)),
	)
	row(
		graph("Downtime in seconds", hour, search("median", metric.Downtime, "p50", hour),
			search("longest", metric.Downtime, "Maximum", hour)),
		graph("Instances left stopped", often, search("left stopped", metric.LeftStopped, "Maximum", often)),
	)
	row(
		graph("Waits", often, invoked("waits begun and looks after a heartbeat", props.Functions["watch"]),
			invoked("events taken", props.Functions["wake"])),
		graph("Age of the oldest claim in seconds", often, search("oldest claim", metric.OldestClaim, "Maximum", often)),
	)
	row(
		graph("Transient", often, search("steps that gave up on a call", metric.Transient, "Sum", often),
			props.Machine.StateMachine.MetricThrottled(over("Sum"))),
		graph("Messages a channel did not take", hour, search("not told", metric.NotifyFailed, "Sum", hour)),
	)
	row(
		graph("Seconds that plans are overdue", often, search("overdue", metric.Overdue, "Maximum", often)),
		graph("Executions that did not end well", often, ended(props.Machine)),
	)
	dashboard.AddWidgets(graph("Old images", hour, search("retired", metric.ImagesRetired, "Sum", hour),
		search("could not be", metric.RetiringFailed, "Sum", hour)))
	dashboard.AddWidgets(graph("Errors by function", often, errorsOf(props.Functions)...))
	return Dashboard{name}
}

func graph(titled string, period time.Duration, metrics ...awscloudwatch.IMetric) awscloudwatch.GraphWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: jsii.String(titled), Left: &metrics, Period: lasting(period),
		Width: jsii.Number(graphWidth), Height: jsii.Number(graphHeight),
		LeftYAxis: &awscloudwatch.YAxisProps{Min: jsii.Number(0), ShowUnits: jsii.Bool(false)},
	})
}

// search finds a metric of the suite's for every plan.
func search(label string, m metric.Metric, statistic string, period time.Duration) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String(fmt.Sprintf(`SEARCH('{%s,%s} MetricName="%s"', '%s', %.0f)`,
			metric.Namespace, metric.Dimension, m.Name, statistic, period.Seconds())),
		Label: jsii.String(label + ": ${PROP('Dim." + metric.Dimension + "')}"), Period: lasting(period),
	})
}

func invoked(label string, f Function) awscloudwatch.IMetric {
	options := over("Sum")
	options.Label = jsii.String(label)
	return f.Lambda.MetricInvocations(options)
}

func errorsOf(functions map[string]Function) (all []awscloudwatch.IMetric) {
	for _, f := range workflow.Functions {
		options := over("Sum")
		options.Label = jsii.String(f.Name)
		all = append(all, functions[f.Name].Lambda.MetricErrors(options))
	}
	return all
}
