package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/infra/workflow"
	"goldsmith/shared/metric"
)

// emitted is, for every metric that the functions' code emits, the plans it is emitted
// under: "all", or "" for the plan at hand.
func emitted(t *testing.T) map[string]map[string]bool {
	t.Helper()
	names := map[string]string{}
	inspect(t, "../shared/metric", func(_ string, n ast.Node) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return
		}
		if literal, ok := spec.Values[0].(*ast.CompositeLit); ok && fmt.Sprint(literal.Type) == "Metric" {
			names[spec.Names[0].Name] = unquote(t, literal.Elts[0])
		}
	})
	found := map[string]map[string]bool{}
	add := func(n ast.Node, plan string) {
		if s, ok := n.(*ast.SelectorExpr); ok && fmt.Sprint(s.X) == "metric" && names[s.Sel.Name] != "" {
			if found[names[s.Sel.Name]] == nil {
				found[names[s.Sel.Name]] = map[string]bool{}
			}
			found[names[s.Sel.Name]][plan] = true
		}
	}
	for _, room := range []string{"../functions", "../shared"} {
		inspect(t, room, func(_ string, n ast.Node) {
			switch n := n.(type) {
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && fmt.Sprint(s.X, s.Sel) == "metric Put" {
					plan := ""
					if _, fixed := n.Args[3].(*ast.BasicLit); fixed {
						plan = unquote(t, n.Args[3])
					}
					add(n.Args[2], plan)
				}
			case *ast.KeyValueExpr: // A table of metrics, one of which is put.
				add(n.Value, "")
			}
		})
	}
	if len(names) == 0 || len(found) == 0 {
		t.Fatal("no metric is found in the code: it is written in another way by now")
	}
	return found
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

func unquote(t *testing.T, n ast.Node) string {
	t.Helper()
	literal, ok := n.(*ast.BasicLit)
	if !ok {
		t.Fatalf("%#v is no literal", n)
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
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

var searched = regexp.MustCompile(`SEARCH\('\{` + metric.Namespace + `,` + metric.Dimension + `\} MetricName=\\"(\w+)\\"'`)

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

// A function is told exactly what its main asks for.
func TestFunctionsAreToldWhatTheyAskFor(t *testing.T) {
	variables := map[string]string{}
	inspect(t, "../shared/settings", func(_ string, n ast.Node) {
		if spec, ok := n.(*ast.ValueSpec); ok && fmt.Sprint(spec.Type) == "Name" {
			variables[spec.Names[0].Name] = unquote(t, spec.Values[0])
		}
	})
	asked := map[string][]string{}
	inspect(t, "../functions", func(path string, n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok && fmt.Sprint(s.X, s.Sel) == "settings Load" {
			function := filepath.Base(filepath.Dir(filepath.Dir(path)))
			asked[function] = []string{}
			for _, arg := range call.Args[1:] {
				asked[function] = append(asked[function], variables[arg.(*ast.SelectorExpr).Sel.Name])
			}
			slices.Sort(asked[function])
		}
	})
	each(t, func(t *testing.T, stack stackTemplate) {
		told := map[string][]string{}
		for _, f := range workflow.Functions {
			set, _ := functionNamed(t, stack, f.Name).at("Environment", "Variables").(map[string]any)
			told[f.Name] = append([]string{}, slices.Sorted(maps.Keys(set))...)
			for name, value := range set {
				if value == "" || strings.Contains(fmt.Sprint(value), "${") {
					t.Errorf("%s is told %s=%v", f.Name, name, value)
				}
			}
		}
		if diff := cmp.Diff(asked, told); diff != "" {
			t.Error(diff)
		}
	})
}
