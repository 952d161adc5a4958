package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/events"
	"goldsmith/infra/workflow"
	"goldsmith/shared/ledger"
)

// each runs a check on both synthesized stacks.
func each(t *testing.T, check func(t *testing.T, stack stackTemplate)) {
	for name, s := range map[string]synthesis{"plain": plainly(), "full": fully()} {
		t.Run(name, func(t *testing.T) { check(t, s.only(t)) })
	}
}

// A kind of resource that is new here needs a look, and rules of its own below.
func TestKinds(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		kinds := map[string]bool{}
		for _, r := range stack.Resources {
			kinds[r.Type] = true
		}
		delete(kinds, "AWS::SNS::Subscription")
		want := []string{
			"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::DynamoDB::Table", "AWS::Events::Rule",
			"AWS::IAM::Role",
			"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Lambda::Version",
			"AWS::Logs::LogGroup",
			"AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::SSM::Document",
			"AWS::Scheduler::Schedule",
			"AWS::Scheduler::ScheduleGroup", "AWS::StepFunctions::StateMachine", "AWS::StepFunctions::StateMachineAlias",
			"AWS::StepFunctions::StateMachineVersion",
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(kinds))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFunctions(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		roles, names := map[any]bool{}, map[string]bool{}
		for _, f := range stack.kind("AWS::Lambda::Function") {
			name := strings.TrimPrefix(fmt.Sprint(f.at("FunctionName")), "goldsmith-")
			i := slices.IndexFunc(workflow.Functions, func(w workflow.Function) bool { return w.Name == name })
			if i < 0 {
				t.Errorf("%s is not in the list", f.at("FunctionName"))
				continue
			}
			names[name], roles[f.at("Role")] = true, true
			checkFunction(t, stack, f, workflow.Functions[i])
		}
		if len(names) != len(workflow.Functions) || len(roles) != len(workflow.Functions) {
			t.Errorf("%d functions are deployed, with %d roles; %d are in the list", len(names), len(roles),
				len(workflow.Functions))
		}
	})
}

func checkFunction(t *testing.T, stack stackTemplate, f resource, listed workflow.Function) {
	t.Helper()
	want := map[string]any{
		"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": []any{"arm64"}, "VpcConfig": nil,
		"MemorySize": float64(listed.Memory), "Timeout": listed.Timeout.Seconds(),
		"TracingConfig":                map[string]any{"Mode": "Active"},
		"ReservedConcurrentExecutions": nil,
	}
	if listed.Reserved > 0 && strings.HasSuffix(t.Name(), "/full") {
		want["ReservedConcurrentExecutions"] = float64(listed.Reserved)
	}
	for property, value := range want {
		if diff := cmp.Diff(value, f.at(property)); diff != "" {
			t.Errorf("%s: %s: %s", listed.Name, property, diff)
		}
	}
	logs := strings.Trim(fmt.Sprint(f.at("LoggingConfig", "LogGroup")), "<>")
	if group := stack.Resources[logs]; group.at("LogGroupName") != workflow.LogGroup(listed.Name) {
		t.Errorf("%s logs into %v", listed.Name, group.at("LogGroupName"))
	}
	if about, _ := f.at("Description").(string); len(about) > 256 {
		t.Errorf("%s: Lambda takes a description of 256 characters", listed.Name)
	}
}

// What events invoke keeps what it could not handle, and nothing else is invoked that way.
func TestAsynchronousInvocations(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		kept := map[string]bool{}
		for _, c := range stack.kind("AWS::Lambda::EventInvokeConfig") {
			function := stack.Resources[strings.Trim(fmt.Sprint(c.at("FunctionName")), "<>")]
			kept[strings.TrimPrefix(fmt.Sprint(function.at("FunctionName")), "goldsmith-")] = true
			if c.at("DestinationConfig", "OnFailure", "Destination") != deadLetters(t, stack) ||
				c.at("MaximumRetryAttempts") != float64(2) {
				t.Errorf("%s: %v", c.name, c.Properties)
			}
			if age, _ := c.at("MaximumEventAgeInSeconds").(float64); age < 60 || age > 21600 {
				t.Errorf("%s: Lambda takes an age of 60 to 21,600 seconds, not %v", c.name, age)
			}
		}
		want := map[string]bool{}
		for _, rule := range events.Rules {
			want[rule.Function] = true
		}
		for _, input := range events.Inputs {
			want[input.Function] = true
		}
		if diff := cmp.Diff(want, kept); diff != "" {
			t.Error(diff)
		}
	})
}

