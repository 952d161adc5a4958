package contract_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What the guide's table of costs rests on: prices of us-east-1 in USD, as published in 2026, and a month of 100 images
// a night. Transitions come from the page of benchmarks, and alarms from the template.
const (
	images, nights, sweeps = 3000, 30, 8640

	perTransition, freeTransitions = 0.025 / 1000, 4000
	perRequest, perGBSecond        = 0.20 / 1e6, 0.0000133334
	perWrite, perMetric            = 0.625 / 1e6, 0.30
	perAlarm, perLogGB, perSecret  = 0.10, 0.50, 0.40

	// invocations of functions, writes of the ledger and KB of logs for each image, rounded up.
	invocations, writes, logKB = 20, 60, 60
	// hourly are metrics that each sweep sends, nightly those that a run does, in two hours a day.
	hourly, nightly = 4, 28
)

var updateCosts = flag.Bool("costs", false, "write the guide's table of costs")

// The guide's costs are what its figures come to. `make bench`, or another alarm, makes them others.
func TestCosts(t *testing.T) {
	const guide = "../../docs/operations.md"
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "| what | arithmetic | USD a month |\n")
	_, after, found := strings.Cut(rest, "\n\n")
	want := before + costs(transitionsMeasured(t), alarmMetrics(t)) + "\n" + after
	if *updateCosts && found {
		if err := os.WriteFile(guide, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("the costs in %s are not what they come to; -costs writes them:\n%s", guide,
			costs(transitionsMeasured(t), alarmMetrics(t)))
	}
}

// transitionsMeasured are the state transitions of an image.
func transitionsMeasured(t *testing.T) float64 {
	t.Helper()
	page, err := os.ReadFile("../../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`\| state transitions per image, events delivered \| [^|]+ \| ([0-9.]+) \|`).FindSubmatch(page)
	if row == nil {
		t.Fatal("the page of benchmarks has no transitions")
	}
	measured, err := strconv.ParseFloat(string(row[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return measured
}

// alarmMetrics are those that alarms look at: CloudWatch bills an alarm by each.
func alarmMetrics(t *testing.T) (n int) {
	t.Helper()
	text, err := os.ReadFile("../../infra/testdata/full.template.json")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ Metrics []struct{ MetricStat any } }
		}
	}
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	for _, r := range template.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		if len(r.Properties.Metrics) == 0 {
			n++
		}
		for _, m := range r.Properties.Metrics {
			if m.MetricStat != nil {
				n++
			}
		}
	}
	return n
}

func costs(transitions float64, alarms int) string {
	all, calls := images*transitions, images*invocations+sweeps
	seconds := float64(calls) * 0.3 * 0.125
	rows, sum := "| what | arithmetic | USD a month |\n|---|---|---|\n", 0.0
	add := func(what string, usd float64, arithmetic string, args ...any) {
		rows += fmt.Sprintf("| %s | %s | %.2f |\n", what, fmt.Sprintf(arithmetic, args...), usd)
		sum += usd
	}
	add("Step Functions", (all-freeTransitions)*perTransition,
		"%s × %.1f transitions = %s, less %s free, at 0.025 per 1,000",
		thousands(images), transitions, thousands(int(all)), thousands(freeTransitions))
	add("Lambda, requests", float64(calls)*perRequest, "%s × %d + %s sweeps = %s, at 0.20 per million", thousands(images),
		invocations, thousands(sweeps), thousands(calls))
	add("Lambda, time", seconds*perGBSecond, "%s × 0.3 s × 0.125 GB = %s GB-s, at 0.0000133334", thousands(calls),
		thousands(int(seconds)))
	add("DynamoDB", images*writes*perWrite, "%s × %d write units at 0.625 per million, reads and storage beside them",
		thousands(images), writes)
	add("alarms", float64(alarms)*perAlarm, "%d metrics in alarms at 0.10", alarms)
	add("metrics", hourly*perMetric+nightly*perMetric*2/24,
		"%d in every hour at 0.30; %d at 0.30 × 2/24, since a metric costs by the hours it is sent in", hourly, nightly)
	add("logs", images*logKB/1e6*perLogGB, "%s × %d KB = %d MB at 0.50 per GB", thousands(images), logKB,
		images*logKB/1000)
	add("the secret", perSecret, "one at 0.40")
	add("dashboard, Scheduler, events, X-Ray, SNS, SQS", 0,
		"within what is free: 3 dashboards, 14 million schedules, AWS's own events, 100,000 traces")
	return rows + fmt.Sprintf("| **Goldsmith** | %.1f cents an image | **%.2f** |\n", sum*100/images, sum)
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
