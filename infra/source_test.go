package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/infra/workflow"
	"goldsmith/shared/metric"
	"goldsmith/shared/settings"
)

// emitted is, for every metric that the functions' code emits, the plans it is emitted
// under: "all", or "" for the plan at hand.
func emitted(t *testing.T) map[string]map[string]bool {
	t.Helper()
	names, found := declared(t), map[string]map[string]bool{}
	visit := func(_ string, n ast.Node) {
		metric, plan := put(n)
		name := names[selected(metric, "metric")]
		if name == "" {
			return
		}
		if found[name] == nil {
			found[name] = map[string]bool{}
		}
		found[name][plan] = true
	}
	inspect(t, "../functions", visit)
	inspect(t, "../shared", visit)
	if len(found) == 0 {
		t.Fatal("no metric is found in the code: it is written in another way by now")
	}
	return found
}

// declared are the names of package metric's metrics by their variables.
func declared(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	inspect(t, "../shared/metric", func(_ string, n ast.Node) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return
		}
		if literal, ok := spec.Values[0].(*ast.CompositeLit); ok && fmt.Sprint(literal.Type) == "Metric" {
			names[spec.Names[0].Name] = unquoted(literal.Elts[0])
		}
	})
	return names
}

// put is the metric that a call of metric.Put, or a table of metrics one of which is put,
// names, and the plan if the call fixes it.
func put(n ast.Node) (metric ast.Expr, plan string) {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		return n.Value, ""
	case *ast.CallExpr:
		if selected(n.Fun, "metric") == "Put" {
			return n.Args[2], unquoted(n.Args[3])
		}
	}
	return nil, ""
}

// selected is what an expression selects of a package; "" when it is something else.
func selected(n ast.Expr, pkg string) string {
	if s, ok := n.(*ast.SelectorExpr); ok && fmt.Sprint(s.X) == pkg {
		return s.Sel.Name
	}
	return ""
}

// inspect walks the code of a folder, tests left out.
func inspect(t *testing.T, root string, visit func(path string, n ast.Node)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			visit(path, n)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// unquoted is the text of a literal; "" for what is none.
func unquoted(n ast.Expr) string {
	literal, ok := n.(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return text
}

// Every metric of ours in an alarm is one that the code emits under that plan.
func TestAlarmsWatchWhatIsEmitted(t *testing.T) {
	known := emitted(t)
	each(t, func(t *testing.T, stack stackTemplate) {
		watched := 0
		for _, a := range stack.kind("AWS::CloudWatch::Alarm") {
			for _, m := range metricsOf(a) {
				watched++
				plan := m.plan
				if plan != everyPlan {
					plan = ""
				}
				if !known[m.name][plan] {
					t.Errorf("%s watches %s of plan %q, which nothing emits", a.at("AlarmName"), m.name, m.plan)
				}
			}
		}
		if watched == 0 {
			t.Error("no alarm watches a metric of ours")
		}
	})
}

type watchedMetric struct{ name, plan string }

// metricsOf are the metrics of ours that an alarm looks at, alone or in an expression.
func metricsOf(a resource) (all []watchedMetric) {
	add := func(namespace, name, dimensions any) {
		if namespace == metric.Namespace {
			all = append(all, watchedMetric{fmt.Sprint(name), dimensions.([]any)[0].(map[string]any)["Value"].(string)})
		}
	}
	add(a.at("Namespace"), a.at("MetricName"), a.at("Dimensions"))
	list, _ := a.at("Metrics").([]any)
	for _, m := range list {
		if stat, ok := m.(map[string]any)["MetricStat"].(map[string]any); ok {
			inner := stat["Metric"].(map[string]any)
			add(inner["Namespace"], inner["MetricName"], inner["Dimensions"])
		}
	}
	return all
}

var searched = regexp.MustCompile(`SEARCH\('\{` + metric.Namespace + `,` + metric.Dimension +
	`\} MetricName=\\"(\w+)\\"'`)

// The dashboard shows every metric that the code emits, and no other.
func TestDashboardShowsWhatIsEmitted(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		body := fmt.Sprint(stack.kind("AWS::CloudWatch::Dashboard")[0].at("DashboardBody"))
		shown := map[string]bool{}
		for _, found := range searched.FindAllStringSubmatch(body, -1) {
			shown[found[1]] = true
		}
		want := slices.Sorted(maps.Keys(emitted(t)))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(shown))); diff != "" {
			t.Error(diff)
		}
		if strings.Count(body, metric.Namespace+",") != strings.Count(body, "SEARCH(") {
			t.Error("a metric of ours is shown in a way that this test does not read")
		}
	})
}

