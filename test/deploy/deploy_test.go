// Package deploy deploys the synthesized template with the AWS CLI, as a person
// does, into moto's CloudFormation as far as that goes.
package deploy

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/infra/workflow"
	"goldsmith/test/moto"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
	stack   = "goldsmith-" + account + "-" + region
	bucket  = "goldsmith-assets"
)

// leftOut are the resource types that moto's CloudFormation does not make, or
// makes without telling; the rest of the template is really created.
var leftOut = []string{
	"AWS::CloudWatch::Alarm",
	"AWS::Lambda::EventInvokeConfig",
	"AWS::SNS::TopicPolicy",
	"AWS::SQS::QueuePolicy",
	"AWS::Scheduler::Schedule",
	"AWS::Scheduler::ScheduleGroup",
	"AWS::StepFunctions::StateMachineAlias",
	"AWS::StepFunctions::StateMachineVersion",
}

func TestTheTemplateDeploys(t *testing.T) {
	url := moto.Start(t, "the deployment")
	if url == "" {
		return
	}
	if _, err := exec.LookPath("aws"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the AWS CLI is not on the PATH; CI needs it to test the deployment")
		}
		t.Log("NOT RUN: the AWS CLI is not on the PATH, so the deployment is not tested")
		return
	}
	// moto reads a template back from the bucket only under this name.
	c := cloud{t, strings.Replace(url, "127.0.0.1", "localhost", 1)}
	assembly := synthesize(t)
	c.upload(assembly)
	template := filepath.Join(assembly, stack+".template.json")
	c.aws("cloudformation", "deploy", "--stack-name", stack, "--template-file", template,
		"--s3-bucket", bucket, "--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")
	c.resources(template)
	c.functions()
	c.machine()
	c.table()
}

// synthesize runs the CDK app on functions that do nothing, and returns its cloud assembly.
func synthesize(t *testing.T) string {
	t.Helper()
	functions, assembly := t.TempDir(), t.TempDir()
	for _, f := range workflow.Functions {
		folder := filepath.Join(functions, f.Name)
		if err := os.Mkdir(folder, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "bootstrap"), []byte("#!/bin/true\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	context, err := json.Marshal(map[string]string{
		"functions": functions, "assetBucket": bucket, "targets": account + "/" + region, "nag": "off",
	})
	if err != nil {
		t.Fatal(err)
	}
	app := exec.CommandContext(t.Context(), "go", "run", "./infra")
	app.Dir = filepath.Join("..", "..")
	app.Env = append(os.Environ(), "CDK_OUTDIR="+assembly, "CDK_CONTEXT_JSON="+string(context))
	if said, err := app.CombinedOutput(); err != nil {
		t.Fatalf("synthesizing: %v\n%s", err, said)
	}
	return assembly
}

// cloud is moto, spoken to through the AWS CLI.
type cloud struct {
	*testing.T
	url string
}