func deadLetters(t *testing.T, stack stackTemplate) string {
	t.Helper()
	queues := stack.kind("AWS::SQS::Queue")
	if len(queues) != 1 {
		t.Fatalf("there are %d queues", len(queues))
	}
	return "<" + queues[0].name + ".Arn>"
}

func TestRetention(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		for _, group := range stack.kind("AWS::Logs::LogGroup") {
			if group.at("RetentionInDays") != float64(90) {
				t.Errorf("%s is kept for %v days", group.name, group.at("RetentionInDays"))
			}
		}
		kept := map[string]string{
			"AWS::DynamoDB::Table": "Retain", "AWS::StepFunctions::StateMachineVersion": "Retain",
			// One that a rolled back deployment published would keep the same deployment from being tried again.
			"AWS::Lambda::Version": "RetainExceptOnCreate",
		}
		for name, r := range stack.Resources {
			policy := r.DeletionPolicy
			if policy == "Delete" {
				policy = ""
			}
			if policy != kept[r.Type] {
				t.Errorf("when the stack goes, %s is dealt with by %q, not %q", name, r.DeletionPolicy, kept[r.Type])
			}
			if kept[r.Type] != "" && r.UpdateReplacePolicy != "Retain" {
				t.Errorf("%s is not kept when it is replaced", name)
			}
		}
	})
}

func TestEncryption(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		table := stack.kind("AWS::DynamoDB::Table")[0]
		for _, c := range []struct {
			path []string
			want any
		}{
			{[]string{"SSESpecification", "SSEEnabled"}, true},
			{[]string{"PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"}, true},
			{[]string{"DeletionProtectionEnabled"}, true},
			{[]string{"BillingMode"}, "PAY_PER_REQUEST"},
			{[]string{"TimeToLiveSpecification"}, map[string]any{"AttributeName": ledger.TTLAttribute, "Enabled": true}},
			{[]string{"KeySchema"}, []any{
				map[string]any{"AttributeName": ledger.PartitionKey, "KeyType": "HASH"},
				map[string]any{"AttributeName": ledger.SortKey, "KeyType": "RANGE"},
			}},
		} {
			if diff := cmp.Diff(c.want, table.at(c.path...)); diff != "" {
				t.Errorf("%v: %s", c.path, diff)
			}
		}
		if queue := stack.kind("AWS::SQS::Queue")[0]; queue.at("SqsManagedSseEnabled") != true {
			t.Error("the queue is not encrypted")
		}
		for _, kind := range []string{"AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"} {
			if policy := fmt.Sprint(stack.kind(kind)[0].at("PolicyDocument")); !strings.Contains(policy,
				"aws:SecureTransport:false") {
				t.Errorf("%s lets in what is not encrypted on its way", kind)
			}
		}
	})
	if key := fully().only(t).kind("AWS::DynamoDB::Table")[0].at("SSESpecification",
		"KMSMasterKeyId"); key != full["tableKeys"] {
		t.Errorf("the table's key is %v", key)
	}
}

