// Package metric knows the suite's CloudWatch metrics. A metric is a log line in
// the embedded metric format, so counting costs no API call and no permission.
package metric

import (
	"context"
	"log/slog"
	"time"
)

// Namespace holds all metrics.
const Namespace = "Goldsmith"

// Dimension is the one dimension of every metric: few series, so few dollars.
const Dimension = "Plan"

// Metric is a metric's name and unit as CloudWatch knows them.
type Metric struct {
	Name string
	Unit string
}

// The metrics. Alarms and widgets name these and no others.
var (
	RunsStarted   = Metric{"RunsStarted", "Count"}
	RunsOK        = Metric{"RunsOK", "Count"}
	RunsPartial   = Metric{"RunsPartial", "Count"}
	RunsFailed    = Metric{"RunsFailed", "Count"}
	SourcesImaged = Metric{"SourcesImaged", "Count"}
	SourcesFailed = Metric{"SourcesFailed", "Count"}
	SourcesSkip   = Metric{"SourcesSkipped", "Count"}
	// LeftStopped counts instances that ran before a run and do not now; anything above zero needs a person.
	LeftStopped = Metric{"InstancesLeftStopped", "Count"}
	Downtime    = Metric{"Downtime", "Seconds"}
	// ImagesRetired counts images removed; RetiringFailed what could not be deprecated, removed or pruned.
	ImagesRetired  = Metric{"ImagesRetired", "Count"}
	RetiringFailed = Metric{"RetiringFailed", "Count"}
	// OldestClaim is the age of the oldest claim that recover saw.
	OldestClaim = Metric{"OldestClaim", "Seconds"}
	// Overdue is for how long a plan's latest run should have imaged something and has not; zero when it has.
	Overdue = Metric{"Overdue", "Seconds"}
	// RefreshesFailed counts groups that could not be refreshed, or whose refresh did not succeed.
	RefreshesFailed = Metric{"RefreshesFailed", "Count"}
	NotifyFailed    = Metric{"NotificationsFailed", "Count"}
	Transient       = Metric{"Transient", "Count"}
)

// Put writes one value of a metric to the log.
func Put(ctx context.Context, log *slog.Logger, m Metric, plan string, value float64) {
	log.InfoContext(ctx, "metric",
		slog.Any("_aws", header(m, time.Now())),
		slog.String(Dimension, plan),
		slog.Float64(m.Name, value))
}

// embedded is the `_aws` member of CloudWatch's embedded metric format.
type embedded struct {
	Timestamp         int64
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []Metric
}

func header(m Metric, now time.Time) embedded {
	return embedded{
		Timestamp:         now.UnixMilli(),
		CloudWatchMetrics: []directive{{Namespace: Namespace, Dimensions: [][]string{{Dimension}}, Metrics: []Metric{m}}},
	}
}
