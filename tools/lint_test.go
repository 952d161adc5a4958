// Package tools checks what a linter's own rules cannot: that ours bite, and
// that functions keep to themselves.
package tools

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestRulesBite lints a tree of deliberate mistakes with the repository's
// configuration, and expects every announced finding and no other.
func TestRulesBite(t *testing.T) {
	tree, err := txtar.ParseFile("testdata/tree.txtar")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	wanted := make(map[place][]expectation)
	for _, file := range tree.Files {
		write(t, filepath.Join(folder, file.Name), file.Data)
		announce(wanted, file)
	}
	config, err := os.ReadFile("../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, ".golangci.yml"), config)

	for _, found := range lint(t, folder) {
		at := place{found.Pos.Filename, found.Pos.Line}
		if !take(wanted, at, found) {
			t.Errorf("%s:%d: not announced: %s: %s", at.file, at.line, found.FromLinter, found.Text)
		}
	}
	for at, missing := range wanted {
		for _, expected := range missing {
			t.Errorf("%s:%d: not reported: %s: %s", at.file, at.line, expected.linter, expected.text)
		}
	}
}

type place struct {
	file string
	line int
}

type expectation struct{ linter, text string }

type finding struct {
	FromLinter, Text string
	Pos              struct {
		Filename string
		Line     int
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

var want = regexp.MustCompile(`// want(?:-(\d+))? (\w+) "([^"]+)"$`)

func announce(wanted map[place][]expectation, file txtar.File) {
	for i, line := range strings.Split(string(file.Data), "\n") {
		if match := want.FindStringSubmatch(line); match != nil {
			above, _ := strconv.Atoi(match[1]) // No number speaks of the line itself.
			at := place{file.Name, i + 1 - above}
			wanted[at] = append(wanted[at], expectation{match[2], match[3]})
		}
	}
}

func lint(t *testing.T, folder string) []finding {
	t.Helper()
	// The path of the linter, which this module pins; it is built when it is not there yet.
	linter, err := exec.CommandContext(t.Context(), "go", "tool", "-n", "golangci-lint").Output()
	if err != nil {
		t.Fatalf("building the linter: %v", err)
	}
	command := exec.CommandContext(t.Context(), strings.TrimSpace(string(linter)),
		"run", "--show-stats=false", "--output.json.path=stdout", "./...")
	command.Dir = folder
	var failure bytes.Buffer
	command.Stderr = &failure
	output, _ := command.Output() // It exits with an error because it finds mistakes.
	var report struct{ Issues []finding }
	if err := json.Unmarshal(output, &report); err != nil {
		t.Fatalf("reading the linter's report: %v\n%s%s", err, output, failure.Bytes())
	}
	return report.Issues
}

func take(wanted map[place][]expectation, at place, found finding) bool {
	for i, candidate := range wanted[at] {
		if candidate.linter == found.FromLinter && strings.Contains(found.Text, candidate.text) {
			wanted[at] = append(wanted[at][:i], wanted[at][i+1:]...)
			return true
		}
	}
	return false
}
