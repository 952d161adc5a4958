package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
)

const root = "../../.."

func TestCommittedSchemaIsGenerated(t *testing.T) {
	want, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, output))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the Go types say; run: go generate ./shared/planfile/schema", output)
	}
}

func TestEveryKeyIsDescribed(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(generated(t)))
	if err != nil {
		t.Fatal(err)
	}
	described := 0
	var walk func(path string, node any)
	walk = func(path string, node any) {
		object, ok := node.(map[string]any)
		if !ok {
			return
		}
		properties, _ := object["properties"].(map[string]any)
		for name, p := range properties {
			if text, _ := p.(map[string]any)["description"].(string); text == "" {
				t.Errorf("%s.%s has no description", path, name)
			}
			described++
		}
		for name, child := range object {
			walk(path+"."+name, child)
		}
	}
	walk("", document)
	if described < 30 {
		t.Errorf("only %d keys found", described)
	}
}

// TestSchemaTakesWhatParseTakes holds the two against each other over good plans.
func TestSchemaTakesWhatParseTakes(t *testing.T) {
	schema := compiled(t)
	good, err := filepath.Glob("../testdata/good/*.yaml")
	if err != nil || len(good) == 0 {
		t.Fatalf("no good examples: %v", err)
	}
	for _, path := range append(good, filepath.Join(root, "plans.yaml")) {
		text, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := planfile.Parse(path, text, now); err != nil {
			t.Errorf("Parse refuses what is good:\n%v", err)
		}
		if err := schema.Validate(decoded(t, text)); err != nil {
			t.Errorf("the schema refuses %s: %v", path, err)
		}
	}
}

// TestSchemaRefusesWhatParseRefuses does so over what is structurally wrong.
func TestSchemaRefusesWhatParseRefuses(t *testing.T) {
	schema := compiled(t)
	for _, text := range structurallyBad {
		if _, err := planfile.Parse("plans.yaml", []byte(text), now); err == nil {
			t.Errorf("Parse accepts:\n%s", text)
		}
		if err := schema.Validate(decoded(t, []byte(text))); err == nil {
			t.Errorf("the schema accepts:\n%s", text)
		}
	}
}

var structurallyBad = []string{
	"[]", "default: a\n", "plans: {a: {}}\n", "default: a\nplans: {}\n", "default: a\nplans: {a: {}}\nextra: 1\n",
	"default: a\nplans: {A: {}, a: {}}\n", "default: now\nplans: {now: {}}\n", "default: a\nplans: {a: }\n",
	one("windwo: 4h"), one("name: a"),
	one("window: 4"), one("window: 4 hours"), one("limit: 0"), one("limit: 120%"), one("limit: 0%"), one("limit: -1"),
	one("concurrency: 0"), one("concurrency: 1001"), one("concurrency: 'ten'"), one("strict: 'yes'"),
	one("consistency: halt"), one("restart: later"), one("health: well"), one("schedule: daily"),
	one("sources: {ids: []}"), one("sources: {ids: [i-1]}"), one("sources: {tags: {env: []}}"),
	one("sources: {tags: {env: 5}}"),
	one("sources: {tags: {env: [a, a]}}"), one("sources: {exclude: {env: a*}}"), one("sources: {exclude: {env: }}"),
	one("image: {prefix: 'a b'}"), one("image: {tags: {'aws:x': y}}"), one("image: {tags: {'Goldsmith:x': y}}"),
	one("image: {tags: {x: true}}"),
	one("roll: {templates: {web: []}}"), one("roll: {templates: {web: x!}}"),
	one("roll: {refresh: true}"), one("roll: {refresh: {enabled: true, minHealthy: 101}}"),
	one("roll: {refresh: {enabled: true, minHealthy: 9, maxHealthy: 99}}"),
	one("roll: {refresh: {enabled: true, checkpoints: [0, 100]}}"), one("roll: {refresh: {enabled: true, bake: 10}}"),
	one("roll: {refresh: {enabled: true, alarms: ['']}}"),
	one("keep: {last: -1}"), one("keep: {minimum: 0}"),
	one("notify: {on: []}"), one("notify: {on: [bad]}"), one("notify: {channel: Ops Team}"),
	one("notify: {mention: '@here'}"),
}

func one(body string) string { return "default: a\nplans:\n  a: {" + body + "}\n" }

// TestDefaultsAreThePlans compares the one default that is written by hand.
func TestDefaultsAreThePlans(t *testing.T) {
	plans, err := planfile.Parse("plans.yaml", []byte(one("window: 4h")), now)
	if err != nil {
		t.Fatal(err)
	}
	want := plan.Default()
	want.Name = "a"
	if got := plans.Plans["a"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func generated(t *testing.T) []byte {
	t.Helper()
	text, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(generated(t)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(output, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(output)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// decoded is the text as an editor's YAML server hands it to a schema.
func decoded(t *testing.T, text []byte) any {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return document
}