func (c cloud) aws(args ...string) []byte {
	c.Helper()
	call := exec.CommandContext(c.Context(), "aws", append(args, "--output", "json")...)
	call.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+c.url, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_PAGER=")
	var out, problems bytes.Buffer
	call.Stdout, call.Stderr = &out, &problems
	if err := call.Run(); err != nil {
		c.Fatalf("aws %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), problems.String())
	}
	return out.Bytes()
}

// read is a call's answer.
func read[T any](c cloud, args ...string) T {
	c.Helper()
	var answer T
	if err := json.Unmarshal(c.aws(args...), &answer); err != nil {
		c.Fatalf("aws %s: %v", strings.Join(args, " "), err)
	}
	return answer
}

// upload puts the functions' zips where the template looks for them.
func (c cloud) upload(assembly string) {
	c.Helper()
	for _, name := range []string{bucket, bucket + "-" + region} {
		c.aws("s3api", "create-bucket", "--bucket", name, "--create-bucket-configuration", "LocationConstraint="+region)
	}
	folders, err := filepath.Glob(filepath.Join(assembly, "asset.*"))
	if err != nil || len(folders) == 0 {
		c.Fatalf("the assembly holds no assets (%v)", err)
	}
	for _, folder := range folders {
		path := filepath.Join(c.TempDir(), strings.TrimPrefix(filepath.Base(folder), "asset.")+".zip")
		c.zip(folder, path)
		c.aws("s3api", "put-object", "--bucket", bucket+"-"+region, "--key", filepath.Base(path), "--body", path)
	}
}

func (c cloud) zip(folder, path string) {
	c.Helper()
	file, err := os.Create(path)
	if err != nil {
		c.Fatal(err)
	}
	w := zip.NewWriter(file)
	if err := w.AddFS(os.DirFS(folder)); err != nil {
		c.Fatal(err)
	}
	for _, closer := range []io.Closer{w, file} {
		if err := closer.Close(); err != nil {
			c.Fatal(err)
		}
	}
}

// resources holds what was created against the template: all of it but leftOut.
func (c cloud) resources(path string) {
	c.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		c.Fatal(err)
	}
	var template struct {
		Resources map[string]struct{ Type string }
	}
	if err := json.Unmarshal(text, &template); err != nil {
		c.Fatal(err)
	}
	want := map[string]int{}
	for _, r := range template.Resources {
		if !slices.Contains(leftOut, r.Type) {
			want[r.Type]++
		}
	}
	made := read[struct {
		StackResourceSummaries []struct{ ResourceType string }
	}](c, "cloudformation", "list-stack-resources", "--stack-name", stack)
	got := map[string]int{}
	for _, r := range made.StackResourceSummaries {
		// What moto does not know is listed without a type.
		if r.ResourceType != "" {
			got[r.ResourceType]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.Errorf("created (-template +moto):\n%s", diff)
	}
}

// functions holds the deployed functions against the list they come from.
func (c cloud) functions() {
	c.Helper()
	type function struct {
		FunctionName, Runtime, Handler string
		Environment                    struct{ Variables map[string]string }
	}
	got := map[string]function{}
	for _, f := range read[struct{ Functions []function }](c, "lambda", "list-functions").Functions {
		got[strings.TrimPrefix(f.FunctionName, workflow.Name+"-")] = f
	}
	var names []string
	for _, f := range workflow.Functions {
		names = append(names, f.Name)
		deployed := got[f.Name]
		// moto says x86_64 of all; that they are arm64 is tested on the template.
		if deployed.Runtime != "provided.al2023" || deployed.Handler != "bootstrap" {
			c.Errorf("%s runs %s as %s", f.Name, deployed.Handler, deployed.Runtime)
		}
		for name, value := range deployed.Environment.Variables {
			if value == "" || strings.Contains(value, "${") {
				c.Errorf("%s is told %s=%q", f.Name, name, value)
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(names)), slices.Sorted(maps.Keys(got))); diff != "" {
		c.Errorf("functions (-list +deployed):\n%s", diff)
	}
}

// machine holds the deployed state machine against the definition. moto leaves
// the placeholders of DefinitionSubstitutions as they are; that each has its
// value is tested on the template.
func (c cloud) machine() {
	c.Helper()
	arn := "arn:aws:states:" + region + ":" + account + ":stateMachine:" + workflow.Name
	machine := read[struct{ Definition string }](c, "stepfunctions", "describe-state-machine", "--state-machine-arn", arn)
	if diff := cmp.Diff(workflow.Definition, machine.Definition); diff != "" {
		c.Errorf("definition (-file +deployed):\n%s", diff)
	}
}

// table is the ledger's, which must outlive everything.
func (c cloud) table() {
	c.Helper()
	tables := read[struct{ TableNames []string }](c, "dynamodb", "list-tables").TableNames
	if len(tables) != 1 {
		c.Fatalf("tables %v, want the ledger's", tables)
	}
	table := read[struct {
		Table struct {
			BillingModeSummary        struct{ BillingMode string }
			DeletionProtectionEnabled bool
		}
	}](c, "dynamodb", "describe-table", "--table-name", tables[0]).Table
	if table.BillingModeSummary.BillingMode != "PAY_PER_REQUEST" || !table.DeletionProtectionEnabled {
		c.Errorf("the ledger's table is %+v", table)
	}
}