func TestStateMachine(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		machine := stack.kind("AWS::StepFunctions::StateMachine")[0]
		for _, c := range []struct {
			path []string
			want any
		}{
			{[]string{"StateMachineName"}, "goldsmith"},
			{[]string{"LoggingConfiguration", "Level"}, "ALL"},
			{[]string{"TracingConfiguration", "Enabled"}, true},
			{[]string{"DefinitionS3Location"}, nil},
			{[]string{"DefinitionString"}, workflow.Definition},
		} {
			if diff := cmp.Diff(c.want, machine.at(c.path...)); diff != "" {
				t.Errorf("%v: %s", c.path, diff)
			}
		}
		want := map[string]any{}
		for name, arn := range workflow.Substitutions("<AWS::Partition>",
			func(f string) string { return "<" + versionOf(t, stack, f).name + ">" }) {
			want[name] = arn
		}
		if diff := cmp.Diff(want, machine.at("DefinitionSubstitutions")); diff != "" {
			t.Error(diff)
		}
		version, alias := stack.kind("AWS::StepFunctions::StateMachineVersion")[0], stack.kind("AWS::StepFunctions::StateMachineAlias")[0]
		if version.at("StateMachineRevisionId") != "<"+machine.name+".StateMachineRevisionId>" {
			t.Errorf("a change of the definition makes no version: %v", version.Properties)
		}
		if alias.at("Name") != workflow.Alias ||
			!strings.Contains(fmt.Sprint(alias.at("RoutingConfiguration")), "<"+version.name+">") {
			t.Errorf("the alias leads elsewhere: %v", alias.Properties)
		}
		// Both start runs of the alias; recover takes its name off to compare with what events name: the machine.
		for function, want := range map[string]string{"trigger": "<" + alias.name + ">", "recover": "<" + alias.name + ">"} {
			got := fmt.Sprint(functionNamed(t, stack, function).at("Environment", "Variables", "GOLDSMITH_STATE_MACHINE"))
			if !strings.HasSuffix(got, want) {
				t.Errorf("%s is told of %s", function, got)
			}
		}
	})
}

// versionOf is the version that a deployment publishes of a function.
func versionOf(t *testing.T, stack stackTemplate, name string) resource {
	t.Helper()
	for _, v := range stack.kind("AWS::Lambda::Version") {
		if v.at("FunctionName") == "<"+functionNamed(t, stack, name).name+">" {
			return v
		}
	}
	t.Fatalf("no version of %s", name)
	return resource{}
}

// What a function is made of decides its version's name: CloudFormation publishes a new one for a change, and none
// where nothing has changed. The functions that events invoke have none.
func TestVersions(t *testing.T) {
	before := plainly().only(t)
	s, err := synth(map[string]any{"imagePath": "/golden", "nag": "off"})
	if err != nil {
		t.Fatal(err)
	}
	after := s.only(t)
	for _, f := range workflow.Functions {
		if !f.Task {
			continue
		}
		told := functionNamed(t, before, f.Name).at("Environment", "Variables", "GOLDSMITH_IMAGE_PATH") != nil
		if was, is := versionOf(t, before, f.Name).name, versionOf(t, after, f.Name).name; (was != is) != told {
			t.Errorf("%s has another image path: %v; its version was %s and is %s", f.Name, told, was, is)
		}
	}
	if n := len(before.kind("AWS::Lambda::Version")); n != len(workflow.Tasks) {
		t.Errorf("%d functions have a version, %d are the state machine's", n, len(workflow.Tasks))
	}
}

func functionNamed(t *testing.T, stack stackTemplate, name string) resource {
	t.Helper()
	for _, f := range stack.kind("AWS::Lambda::Function") {
		if f.at("FunctionName") == "goldsmith-"+name {
			return f
		}
	}
	t.Fatalf("no function %s", name)
	return resource{}
}

// Everything CloudFormation can tag carries the suite's tag, so that its cost can be told.
func TestTags(t *testing.T) {
	untaggable := []string{
		"AWS::CloudWatch::Dashboard", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::SNS::TopicPolicy",
		"AWS::SNS::Subscription", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
		"AWS::StepFunctions::StateMachineAlias",
		"AWS::StepFunctions::StateMachineVersion", "AWS::Lambda::Version",
	}
	each(t, func(t *testing.T, stack stackTemplate) {
		for name, r := range stack.Resources {
			if slices.Contains(untaggable, r.Type) {
				continue
			}
			if tags := fmt.Sprint(r.at("Tags")); !strings.Contains(tags, "map[Key:application Value:goldsmith]") {
				t.Errorf("%s, a %s, has the tags %s", name, r.Type, tags)
			}
		}
	})
}
