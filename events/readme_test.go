package events_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/events"
)

var update = flag.Bool("update", false, "rewrite the tables of README.md")

func TestReadmeTables(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := replace(t, string(readme), "routes", routes())
	want = replace(t, want, "samples", sampleTable())
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(readme)); diff != "" {
		t.Errorf("run go test ./events -update\n%s", diff)
	}
}

func routes() string {
	var b strings.Builder
	fmt.Fprintln(&b, "| event | who sends it | by | who handles it | as | what a loss costs |")
	fmt.Fprintln(&b, "|---|---|---|---|---|---|")
	for _, input := range events.Inputs {
		by := "directly"
		if !people[input.Name] {
			by = fmt.Sprintf("input [`%s`](inputs/%[1]s.json)", input.Name)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` | %s |\n", input.Name, input.From, by, input.Function, input.Event,
			input.Loss)
	}
	for _, rule := range events.Rules {
		by := fmt.Sprintf("rule [`%s`](patterns/%[1]s.json)", rule.Name)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` | %s |\n", rule.Name, rule.From, by, rule.Function, rule.Event, rule.Loss)
	}
	return b.String()
}

func sampleTable() string {
	var b strings.Builder
	fmt.Fprintln(&b, "| sample | matched by | decodes to |")
	fmt.Fprintln(&b, "|---|---|---|")
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		s := samples[name]
		by := strings.Join(s.rules, ", ")
		if by == "" {
			by = "no rule"
		}
		fmt.Fprintf(&b, "| [`%s`](samples/%[1]s.json) | %s | `%s` |\n", name, by, reflect.TypeOf(s.decoded).Name())
	}
	return b.String()
}

func replace(t *testing.T, text, section, table string) string {
	t.Helper()
	begin, end := "<!-- "+section+" -->\n", "<!-- /"+section+" -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("README.md has no section %s", section)
	}
	return before + begin + table + end + after
}
