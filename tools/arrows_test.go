package tools

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestFunctionArrows holds every function, its wiring and its tests to its own
// folder: the linter knows which room a file is in, but not which function.
func TestFunctionArrows(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-f",
		`{{$from := .ImportPath}}{{range .Imports}}{{$from}} {{.}}
{{end}}{{range .TestImports}}{{$from}} {{.}}
{{end}}{{range .XTestImports}}{{$from}} {{.}}
{{end}}`, "./...")
	list.Dir = ".."
	var failure bytes.Buffer
	list.Stderr = &failure
	arrows, err := list.Output()
	if err != nil {
		t.Fatalf("listing imports: %v\n%s", err, failure.Bytes())
	}
	for _, line := range strings.Split(strings.TrimSpace(string(arrows)), "\n") {
		from, to, _ := strings.Cut(line, " ")
		if ours, theirs := function(from), function(to); ours != "" && theirs != "" && ours != theirs {
			t.Errorf("%s imports %s: a function never imports another; what both know belongs in shared", from, to)
		}
	}
}

// function names the function whose folder holds a package, or is empty.
func function(path string) string {
	below, inside := strings.CutPrefix(path, "goldsmith/functions/")
	if !inside {
		return ""
	}
	name, _, _ := strings.Cut(below, "/")
	return name
}
