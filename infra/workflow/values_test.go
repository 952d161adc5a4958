package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/infra/workflow"
	"goldsmith/shared/tag"
)

func TestFill(t *testing.T) {
	values := workflow.Values{"One": {"1"}, "Two": {"a", "b"}, "None": nil, "Token": {"${Token[Region.4]}"},
		"Word": {"${One}"}}
	for text, want := range map[string][]string{
		"plain":           {"plain"},
		"x${One}y":        {"x1y"},
		"${Two}/${One}":   {"a/1", "b/1"},
		"${Two}${Two}":    {"aa", "ab", "ba", "bb"},
		"${One}${None}":   nil,
		"${Token}:${One}": {"${Token[Region.4]}:1"},
		"${Word}":         {"${One}"},
	} {
		got, err := values.Fill(text)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	if _, err := values.Fill("${One} ${Other}"); err == nil || !strings.Contains(err.Error(), "no value for Other") {
		t.Errorf("an unknown placeholder is %v", err)
	}
}

// A statement whose resources are all of a feature that is off is left out; the others stay.
func TestPolicy(t *testing.T) {
	statements := []workflow.Statement{
		{Actions: []string{"a:Off"}, Resources: []string{"${Keys}"}},
		{Actions: []string{"a:Both"}, Resources: []string{"${Keys}", "arn:${Region}"},
			Condition: workflow.Condition{"StringEquals": {"k": {"${Region}"}}}},
	}
	got, err := workflow.Values{"Keys": nil, "Region": {"r"}}.Policy(statements)
	if err != nil {
		t.Fatal(err)
	}
	want := []workflow.Statement{{Actions: []string{"a:Both"}, Resources: []string{"arn:r"},
		Condition: workflow.Condition{"StringEquals": {"k": {"r"}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, missing := range []workflow.Values{{"Region": {"r"}}, {"Keys": nil}} {
		if _, err := missing.Policy(statements); err == nil {
			t.Errorf("%v is enough", missing)
		}
	}
	if statements[0].Resources[0] != "${Keys}" {
		t.Error("filling has changed the list")
	}
}

func TestEnvironment(t *testing.T) {
	f := workflow.Function{Environment: map[string]string{"A": "${Table}", "B": "b"}}
	got, err := workflow.Values{"Table": {"t"}}.Environment(f)
	if diff := cmp.Diff(map[string]string{"A": "t", "B": "b"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := (workflow.Values{}).Environment(f); err == nil {
		t.Error("a table without a name passes")
	}
}

// The keys in the policies are those that the code writes and reads.
func TestTagKeys(t *testing.T) {
	known := []string{tag.Plan, tag.Request, tag.LastImage, tag.Source, tag.Managed, tag.BootTest, tag.Stopped,
		tag.LastStop, tag.Device}
	used := map[string]bool{}
	for _, f := range workflow.Functions {
		for _, s := range f.Statements {
			for _, keys := range s.Condition {
				for key, values := range keys {
					_, name, _ := strings.Cut(key, "Tag/")
					for _, word := range append(values, name) {
						if strings.HasPrefix(word, tag.Prefix) {
							used[word] = true
						}
					}
				}
			}
		}
	}
	for key := range used {
		if !slices.Contains(known, key) {
			t.Errorf("a policy names tag %s", key)
		}
	}
	if len(used) != len(known) {
		t.Errorf("the policies name %v", used)
	}
}
