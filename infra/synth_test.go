package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
)

// moment is when the tests synthesize, so that no schedule of plans.yaml is judged by today.
var moment = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// template is a synthesized template as the tests read it.
type stackTemplate struct {
	Resources map[string]resource
	Outputs   map[string]struct{ Value any }
	text      []byte
}

type resource struct {
	Type                string
	Properties          map[string]any
	Metadata            map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
	name                string
}

// synthesis is what the app wrote.
type synthesis struct {
	folder   string
	stacks   map[string]stackTemplate
	messages []string
}

// full is a context with every feature on.
var full = map[string]any{
	"slackSecret": "goldsmith/slack",
	"slackKeys":   "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000001",
	"tableKeys":   "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000002",
	"kmsKeys":     "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000003",
	"parameters":  "/golden/web",
	"passRoles":   "arn:aws:iam::123456789012:role/web-server",
	"emails":      "ops@example.com",

	"reservedConcurrency": "on",
}

// One synthesis costs seconds, so that tests share these two: as cdk.json has it, and with every feature on.
var (
	plainly = sync.OnceValue(func() synthesis { return mustSynth(nil) })
	fully   = sync.OnceValue(func() synthesis { return mustSynth(full) })
)

// scratch holds what the tests' apps write.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "goldsmith-infra-"); err != nil {
		panic(err)
	}
	code := m.Run()
	jsii.Close()
	if err := os.RemoveAll(scratch); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func mustSynth(context map[string]any) synthesis {
	s, err := synth(context)
	if err != nil {
		panic(err)
	}
	return s
}

// synth runs the app as the CDK CLI does: with cdk.json's context, and more of it.
func synth(more map[string]any) (synthesis, error) {
	context := map[string]any{"plans": "../plans.yaml", "functions": programs()}
	maps.Copy(context, more)
	config, err := read(context, moment)
	if err != nil {
		return synthesis{}, err
	}
	folder, err := os.MkdirTemp(scratch, "cdk.out-")
	if err != nil {
		return synthesis{}, err
	}
	flags := flags()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(folder), Context: &flags,
		AnalyticsReporting: jsii.Bool(false)})
	remove, err := compose(app, config)
	if err != nil {
		return synthesis{}, err
	}
	written := synthesis{folder: folder, stacks: map[string]stackTemplate{}}
	for _, artifact := range *app.Synth(nil).Stacks() {
		text, err := os.ReadFile(filepath.Join(folder, *artifact.TemplateFile()))
		if err != nil {
			return synthesis{}, err
		}
		t := stackTemplate{text: text}
		if err := json.Unmarshal(text, &t); err != nil {
			return synthesis{}, err
		}
		written.stacks[*artifact.Id()] = t
	}
	if written.messages, err = messages(folder); err != nil {
		return synthesis{}, err
	}
	return written, remove()
}

// messages are what constructs were told: "aws:cdk:error: AwsSolutions-SQS4: ...".
func messages(folder string) (all []string, err error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.metadata.json"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no metadata in %s: %w", folder, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var metadata map[string][]struct {
			Type string
			Data any
		}
		if err := json.Unmarshal(text, &metadata); err != nil {
			return nil, err
		}
		for _, construct := range slices.Sorted(maps.Keys(metadata)) {
			for _, entry := range metadata[construct] {
				all = append(all, fmt.Sprintf("%s: %v", entry.Type, entry.Data))
			}
		}
	}
	return all, nil
}

// flags are the feature flags of cdk.json: they change what is synthesized.
func flags() map[string]any {
	text, err := os.ReadFile("../cdk.json")
	if err != nil {
		panic(err)
	}
	var file struct{ Context map[string]any }
	if err := json.Unmarshal(text, &file); err != nil {
		panic(err)
	}
	return file.Context
}

// programs stands for dist/functions, so that nothing has to be built to test templates.
var programs = sync.OnceValue(func() string {
	folder := filepath.Join(scratch, "functions")
	for _, f := range workflow.Functions {
		if err := os.MkdirAll(filepath.Join(folder, f.Name), 0o700); err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(folder, f.Name, "bootstrap"), []byte(f.Name), 0o755); err != nil {
			panic(err)
		}
	}
	return folder
})

// only is the one stack of a synthesis without targets.
func (s synthesis) only(t *testing.T) stackTemplate {
	t.Helper()
	stack, ok := s.stacks["goldsmith"]
	if !ok || len(s.stacks) != 1 {
		t.Fatalf("the stacks are %v", slices.Sorted(maps.Keys(s.stacks)))
	}
	return stack
}

// kind are the resources of a type, in order of their logical ids.
func (t stackTemplate) kind(kind string) []resource {
	var found []resource
	for _, name := range slices.Sorted(maps.Keys(t.Resources)) {
		if r := t.Resources[name]; r.Type == kind {
			r.name = name
			found = append(found, r)
		}
	}
	return found
}

// at is a value inside of a resource's properties, intrinsic functions written out.
func (r resource) at(path ...string) any {
	var here any = r.Properties
	for _, step := range path {
		inner, ok := here.(map[string]any)
		if !ok {
			return nil
		}
		here = inner[step]
	}
	return plain(here)
}

// plain writes Ref, Fn::GetAtt and Fn::Join out: <AWS::Region>, <Table.Arn>.
func plain(value any) any {
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case map[string]any:
		if text, ok := intrinsic(v); ok {
			return text
		}
		object := map[string]any{}
		for key, inner := range v {
			object[key] = plain(inner)
		}
		return object
	default:
		return value
	}
}

func intrinsic(v map[string]any) (string, bool) {
	if ref, ok := v["Ref"].(string); ok {
		return "<" + ref + ">", true
	}
	if get, ok := v["Fn::GetAtt"].([]any); ok {
		return fmt.Sprintf("<%v.%v>", get[0], get[1]), true
	}
	join, ok := v["Fn::Join"].([]any)
	if !ok {
		return "", false
	}
	var parts []string
	for _, part := range join[1].([]any) {
		parts = append(parts, fmt.Sprint(plain(part)))
	}
	return strings.Join(parts, join[0].(string)), true
}

// several is a value that CloudFormation lets stand alone or in a list.
func several(value any) (all []string) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, item := range list {
		if item != nil {
			all = append(all, fmt.Sprint(item))
		}
	}
	return all
}

// Alarms that reach nobody are told at synth; with an address there is nothing to tell.
func TestAlarmsWithoutAnAddress(t *testing.T) {
	for without, s := range map[bool]synthesis{true: plainly(), false: fully()} {
		if told := strings.Contains(strings.Join(s.messages, "\n"), "the alarms reach no address"); told != without {
			t.Errorf("emails missing: %t, told: %t", without, told)
		}
	}
}
