package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"goldsmith/infra/workflow"
)

// cdk-nag finds nothing, and what was accepted has a reason that says more than that it was.
func TestNag(t *testing.T) {
	for name, s := range map[string]synthesis{"plain": plainly(), "full": fully()} {
		for _, message := range s.messages {
			if strings.Contains(message, "AwsSolutions") || strings.HasPrefix(message, "aws:cdk:error") {
				t.Errorf("%s: %s", name, message)
			}
		}
		accepted := 0
		for id, r := range s.only(t).Resources {
			nag, _ := r.Metadata["cdk_nag"].(map[string]any)
			rules, _ := nag["rules_to_suppress"].([]any)
			for _, rule := range rules {
				accepted++
				if reason := rule.(map[string]any)["reason"].(string); len(reason) < len("X-Ray has no resources.") {
					t.Errorf("%s: %s accepts %v because %q", name, id, rule, reason)
				}
			}
		}
		if accepted == 0 {
			t.Error("cdk-nag has not looked")
		}
	}
}

// The test would see a finding: a queue that is all wrong has some.
func TestNagBites(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "cdk.out")
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(folder)})
	awssqs.NewQueue(awscdk.NewStack(app, jsii.String("wrong"), nil), jsii.String("Queue"), nil)
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(nil), nil)
	app.Synth(nil)
	found, err := messages(folder)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(found, "\n"), "aws:cdk:error: AwsSolutions-SQS4: ") {
		t.Errorf("a queue without TLS passes: %q", found)
	}
}

// cfn-lint knows CloudFormation's own schemas. It reads the definition only once ${Partition}
// is filled in, so it reads the template twice: as it is, and filled in.
func TestLint(t *testing.T) {
	program, err := exec.LookPath("cfn-lint")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("cfn-lint has to be there in CI: see .ci/requirements.txt")
		}
		t.Log("cfn-lint is not on the PATH: the templates were not linted")
		return
	}
	template := filepath.Join(fully().folder, "goldsmith.template.json")
	if out, err := exec.CommandContext(t.Context(), program, "--", template,
		filledIn(t, fully().only(t))).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func filledIn(t *testing.T, stack stackTemplate) string {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(stack.text, &document); err != nil {
		t.Fatal(err)
	}
	machine := document["Resources"].(map[string]any)[stack.kind("AWS::StepFunctions::StateMachine")[0].name].(map[string]any)
	delete(machine, "Metadata")
	machine["Properties"].(map[string]any)["DefinitionString"] = strings.ReplaceAll(workflow.Definition,
		"${Partition}", "aws")
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "filled.template.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
