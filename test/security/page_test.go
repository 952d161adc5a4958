package security_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const security = "../../docs/security.md"

// row is a row of the page's tables of who can do what.
type row struct {
	cells []string
	tests []string
}

var named = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")

// rows are those of the tables whose last column says what holds them.
func rows(t *testing.T) (rows []row) {
	t.Helper()
	text, err := os.ReadFile(security)
	if err != nil {
		t.Fatal(err)
	}
	in := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasSuffix(line, "| held by |"):
			in = true
		case !strings.HasPrefix(line, "|"):
			in = false
		case in && !strings.HasPrefix(line, "|---"):
			r := row{cells: strings.Split(strings.Trim(line, "|"), "|")}
			for _, m := range named.FindAllStringSubmatch(r.cells[len(r.cells)-1], -1) {
				r.tests = append(r.tests, m[1])
			}
			rows = append(rows, r)
		}
	}
	return rows
}

var declared = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)

// declaredTests are the names of all tests, with the folders they are in.
func declaredTests(t *testing.T) map[string][]string {
	t.Helper()
	tests := map[string][]string{}
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"node_modules", "dist", "cdk.out", ".git"}, d.Name()):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(root, file)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = append(tests[m[1]], path.Dir(file))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// Every row of docs/security.md is held by tests that there are.
func TestEveryRowIsHeld(t *testing.T) {
	known, all := declaredTests(t), rows(t)
	if len(all) < 25 {
		t.Errorf("the page has %d rows", len(all))
	}
	for _, r := range all {
		if len(r.cells) != 4 || len(r.tests) == 0 {
			t.Errorf("no test holds %q", r.cells[0])
		}
		for _, name := range r.tests {
			if len(known[name]) == 0 {
				t.Errorf("%q is held by %s, which there is not", strings.TrimSpace(r.cells[0]), name)
			}
		}
	}
}

// Every play of this folder is a row.
func TestEveryPlayIsARow(t *testing.T) {
	used := map[string]bool{"TestEveryRowIsHeld": true, "TestEveryPlayIsARow": true}
	for _, r := range rows(t) {
		for _, name := range r.tests {
			used[name] = true
		}
	}
	for name, folders := range declaredTests(t) {
		if slices.Contains(folders, "test/security") && !used[name] {
			t.Errorf("%s plays something that is no row", name)
		}
	}
}
