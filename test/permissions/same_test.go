package permissions

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/google/go-cmp/cmp"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/local/clock"
	"goldsmith/local/stack"
	"goldsmith/shared/schedule"
	"goldsmith/shared/settings"
)

// What the embedded AWS runs is held against what the template deploys: here is the
// template's side, and that of a suite as the demo and every night start it.
func same(t *testing.T, compare func(t *testing.T, template *Template, s *stack.Stack)) {
	t.Helper()
	template := deployed(t)
	synctest.Test(t, func(t *testing.T) {
		s := must(stack.New(stack.Options{
			Clock: clock.Real(), Plans: plans(t), Region: here.Region, Account: here.ID, VolumeKeys: []string{keys.Volume},
		}))(t)
		compare(t, template, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// rule is a rule of the event bus, wherever it stands.
type rule struct {
	Pattern any
	Targets []string
	State   string
}

func TestRulesAreTheDeployedOnes(t *testing.T) {
	same(t, func(t *testing.T, template *Template, s *stack.Stack) {
		embedded, deployed := map[string]rule{}, map[string]rule{}
		for _, r := range s.Bus.Rules() {
			embedded[workflow.Name+"-"+r.Name] = rule{decoded(t, r.Pattern), []string{lambdaARN(r.Function)}, "ENABLED"}
		}
		for _, r := range template.Kind("AWS::Events::Rule") {
			one := rule{Pattern: must(r.At("EventPattern"))(t), State: text(t, r, "State")}
			for _, target := range must(r.At("Targets"))(t).([]any) {
				one.Targets = append(one.Targets, fmt.Sprint(target.(map[string]any)["Arn"]))
			}
			deployed[text(t, r, "Name")] = one
		}
		equal(t, deployed, embedded)
	})
}

// timed is a schedule, wherever it stands: what it sends to whom, and when it is due next.
type timed struct {
	Target string
	Input  any
	Due    []time.Time
}

func TestSchedulesAreTheDeployedOnes(t *testing.T) {
	same(t, func(t *testing.T, template *Template, s *stack.Stack) {
		now := time.Now()
		embedded, deployed := map[string]timed{}, map[string]timed{}
		for arn, each := range s.Bus.Schedules() {
			embedded[arn] = timed{lambdaARN(each.Function), decoded(t, each.Input), next(each.Next, now)}
		}
		for _, r := range template.Kind("AWS::Scheduler::Schedule") {
			zone := must(schedule.Zone(text(t, r, "ScheduleExpressionTimezone")))(t)
			due := must(schedule.Parse(text(t, r, "ScheduleExpression"), zone))(t)
			deployed[here.ARN("scheduler", "schedule/"+text(t, r, "GroupName")+"/"+text(t, r, "Name"))] = timed{
				text(t, r, "Target", "Arn"), decoded(t, []byte(text(t, r, "Target", "Input"))), next(due.Next, now),
			}
		}
		equal(t, deployed, embedded)
	})
}

// next is the times at which a schedule is due, for more than a year of nights.
func next(due func(time.Time) (time.Time, bool), after time.Time) (all []time.Time) {
	const enough = 400
	for range enough {
		at, ok := due(after)
		if !ok {
			break
		}
		all, after = append(all, at.UTC()), at
	}
	return all
}

func TestEnvironmentIsTheDeployedOne(t *testing.T) {
	same(t, func(t *testing.T, template *Template, s *stack.Stack) {
		for _, f := range workflow.Functions {
			embedded := must(s.Environment(f.Name))(t)
			deployed := map[string]string{}
			if variables := function(t, template, f.Name).Properties["Environment"]; variables != nil {
				for name, value := range must(function(t, template, f.Name).At("Environment", "Variables"))(t).(map[string]any) {
					deployed[name] = fmt.Sprint(value)
				}
			}
			// CloudFormation makes the table's name up.
			if _, ok := deployed[string(settings.Table)]; ok {
				embedded[string(settings.Table)] = tableName(t)
			}
			equal(t, of{f.Name, deployed}, of{f.Name, embedded})
			for _, name := range []settings.Name{settings.PlanSums, settings.Version} { // For who asks how it is set up.
				delete(deployed, string(name))
			}
			equal(t, of{f.Name, names(deployed)}, of{f.Name, asked(t, f.Name)})
		}
	})
}

// of is what is compared for a function, so that a difference tells whose it is.
type of struct {
	Function string
	What     any
}

// asked are the settings that a function's wiring reads: one that it is not given keeps it from starting.
func asked(t *testing.T, function string) []string {
	t.Helper()
	text := must(os.ReadFile(filepath.Join(root, "functions", function, "wire.go")))(t)
	file := must(parser.ParseFile(token.NewFileSet(), function, text, 0))(t)
	known := map[string]settings.Name{
		"Table": settings.Table, "StateMachine": settings.StateMachine, "PlansFile": settings.PlansFile,
		"SlackSecret": settings.SlackSecret, "ImagePath": settings.ImagePath, "Account": settings.Account,
		"VolumeKeys": settings.VolumeKeys, "Topic": settings.Topic, "Channels": settings.Channels,
		"Bucket": settings.Bucket,
	}
	found := []string{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if callee, ok := call.Fun.(*ast.Ident); ok && callee.Name == "read" {
			for _, argument := range call.Args[1:] {
				name, ok := known[argument.(*ast.SelectorExpr).Sel.Name]
				if !ok {
					t.Errorf("%s asks for a setting that this test does not know", function)
				}
				found = append(found, string(name))
			}
		}
		return true
	})
	slices.Sort(found)
	return found
}

func names(environment map[string]string) []string {
	all := []string{}
	for name := range environment {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func TestDefinitionIsTheDeployedOne(t *testing.T) {
	same(t, func(t *testing.T, template *Template, s *stack.Stack) {
		machines := template.Kind("AWS::StepFunctions::StateMachine")
		if len(machines) != 1 {
			t.Fatalf("%d state machines", len(machines))
		}
		substitutions := map[string]string{}
		for name, value := range must(machines[0].At("DefinitionSubstitutions"))(t).(map[string]any) {
			substitutions[name] = fmt.Sprint(value)
		}
		equal(t, substitutions, workflow.Substitutions(here.Partition, versionARN))
		definition := text(t, machines[0], "DefinitionString")
		must(asl.Parse([]byte(definition), substitutions))(t)
		for name, value := range substitutions {
			definition = strings.ReplaceAll(definition, "${"+name+"}", value)
		}
		arn := must(template.arn(machines[0].ID))(t).(string)
		embedded := must(sfn.NewFromConfig(s.AWS()).DescribeStateMachine(t.Context(),
			&sfn.DescribeStateMachineInput{StateMachineArn: &arn}))(t)
		equal(t, decoded(t, []byte(definition)), decoded(t, []byte(aws.ToString(embedded.Definition))))
		equal(t, text(t, machines[0], "StateMachineName"), aws.ToString(embedded.Name))
	})
}

func lambdaARN(name string) string { return here.ARN("lambda", "function:"+workflow.Name+"-"+name) }

// versionARN is the first version of a function.
func versionARN(name string) string { return lambdaARN(name) + ":1" }

func text(t *testing.T, r Resource, path ...string) string {
	t.Helper()
	value, ok := must(r.At(path...))(t).(string)
	if !ok {
		t.Fatalf("%v of %s is no text", path, r.ID)
	}
	return value
}

func decoded(t *testing.T, document []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(document, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func equal(t *testing.T, deployed, embedded any) {
	t.Helper()
	if diff := cmp.Diff(deployed, embedded); diff != "" {
		t.Errorf("deployed (-) is not embedded (+):\n%s", diff)
	}
}
