package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/google/go-cmp/cmp"

	"goldsmith/events"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
)

// Every rule of package events is deployed with its pattern, may call its function, and
// keeps what it cannot deliver.
func TestRules(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		rules, machine := stack.kind("AWS::Events::Rule"), stack.kind("AWS::StepFunctions::StateMachine")[0].name
		if len(rules) != len(events.Rules) {
			t.Errorf("%d rules are deployed, %d are known", len(rules), len(events.Rules))
		}
		for _, want := range events.Rules {
			deployed := ruleNamed(t, rules, "goldsmith-"+want.Name)
			text, err := want.Pattern(map[string]string{"StateMachineArn": "<" + machine + ">", "Account": "<AWS::AccountId>",
				"Region": "<AWS::Region>"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decoded(t, text), deployed.at("EventPattern")); diff != "" {
				t.Errorf("%s: %s", want.Name, diff)
			}
			target := deployed.at("Targets").([]any)[0].(map[string]any)
			function := functionNamed(t, stack, want.Function)
			if target["Arn"] != "<"+function.name+".Arn>" {
				t.Errorf("%s goes to %v", want.Name, target["Arn"])
			}
			kept(t, stack, want.Name, target)
			if !permitted(stack, function.name, deployed.name) {
				t.Errorf("%s may not invoke %s", want.Name, want.Function)
			}
			if policy := fmt.Sprint(stack.kind("AWS::SQS::QueuePolicy")[0].at("PolicyDocument")); !strings.Contains(policy,
				"<"+deployed.name+".Arn>") {
				t.Errorf("%s may not keep what it cannot deliver", want.Name)
			}
		}
	})
}

func ruleNamed(t *testing.T, rules []resource, name string) resource {
	t.Helper()
	for _, r := range rules {
		if r.at("Name") == name {
			return r
		}
	}
	t.Fatalf("no rule %s", name)
	return resource{}
}

func decoded(t *testing.T, text []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// kept wants a dead letter queue and a retry policy within EventBridge's and Scheduler's limits.
func kept(t *testing.T, stack stackTemplate, name string, target map[string]any) {
	t.Helper()
	if letters, _ := target["DeadLetterConfig"].(map[string]any); letters["Arn"] != deadLetters(t, stack) {
		t.Errorf("%s loses what it cannot deliver: %v", name, letters)
	}
	retry, _ := target["RetryPolicy"].(map[string]any)
	age, _ := retry["MaximumEventAgeInSeconds"].(float64)
	attempts, ok := retry["MaximumRetryAttempts"].(float64)
	if !ok || age < 60 || age > 86400 || attempts < 0 || attempts > 185 {
		t.Errorf("%s retries %v", name, retry)
	}
}

func permitted(stack stackTemplate, function, rule string) bool {
	for _, p := range stack.kind("AWS::Lambda::Permission") {
		if p.at("FunctionName") == "<"+function+".Arn>" && p.at("SourceArn") == "<"+rule+".Arn>" &&
			p.at("Principal") == "events.amazonaws.com" && p.at("Action") == "lambda:InvokeFunction" {
			return true
		}
	}
	return false
}

// No permission lets in anybody but the suite's own rules.
func TestPermissionsHaveASource(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		permissions := stack.kind("AWS::Lambda::Permission")
		if len(permissions) != len(events.Rules) {
			t.Errorf("%d permissions for %d rules", len(permissions), len(events.Rules))
		}
		for _, p := range permissions {
			if source, _ := p.at("SourceArn").(string); !strings.HasPrefix(source, "<Rules") {
				t.Errorf("%s lets in %q", p.name, source)
			}
		}
	})
}

