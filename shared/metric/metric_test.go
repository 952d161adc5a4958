package metric_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
)

var all = []metric.Metric{
	metric.RunsStarted, metric.RunsOK, metric.RunsPartial, metric.RunsFailed, metric.SourcesImaged, metric.SourcesFailed,
	metric.SourcesSkip,
	metric.LeftStopped, metric.Downtime, metric.OldestClaim, metric.Overdue, metric.NotifyFailed, metric.Transient,
}

// units are some of those that CloudWatch knows; one it does not know makes no metric.
var units = []string{"Count", "Seconds"}

func TestPut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(all).Draw(t, "metric")
		name := rapid.OneOf(rapid.StringMatching(plan.NameForm), rapid.Just("all")).Draw(t, "plan")
		value := rapid.Float64Range(-1e9, 1e15).Draw(t, "value")
		var out bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&out, nil)).With("function", "release", "plan", "another", "run", "nightly-1")
		metric.Put(t.Context(), log, m, name, value)
		if err := embedded(out.Bytes(), m, name, value); err != nil {
			t.Fatalf("CloudWatch would not take %s: %v", out.Bytes(), err)
		}
	})
}

// embedded holds a line to the specification of the embedded metric format:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func embedded(line []byte, m metric.Metric, plan string, value float64) error {
	if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
		return fmt.Errorf("it is not one line")
	}
	var root map[string]json.RawMessage
	if err := json.Unmarshal(line, &root); err != nil {
		return fmt.Errorf("the root is no object: %w", err)
	}
	dimension, err := metadata(root["_aws"], m)
	if err != nil {
		return err
	}
	return targets(root, dimension, m.Name, plan, value)
}

// metadata reads the member _aws, with one directive of one metric, and returns its dimension.
func metadata(text []byte, m metric.Metric) (dimension string, err error) {
	var meta struct {
		Timestamp         *int64
		CloudWatchMetrics []directive
	}
	// Members are case-sensitive; a decoder that knows them in any case is not.
	for _, member := range []string{`"Timestamp":`, `"CloudWatchMetrics":`, `"Namespace":`, `"Dimensions":`, `"Metrics":`,
		`"Name":`, `"Unit":`} {
		if !bytes.Contains(text, []byte(member)) {
			return "", fmt.Errorf("_aws has no member %s", member)
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&meta); err != nil {
		return "", fmt.Errorf("reading _aws: %w", err)
	}
	if meta.Timestamp == nil || len(meta.CloudWatchMetrics) != 1 {
		return "", fmt.Errorf("_aws needs a time and a directive")
	}
	return meta.CloudWatchMetrics[0].dimension(m)
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct{ Name, Unit string }
}

func (d directive) dimension(m metric.Metric) (string, error) {
	if d.Namespace != "Goldsmith" || len(d.Dimensions) != 1 || len(d.Dimensions[0]) != 1 || len(d.Metrics) != 1 {
		return "", fmt.Errorf("the directive is %+v", d)
	}
	if d.Metrics[0].Name != m.Name || !slices.Contains(units, d.Metrics[0].Unit) {
		return "", fmt.Errorf("the metric is %+v", d.Metrics[0])
	}
	return d.Dimensions[0][0], nil
}

// targets are the members of the root that the directive refers to: a text of
// 1 to 1024 characters for a dimension, a number for a metric.
func targets(root map[string]json.RawMessage, dimension, name, plan string, value float64) error {
	var text string
	if err := json.Unmarshal(root[dimension], &text); err != nil {
		return fmt.Errorf("dimension %s is no text: %w", dimension, err)
	}
	if n := utf8.RuneCountInString(text); n == 0 || n > 1024 || text != plan {
		return fmt.Errorf("dimension %s is %q", dimension, text)
	}
	var number float64
	if err := json.Unmarshal(root[name], &number); err != nil {
		return fmt.Errorf("metric %s is no number: %w", name, err)
	}
	if number != value {
		return fmt.Errorf("metric %s is %v", name, number)
	}
	return nil
}

// The check above would be worth nothing if it let everything through.
func TestCheckBites(t *testing.T) {
	var out bytes.Buffer
	metric.Put(t.Context(), slog.New(slog.NewJSONHandler(&out, nil)), metric.Downtime, "nightly", 2)
	line := out.String()
	for old, wrong := range map[string]string{
		`"Downtime":2`: `"Downtime":"2"`, `"Plan":"nightly"`: `"plan":"nightly"`, `"Namespace"`: `"namespace"`,
		`"Unit":"Seconds"`: `"Unit":"seconds"`, `[["Plan"]]`: `[]`, `"_aws"`: `"aws"`, "}\n": "}} \n",
	} {
		changed := strings.Replace(line, old, wrong, 1)
		if changed == line {
			t.Fatalf("%s has no %s", line, old)
		}
		if embedded([]byte(changed), metric.Downtime, "nightly", 2) == nil {
			t.Errorf("%s is taken", changed)
		}
	}
}

func TestTimestamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(90 * time.Minute)
		var out bytes.Buffer
		metric.Put(t.Context(), slog.New(slog.NewJSONHandler(&out, nil)), metric.RunsOK, "nightly", 1)
		if want := fmt.Sprintf(`"Timestamp":%d`, time.Now().UnixMilli()); !strings.Contains(out.String(), want) {
			t.Errorf("%s lacks %s", out.String(), want)
		}
	})
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range all {
		if seen[m.Name] || m.Name == metric.Dimension || !slices.Contains(units, m.Unit) {
			t.Errorf("%+v is not its own metric", m)
		}
		seen[m.Name] = true
	}
}
