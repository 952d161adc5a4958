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

// TestOneFunctionReadsDisks holds the reader of disks and the client of the EBS direct APIs to function snapshot, whose
// role alone may read data, and go-diskfs, which writes the disks of tests, to no function.
func TestOneFunctionReadsDisks(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-f",
		`{{$from := .ImportPath}}{{range .Deps}}{{$from}} {{.}}
{{end}}`, "./functions/.../lambda")
	list.Dir = ".."
	deps, err := list.Output()
	if err != nil {
		t.Fatalf("listing what functions are made of: %v", err)
	}
	readers := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(deps)), "\n") {
		from, to, _ := strings.Cut(line, " ")
		switch {
		case to == "goldsmith/shared/disk", strings.HasSuffix(to, "/aws-sdk-go-v2/service/ebs"):
			readers[function(from)] = true
		case strings.Contains(to, "go-diskfs"), strings.HasPrefix(to, "goldsmith/local"):
			t.Errorf("%s is made of %s", from, to)
		}
	}
	if len(readers) != 1 || !readers["snapshot"] {
		t.Errorf("disks are read by %v, want snapshot alone", readers)
	}
}
