package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

const (
	// reliability is the page, and section where what is written here begins in it; it is the last one.
	reliability = "docs/reliability.md"
	section     = "\n## Mutation testing\n"
)

// unmeasured is the score of a package of which no mutant has been tried.
const unmeasured = "not measured yet"

// reasons say why a survivor may survive, each on a line: package, key and reason, with tabs between.
//
//go:embed survivors.txt
var reasons string

const about = `
A mutant is one change of a package: a condition that is always true or always false, another answer at a boundary, a
statement or a case that is left out, a loop that ends after its first round, a value that is its type's zero, the
opposite of a flag, plus for minus, a number that is one more. The tests that reach it must fail with it. Tried are at
most %d of a package's, drawn by what each is, so that they are the same ones after an edit elsewhere in the package
(` + "`ARGS=\"-draw WORD\"`" + ` tries others), with the tests of the packages that are named; what is returned beside an error, what
is logged, and how a function is wired (` + "`wire.go`" + `), is not changed. Only a test that fails, or takes many times its
processor time, counts: one that a loaded machine keeps waiting does not. Survivors of a draw are read and tested, so
that a fresh draw has a lower score. A package has 95 percent at least.
` + "`make mutants`" + ` tries them and writes this section (` + "`ARGS=\"-only functions/claim\"`" + ` tries those of one package).

| package | with the tests of | mutants | tried | killed | score |
|---|---|---|---|---|---|
`

// writePage replaces the page's section. Of a package of which nothing is known here it keeps what it says.
func writePage(scores []Score) error {
	text, err := os.ReadFile(reliability)
	if err != nil {
		return err
	}
	before, earlier, _ := strings.Cut(string(text), section)
	var b strings.Builder
	b.WriteString(strings.TrimRight(before, "\n") + "\n" + section)
	fmt.Fprintf(&b, about, *most)
	for _, s := range scores {
		b.WriteString(s.row(earlier))
	}
	b.WriteString("\n| what survives | change | why |\n|---|---|---|\n")
	for _, s := range scores {
		b.WriteString(s.survivors(earlier))
	}
	return os.WriteFile(reliability, []byte(b.String()), 0o600)
}

// row is the package's row of the scores.
func (s Score) row(earlier string) string {
	if kept := rowsOf(earlier, s.Package+"`"); len(s.Results) == 0 && len(kept) > 0 {
		return kept[0]
	}
	score := unmeasured
	if len(s.Results) > 0 {
		score = fmt.Sprintf("%.1f %%", s.percent())
	}
	return fmt.Sprintf("| `%s` | %s | %d | %d | %d | %s |\n", s.Package, testsOf(s.Package), s.Sites, len(s.Results),
		s.killed(), score)
}

// survivors are the package's rows of what survives.
func (s Score) survivors(earlier string) string {
	if len(s.Results) == 0 {
		return strings.Join(slices.DeleteFunc(rowsOf(earlier, s.Package+"/"), s.another), "")
	}
	var b strings.Builder
	known := why()
	for _, r := range s.Results {
		if r.Killed {
			continue
		}
		fmt.Fprintf(&b, "%s %s |\n", subject{pkg: s.Package}.what(r.Mutant),
			cmp.Or(known[s.Package+"\t"+r.Key()], "not known yet"))
	}
	return b.String()
}

// another reports whether a row is none of a file of the package, but of a package that lies in it.
func (s Score) another(row string) bool {
	file, _, _ := strings.Cut(strings.TrimPrefix(row, "| `"), "`")
	return path.Dir(file) != s.Package || path.Ext(file) != ".go"
}

// what are the first cells of a survivor's row.
func (s subject) what(m Mutant) string {
	return fmt.Sprintf("| `%s/%s`, %s | %s: `%s` |", s.pkg, m.File, m.Func, m.Kind, inCell.Replace(m.Text))
}

// rowsOf are the rows of a section whose first cell begins so.
func rowsOf(section, begins string) (rows []string) {
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `"+begins) {
			rows = append(rows, line)
		}
	}
	return rows
}

var inCell = strings.NewReplacer("|", `\|`, "`", "'")

func of(pkg string) func(subject) bool { return func(s subject) bool { return s.pkg == pkg } }

func testsOf(pkg string) string {
	var names []string
	for _, s := range subjects[slices.IndexFunc(subjects, of(pkg))].tests {
		pkg, _, some := strings.Cut(s, " ")
		names = append(names, map[bool]string{true: "some of "}[some]+"`"+pkg+"`")
	}
	return strings.Join(names, " ")
}

func (s Score) percent() float64 { return 100 * float64(s.killed()) / float64(max(1, len(s.Results))) }

// why are the reasons by package and key.
func why() map[string]string {
	known := map[string]string{}
	for line := range strings.Lines(reasons) {
		if parts := strings.Split(strings.TrimSpace(line), "\t"); len(parts) == 3 {
			known[parts[0]+"\t"+parts[1]] = parts[2]
		}
	}
	return known
}
