package tools

import (
	"os/exec"
	"strings"
	"testing"
)

// TestFunctionArrows holds every function, its wiring and its tests to its own
// folder: the linter knows which room a file is in, but not which function.
func TestFunctionArrows(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-f",
		`{{$from := .ImportPath}}{{range .Imports}}{{$from}} {{.}}
{{end}}{{range .TestImports}}{{$from}} {{.}}
{{end}}{{range .XTestImports}}{{$from}} {{.}}
{{end}}`, "./...")
	list.Dir = ".."
	arrows, err := list.Output()
	if err != nil {
		t.Fatalf("listing imports: %v", err)
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
