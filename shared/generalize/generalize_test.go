package generalize_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"goldsmith/shared/generalize"
	"goldsmith/shared/plan"
)

// Plans may have every item stay that the script takes, and no other.
func TestItems(t *testing.T) {
	var known []string
	for _, each := range plan.Items {
		known = append(known, string(each))
	}
	if got := generalize.Items(); !slices.Equal(got, known) {
		t.Errorf("the script takes %v, and plans know %v", got, known)
	}
}

// The guide lists every item.
func TestItemsAreInTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/plans.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range generalize.Items() {
		if !strings.Contains(string(guide), "| `"+each+"` |") {
			t.Errorf("docs/plans.md does not say what %s is", each)
		}
	}
}

// What a plan keeps and runs reaches the script as it was written. The script itself is run by test/clones.
func TestCommand(t *testing.T) {
	base := t.TempDir()
	text := generalize.Command([]string{"logs", "hostname"}, `echo "it's $HOME's" 'and $HOME' >own; exit 0`)
	text = strings.ReplaceAll(text, "/run/goldsmith", base)
	text = strings.Replace(text, "exec sh "+base+"/generalize.sh", `echo "$keep" >kept; sh -n `+base+"/generalize.sh", 1)
	for _, shell := range []string{"dash", "bash"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		run := exec.CommandContext(t.Context(), path, "-c", text)
		run.Dir, run.Env = base, []string{"PATH=/usr/bin:/bin", "HOME=/home/ann"}
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", shell, err, out)
		}
		for file, want := range map[string]string{"own": "it's /home/ann's and $HOME\n", "kept": "logs hostname\n"} {
			if got, err := os.ReadFile(filepath.Join(base, file)); err != nil || string(got) != want {
				t.Errorf("%s: %s holds %q, want %q; %v", shell, file, got, want, err)
			}
		}
	}
}