// Each plan with a schedule has one, in its time zone and with its input; beside them is the sweep.
func TestSchedules(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		got := map[any][]any{}
		for _, s := range stack.kind("AWS::Scheduler::Schedule") {
			target, _ := s.at("Target").(map[string]any)
			kept(t, stack, s.name, target)
			var input bytes.Buffer
			if err := json.Compact(&input, []byte(target["Input"].(string))); err != nil {
				t.Error(err)
			}
			got[s.at("Name")] = []any{
				s.at("ScheduleExpression"), s.at("ScheduleExpressionTimezone"), s.at("FlexibleTimeWindow"),
				functionOf(stack, target["Arn"]), input.String(),
			}
			if s.at("GroupName") != "<"+stack.kind("AWS::Scheduler::ScheduleGroup")[0].name+">" || s.at("State") != "ENABLED" {
				t.Errorf("%s: %v", s.name, s.Properties)
			}
		}
		flexible := map[string]any{"Mode": "FLEXIBLE", "MaximumWindowInMinutes": float64(5)}
		input := func(plan string) string {
			return `{"goldsmith":"schedule","version":"1","plan":"` + plan +
				`","time":"<aws.scheduler.scheduled-time>","schedule":"<aws.scheduler.schedule-arn>"}`
		}
		want := map[any][]any{
			"goldsmith-nightly":   {"cron(30 3 * * ? *)", "Europe/Berlin", flexible, "goldsmith-trigger", input("nightly")},
			"goldsmith-weekly-db": {"cron(0 5 ? * SUN *)", "Europe/Berlin", flexible, "goldsmith-trigger", input("weekly-db")},
			"goldsmith-sweep": {"rate(5 minutes)", "UTC", map[string]any{"Mode": "OFF"}, "goldsmith-recover",
				`{"goldsmith":"sweep","version":"1"}`},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func functionOf(stack stackTemplate, arn any) any {
	name, _ := strings.CutSuffix(strings.Trim(fmt.Sprint(arn), "<>"), ".Arn")
	return stack.Resources[name].at("FunctionName")
}

// A run that begins late still has its window, and a delivery is not tried when it is over.
func TestSchedulesFitTheirWindow(t *testing.T) {
	for window, want := range map[time.Duration]timed{
		time.Minute:        {flexible: 6 * time.Second, age: time.Minute},
		30 * time.Minute:   {flexible: 3 * time.Minute, age: 30 * time.Minute},
		4 * time.Hour:      {flexible: 5 * time.Minute, age: 4 * time.Hour},
		7 * 24 * time.Hour: {flexible: 5 * time.Minute, age: 24 * time.Hour},
	} {
		p := plan.Default()
		p.Name, p.Schedule, p.Window = "a", "rate(1 days)", plan.Duration(window)
		got := schedules(plan.Plans{Default: "a", Plans: map[string]plan.Plan{"a": p}})[0]
		if got.flexible != want.flexible || got.age != want.age {
			t.Errorf("a window of %s: %s flexible, tried for %s", window, got.flexible, got.age)
		}
	}
	if mode := *flexible(59 * time.Second).Mode; mode != "OFF" {
		t.Errorf("less than a minute is %s", mode)
	}
}

// Every plan with a schedule is watched for a run that did not come, however rarely it is due.
func TestLateAlarm(t *testing.T) {
	for schedule, want := range map[string]struct {
		metric string
		hours  int
	}{
		"":                        {},
		"at(2027-01-01T03:00:00)": {metric: "Overdue"},
		"cron(30 3 * * ? *)":      {metric: "Overdue"},
		"cron(* * * * ? *)":       {metric: "Overdue"},
		"cron(0 5 ? * SUN *)":     {metric: "Overdue"},
		"cron(0 5 29 2 ? *)":      {metric: "Overdue"},
		// Its own period, four hours of the window, four of slack.
		"rate(6 hours)":   {hours: 14},
		"rate(160 hours)": {hours: 168},
		"rate(161 hours)": {},
	} {
		p := plan.Default()
		p.Name, p.Schedule, p.Timezone = "a", schedule, "Europe/Berlin"
		got, hours := "", 0
		late, watched := lateAlarm(p)
		if m, ok := late.metric.(awscloudwatch.Metric); ok && late.unknown {
			got = *m.MetricName()
		} else if watched && late.below {
			hours = late.periods
		}
		if got != want.metric || hours != want.hours || watched != (got != "" || hours > 0) {
			t.Errorf("%q is watched (%v) by %q, or over %d hours; want %v", schedule, watched, got, hours, want)
		}
	}
}

// The plans of the repository are what these tests were written for.
func TestPlansOfTheRepository(t *testing.T) {
	plans, err := planfile.Load("../plans.yaml", moment)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"nightly", "on-demand", "weekly-db"}, plans.Names()); diff != "" {
		t.Error(diff)
	}
}
