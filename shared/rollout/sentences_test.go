package rollout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Who asks why a template was not rolled looks for the sentence that was told: it stands in one file of this room, and
// in what order the decisions are asked stands in find.go.
func TestASentenceStandsInOneFile(t *testing.T) {
	in := map[string]string{}
	for _, file := range slices.Concat(files(t, "*.go"), files(t, "../../functions/roll/*.go"),
		files(t, "../../functions/rollback/*.go")) {
		for _, sentence := range sentences(t, file) {
			if other := in[sentence]; other != "" && other != file {
				t.Errorf("%s stands in %s and in %s", sentence, other, file)
			}
			in[sentence] = file
		}
	}
	if len(in) < 100 {
		t.Errorf("only %d sentences were found", len(in))
	}
	if text, err := os.ReadFile("find.go"); err != nil || !strings.Contains(string(text), ") judge(ctx context.Context") {
		t.Errorf("find.go does not say in what order is decided: %v", err)
	}
}

// files are those that match a pattern, but for tests.
func files(t *testing.T, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
}

// sentences are the texts of a file that are long enough to be looked for, but for those that say which call failed.
func sentences(t *testing.T, file string) (all []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		l, is := n.(*ast.BasicLit)
		if is && l.Kind == token.STRING && strings.Count(l.Value, " ") >= 3 && !strings.HasSuffix(l.Value, `%w"`) {
			all = append(all, l.Value)
		}
		return true
	})
	return all
}