// CloudWatch takes a period of less than an hour for a day at most, and a longer one for a week.
func TestAlarmsFitCloudWatch(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		topic := "<" + stack.kind("AWS::SNS::Topic")[0].name + ">"
		for _, a := range stack.kind("AWS::CloudWatch::Alarm") {
			period, _ := a.at("Period").(float64)
			list, _ := a.at("Metrics").([]any)
			for _, m := range list {
				if stat, ok := m.(map[string]any)["MetricStat"].(map[string]any); ok {
					period = max(period, stat["Period"].(float64))
				}
			}
			most := 86400.0
			if period >= 3600 {
				most = 7 * 86400
			}
			if all := period * a.at("EvaluationPeriods").(float64); period == 0 || all > most {
				t.Errorf("%s looks at %v seconds", a.at("AlarmName"), all)
			}
			if fmt.Sprint(a.at("AlarmActions")) != "["+topic+"]" || fmt.Sprint(a.at("OKActions")) != "["+topic+"]" {
				t.Errorf("%s tells nobody", a.at("AlarmName"))
			}
		}
	})
}

// An alarm that rings at night has its page in the runbook.
func TestRunbook(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, stack stackTemplate) {
		for _, a := range stack.kind("AWS::CloudWatch::Alarm") {
			name := strings.TrimPrefix(fmt.Sprint(a.at("AlarmName")), "goldsmith-")
			for _, plan := range []string{"nightly", "on-demand", "weekly-db"} {
				name = strings.Replace(name, "-"+plan, "-PLAN", 1)
			}
			for _, f := range workflow.Functions {
				if name == "errors-in-"+f.Name {
					name = "errors-in-FUNCTION"
				}
			}
			if !strings.Contains(string(text), "\n### "+name+"\n") {
				t.Errorf("docs/operations.md has no %q", "### "+name)
			}
		}
	})
}

// A function is told exactly what its main asks for; sums of its plans and the version
// are besides, for who asks how it is set up.
func TestFunctionsAreToldWhatTheyAskFor(t *testing.T) {
	want := asked(t)
	each(t, func(t *testing.T, stack stackTemplate) {
		told := map[string][]string{}
		for _, f := range workflow.Functions {
			set, _ := functionNamed(t, stack, f.Name).at("Environment", "Variables").(map[string]any)
			told[f.Name] = slices.DeleteFunc(append([]string{}, slices.Sorted(maps.Keys(set))...), func(name string) bool {
				return name == string(settings.PlanSums) || name == string(settings.Version)
			})
			for name, value := range set {
				if value == "" || strings.Contains(fmt.Sprint(value), "${") {
					t.Errorf("%s is told %s=%v", f.Name, name, value)
				}
			}
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
	})
}

// asked are the environment variables that each function's wiring reads, in order.
func asked(t *testing.T) map[string][]string {
	t.Helper()
	variables := map[string]string{}
	inspect(t, "../shared/settings", func(_ string, n ast.Node) {
		if spec, ok := n.(*ast.ValueSpec); ok && fmt.Sprint(spec.Type) == "Name" {
			variables[spec.Names[0].Name] = unquoted(spec.Values[0])
		}
	})
	all := map[string][]string{}
	inspect(t, "../functions", func(path string, n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || filepath.Base(path) != "wire.go" || fmt.Sprint(call.Fun) != "read" {
			return
		}
		loaded := []string{}
		for _, arg := range call.Args[1:] {
			loaded = append(loaded, variables[selected(arg, "settings")])
		}
		slices.Sort(loaded)
		all[filepath.Base(filepath.Dir(path))] = loaded
	})
	return all
}
