package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/infra/workflow"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
)

var update = flag.Bool("update", false, "rewrite the golden templates")

// The golden templates show a reviewer what a change of the app changes in an account. Hashes of zips and of
// the versions made of them are left out, since they change with the code, and the definition, which has a
// file of its own.
func TestGolden(t *testing.T) {
	for name, s := range map[string]synthesis{"plain": plainly(), "full": fully()} {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join("testdata", name+".template.json")
			got := normal(t, s.only(t))
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
				t.Errorf("run go test ./infra -update, and look at what git shows\n%s", diff)
			}
		})
	}
}

var (
	assetHash   = regexp.MustCompile(`[0-9a-f]{64}`)
	versionHash = regexp.MustCompile(`(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}`)
)

func normal(t *testing.T, s stackTemplate) []byte {
	t.Helper()
	definition, err := json.Marshal(workflow.Definition)
	if err != nil {
		t.Fatal(err)
	}
	text := s.text
	// The CDK writes < and > as they are.
	for _, escaped := range []string{string(definition),
		strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(definition))} {
		text = bytes.ReplaceAll(text, []byte(escaped), []byte(`"infra/workflow/run.asl.yaml"`))
	}
	if bytes.Contains(text, []byte("StartAt")) {
		t.Error("the deployed definition is not the embedded one")
	}
	text = versionHash.ReplaceAll(assetHash.ReplaceAll(text, []byte("HASH")), []byte("${1}HASH"))
	return append(text, '\n')
}

// The zips of those that read plans hold them as the functions decode them; no other zip does.
func TestPlansTravelInTheZips(t *testing.T) {
	want, err := planfile.Load("../plans.yaml", moment)
	if err != nil {
		t.Fatal(err)
	}
	stack, folder := plainly().only(t), plainly().folder
	for _, f := range stack.kind("AWS::Lambda::Function") {
		key, _ := f.at("Code", "S3Key").(string)
		zip := filepath.Join(folder, "asset."+strings.TrimSuffix(key, ".zip"))
		info, err := os.Stat(filepath.Join(zip, "bootstrap"))
		if err != nil || info.Mode().Perm()&0o111 == 0 {
			t.Errorf("%s: bootstrap is not there, or no program: %v", f.name, err)
		}
		text, err := os.ReadFile(filepath.Join(zip, "plans.json"))
		wanted := f.at("Environment", "Variables", "GOLDSMITH_PLANS")
		if (err == nil) != (wanted != nil) {
			t.Errorf("%s: GOLDSMITH_PLANS is %v, reading its zip's plans.json: %v", f.name, wanted, err)
		}
		if wanted == nil {
			continue
		}
		if wanted != "/var/task/plans.json" {
			t.Errorf("%s looks for the plans at %v", f.name, wanted)
		}
		got, err := plan.Decode(text)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", f.name, diff)
		}
	}
}

func TestTargets(t *testing.T) {
	s := mustSynth(map[string]any{
		"targets": []any{"111122223333/eu-central-1", "444455556666/us-east-1"},
		"kmsKeys": "arn:aws:kms:us-east-1:444455556666:key/00000000-0000-4000-8000-000000000004",
		"nag":     "off",
	})
	if len(s.stacks) != 2 {
		t.Fatalf("there are %d stacks", len(s.stacks))
	}
	here, there := s.stacks["goldsmith-111122223333-eu-central-1"], s.stacks["goldsmith-444455556666-us-east-1"]
	for _, stack := range []stackTemplate{here, there} {
		if len(stack.kind("AWS::Lambda::Function")) != len(workflow.Functions) {
			t.Error("a stack lacks functions")
		}
	}
	// A key is granted in its own Region only.
	if bytes.Contains(here.text, []byte("kms:CreateGrant")) || !bytes.Contains(there.text, []byte("kms:CreateGrant")) {
		t.Error("the key of us-east-1 is granted in eu-central-1, or not where it lies")
	}
	manifest, err := os.ReadFile(filepath.Join(s.folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, environment := range []string{"aws://111122223333/eu-central-1", "aws://444455556666/us-east-1"} {
		if !bytes.Contains(manifest, []byte(environment)) {
			t.Errorf("no stack is for %s", environment)
		}
	}
}

// A StackSet's zips lie in a bucket of each Region, and its accounts need no bootstrap stack.
func TestAssetBucket(t *testing.T) {
	stack := mustSynth(map[string]any{"assetBucket": "acme-goldsmith", "nag": "off"}).only(t)
	for _, f := range stack.kind("AWS::Lambda::Function") {
		bucket, _ := json.Marshal(f.at("Code", "S3Bucket"))
		if string(bucket) != `{"Fn::Sub":"acme-goldsmith-${AWS::Region}"}` {
			t.Errorf("%s has its zip in %s", f.name, bucket)
		}
	}
	if bytes.Contains(stack.text, []byte("BootstrapVersion")) {
		t.Error("the template asks for a bootstrap stack")
	}
}
