package permissions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"goldsmith/infra/workflow"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
)

const (
	root      = "../.."
	plansFile = "testdata/plans.yaml"
)

// here is the embedded account.
var here = Account{Partition: "aws", Region: "eu-central-1", ID: "123456789012"}

// keys are customer keys of the table, the secret and volumes.
var keys = Keys{
	Table:  here.ARN("kms", "key/00000000-0000-4000-8000-000000000001"),
	Secret: here.ARN("kms", "key/00000000-0000-4000-8000-000000000002"),
	Volume: here.ARN("kms", "key/00000000-0000-4000-8000-000000000003"),
}

// deployed is the template with every feature on, synthesized once: that takes seconds.
func deployed(t *testing.T) *Template {
	t.Helper()
	template, err := synthesized()
	if err != nil {
		t.Fatal(err)
	}
	return template
}

var synthesized = sync.OnceValues(func() (template *Template, err error) {
	folder, err := os.MkdirTemp("", "goldsmith-permissions-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := synth(folder); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(folder, "cdk.out", "goldsmith.template.json"))
	if err != nil {
		return nil, err
	}
	return Load(text, here)
})

// synth runs the app as the CDK CLI does, which hands it the context and the folder to
// write to in these variables.
func synth(folder string) error {
	given, err := contextFor(folder)
	if err != nil {
		return err
	}
	app := exec.CommandContext(context.Background(), "go", "run", "./infra")
	app.Dir = root
	app.Env = append(os.Environ(), "CDK_OUTDIR="+filepath.Join(folder, "cdk.out"), "CDK_CONTEXT_JSON="+string(given))
	if said, err := app.CombinedOutput(); err != nil {
		return fmt.Errorf("synthesizing: %w\n%s", err, said)
	}
	return readSources()
}

// contextFor is cdk.json's context with every feature on.
func contextFor(folder string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, "cdk.json"))
	if err != nil {
		return nil, err
	}
	var file struct{ Context map[string]any }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	plans, err := filepath.Abs(plansFile)
	if err != nil {
		return nil, err
	}
	programs := filepath.Join(folder, "functions")
	for _, f := range workflow.Functions {
		if err := os.MkdirAll(filepath.Join(programs, f.Name), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(programs, f.Name, "bootstrap"), []byte(f.Name), 0o755); err != nil {
			return nil, err
		}
	}
	maps.Copy(file.Context, map[string]any{
		"plans": plans, "functions": programs, "nag": "off", "slackSecret": "goldsmith/slack", "parameters": "/golden/web",
		"tableKeys": keys.Table, "slackKeys": keys.Secret, "kmsKeys": keys.Volume,
		"passRoles": Passed,
	})
	return json.Marshal(file.Context)
}

// readSources reads the app's files: go test runs a test again when a file that it read
// has changed, and knows nothing of what the app reads.
func readSources() error {
	files, err := filepath.Glob(filepath.Join(root, "infra", "*.go"))
	for _, file := range files {
		if _, err := os.ReadFile(file); err != nil {
			return err
		}
	}
	return err
}

// plans are those that the template deploys.
func plans(t *testing.T) plan.Plans {
	t.Helper()
	loaded, err := planfile.Load(plansFile, time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// The roles that are no function's.
const (
	machineRole   = "the state machine"
	schedulerRole = "the scheduler"
)

// roles are the policies of the template by function, and those of the machine and of Scheduler.
func roles(t *testing.T) map[string]Policy {
	t.Helper()
	template, all := deployed(t), map[string]Policy{}
	for _, f := range workflow.Functions {
		all[f.Name] = policyOf(t, function(t, template, f.Name), "Role")
	}
	for _, machine := range template.Kind("AWS::StepFunctions::StateMachine") {
		all[machineRole] = policyOf(t, machine, "RoleArn")
	}
	for _, schedule := range template.Kind("AWS::Scheduler::Schedule") {
		all[schedulerRole] = policyOf(t, schedule, "Target", "RoleArn")
	}
	if got, want := len(template.Kind("AWS::IAM::Role")), len(all); got != want {
		t.Errorf("the template has %d roles, this test knows %d", got, want)
	}
	if others := append(template.Kind("AWS::IAM::Policy"), template.Kind("AWS::IAM::ManagedPolicy")...); len(others) > 0 {
		t.Errorf("policies beside the roles' own: %v", others)
	}
	return all
}

func function(t *testing.T, template *Template, name string) Resource {
	t.Helper()
	for _, r := range template.Kind("AWS::Lambda::Function") {
		if r.Properties["FunctionName"] == workflow.Name+"-"+name {
			return r
		}
	}
	t.Fatalf("the template has no function %s", name)
	return Resource{}
}

// policyOf is the one inline policy of the role that a property names.
func policyOf(t *testing.T, r Resource, property ...string) Policy {
	t.Helper()
	role, err := r.Owner(property...)
	if err != nil {
		t.Fatal(err)
	}
	if role.Properties["ManagedPolicyArns"] != nil {
		t.Errorf("%s has managed policies", role.ID)
	}
	inline, ok := must(role.At("Policies"))(t).([]any)
	if !ok || len(inline) != 1 {
		t.Fatalf("%s has %d inline policies, want one", role.ID, len(inline))
	}
	document, _ := inline[0].(map[string]any)["PolicyDocument"].(map[string]any)
	return must(Read(document))(t)
}

func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
