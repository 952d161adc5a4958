package contract

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"goldsmith/events"
	"goldsmith/infra/workflow"
	"goldsmith/shared/command"
)

// longest is how many lines a main.go may have: wiring is the function's own.
const longest = 12

// folders are the functions that exist.
func folders(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

// routed are the functions that events and inputs reach.
func routed() []string {
	var names []string
	for _, r := range events.Rules {
		names = append(names, r.Function)
	}
	for _, i := range events.Inputs {
		names = append(names, i.Function)
	}
	return names
}

func TestFunctions(t *testing.T) {
	for _, problem := range lost(folders(t), workflow.Tasks, routed()) {
		t.Error(problem)
	}
	for _, name := range folders(t) {
		text, err := os.ReadFile(filepath.Join(root, "functions", name, "lambda", "main.go"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, problem := range wiring(name, string(text)) {
			t.Error(problem)
		}
	}
}

// lost are functions that nobody reaches, and those reached that do not exist.
func lost(folders, tasks, routed []string) []string {
	var problems []string
	reached := append(slices.Clone(tasks), routed...)
	for _, name := range folders {
		if !slices.Contains(reached, name) {
			problems = append(problems, name+" is neither a task of the workflow nor the target of a rule or input")
		}
	}
	for _, name := range reached {
		if !slices.Contains(folders, name) {
			problems = append(problems, name+" is reached, but has no folder")
		}
	}
	return problems
}

// wiring says what is wrong with a function's main.go.
func wiring(name, text string) []string {
	var problems []string
	if lines := strings.Count(text, "\n"); lines > longest {
		problems = append(problems, fmt.Sprintf("%s is wired in %d lines: starting it needs at most %d", name, lines,
			longest))
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return append(problems, err.Error())
	}
	if want := "Command lambda wires function " + name + "."; strings.TrimSpace(file.Doc.Text()) != want {
		problems = append(problems, fmt.Sprintf("%s begins with %q, want %q", name, strings.TrimSpace(file.Doc.Text()), want))
	}
	if started := startedAs(file); !slices.Equal(started, []string{`"` + name + `"`}) {
		problems = append(problems, fmt.Sprintf("%s starts itself as %s", name, started))
	}
	return append(problems, imports(name, file)...)
}

// startedAs are the names that handler.Start is called with.
func startedAs(file *ast.File) []string {
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		callee, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || callee.Sel.Name != "Start" || len(call.Args) == 0 {
			return true
		}
		if literal, ok := call.Args[0].(*ast.BasicLit); ok {
			names = append(names, literal.Value)
		}
		return true
	})
	return names
}

// imports: a function wires itself and no other.
func imports(name string, file *ast.File) []string {
	own, problems := false, []string(nil)
	for _, imported := range file.Imports {
		other, ours := strings.CutPrefix(strings.Trim(imported.Path.Value, `"`), "goldsmith/functions/")
		switch {
		case ours && other == name:
			own = true
		case ours:
			problems = append(problems, name+" wires "+other)
		}
	}
	if !own {
		problems = append(problems, name+" does not wire itself")
	}
	return problems
}

func TestFunctionRulesBite(t *testing.T) {
	for _, c := range []struct{ problems, says string }{
		{strings.Join(lost([]string{"stop", "share"}, []string{"stop"}, nil), "\n"), "share is neither"},
		{strings.Join(lost([]string{"stop"}, []string{"stop"}, []string{"wake"}), "\n"),
			"wake is reached, but has no folder"},
	} {
		if !strings.Contains(c.problems, c.says) {
			t.Errorf("says %q, want %q", c.problems, c.says)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "functions", "stop", "lambda", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string][2]string{
		`stop starts itself as ["start"]`: {`Start("stop"`, `Start("start"`},
		"stop starts itself as []":        {`handler.Start("stop", settings.Load, stop.Wire)`, ""},
		"stop wires start":                {`"goldsmith/functions/stop"`, `"goldsmith/functions/start"`},
		"stop does not wire itself":       {`	"goldsmith/functions/stop"` + "\n", ""},
		"stop begins with":                {"wires function stop", "wires function start"},
		"stop is wired in":                {"package main\n", "package main\n" + strings.Repeat("\n", longest)},
		"expected":                        {"func main()", "func main("},
	} {
		changed := strings.Replace(string(text), change[0], change[1], 1)
		if got := strings.Join(wiring("stop", changed), "\n"); !strings.Contains(got, says) {
			t.Errorf("says %q, want %q", got, says)
		}
	}
}

// The rules on errors and fields would be worth nothing if the code they look
// at were not found.
func TestCodeIsRead(t *testing.T) {
	if got := fmt.Sprint(code().faults()); got != "[Failed NoCapacity NotYet Reached Transient]" {
		t.Errorf("package fault has types %s", got)
	}
	if made()["Missing"] {
		t.Error("some code makes a fault.Missing")
	}
	for of, want := range map[[2]string]string{
		{"shared/job", "Decision"}: "[image register skip stop wait]",
		{"shared/job", "For"}:      "[available booted cloned copied refreshed running snapshotted stopped]",
		{"shared/plan", "Restart"}: "[available snapshotted]",
		{"shared/plan", "Outcome"}: "[failed ok partial]",
		{"shared/job", "Missing"}:  "[]",
	} {
		if got := fmt.Sprint(code().constants(of[0], of[1])); got != want {
			t.Errorf("%s has constants %s, want %s", of, got, want)
		}
	}
	if got := code().signature("stop"); got != "handler.Func[job.Job, job.Job]" {
		t.Errorf("stop is a %q", got)
	}
}

// Commands are run by the document that is deployed.
func TestTheDocumentOfCommands(t *testing.T) {
	if command.Document != workflow.Command {
		t.Errorf("commands are run by %s, and %s is deployed", command.Document, workflow.Command)
	}
}
