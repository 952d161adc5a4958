package planfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"goldsmith/shared/plan"
)

const (
	// maxBytes is far above any real file; the parser takes quadratic time in the number of keys.
	maxBytes = 64 << 10
	// maxDepth is twice what a plan can use.
	maxDepth = 16
)

// document finds the one YAML document in a text. Without a body there are problems.
func document(text []byte) (ast.Node, []Problem) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	// Windows and old Mac line ends, so that lines are counted as an editor does.
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	if problems := unfit(text); len(problems) > 0 {
		return nil, problems
	}
	file, err := parseYAML(text)
	if err != nil {
		return nil, []Problem{syntax(err)}
	}
	var problems []Problem
	for i, doc := range file.Docs {
		if i > 0 && doc.Body != nil {
			problems = append(problems, at(doc.Body, "a second document begins here: the file holds one"))
		}
	}
	body := file.Docs[0].Body
	switch body.(type) {
	case nil, *ast.CommentGroupNode, *ast.NullNode:
		return nil, append(problems, problem(1, "the file is empty: it holds default, the name of a plan, and plans"))
	case *ast.DirectiveNode:
		return nil, []Problem{at(body, "YAML directives (%name) are not read: leave the line out")}
	}
	return body, problems
}

// unfit refuses what should not reach a YAML parser. Tabs are YAML's oldest
// trap, so they are told of by line.
func unfit(text []byte) []Problem {
	switch {
	case len(text) > maxBytes:
		return []Problem{problem(1, fmt.Sprintf("the file is longer than %d KiB", maxBytes>>10))}
	case !utf8.Valid(text):
		return []Problem{problem(1+bytes.Count(text[:invalid(text)], []byte("\n")), "the file is not UTF-8 text")}
	case nesting(text) > maxDepth:
		return []Problem{problem(1, "the file is nested deeper than any plan")}
	}
	var found []Problem
	for i, line := range strings.Split(string(text), "\n") {
		content := strings.TrimLeft(line, " \t")
		if strings.TrimSpace(content) != "" && strings.Contains(line[:len(line)-len(content)], "\t") {
			found = append(found, problem(i+1, "the line is indented with a tab: YAML wants spaces"))
		}
	}
	return found
}

func invalid(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}

// nesting counts the brackets, and the marks on one line, that open a level
// each, without reading YAML: a parser recurses for each of them.
func nesting(text []byte) int {
	depth, deepest, marks := 0, 0, 0
	for i, b := range text {
		switch {
		case b == '[' || b == '{':
			depth++
		case b == ']' || b == '}':
			depth = max(0, depth-1)
		case b == '\n':
			marks = 0
		case b == ' ' && i > 0 && bytes.IndexByte([]byte("-?:"), text[i-1]) >= 0:
			marks++
		}
		deepest = max(deepest, depth, marks)
	}
	return deepest
}

// parseYAML turns a panic of the parser into an error: it is fed by people.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	file, err = parser.ParseBytes(text, parser.ParseComments, parser.AllowDuplicateMapKey())
	if err == nil && len(file.Docs) == 0 {
		file.Docs = []*ast.DocumentNode{{}}
	}
	return file, err
}

func syntax(err error) Problem {
	var known yaml.Error
	if !errors.As(err, &known) || known.GetToken() == nil {
		return problem(1, "this is not YAML: "+err.Error())
	}
	hint := ""
	if strings.Contains(known.GetMessage(), "reserved character") {
		hint = ": put the text in quotes"
	}
	return problem(known.GetToken().Position.Line, "this is not YAML: "+known.GetMessage()+hint)
}

func at(node ast.Node, text string) Problem { return problem(lineOf(node), text) }

func problem(line int, text string) Problem {
	return Problem{Line: line, Problem: plan.Problem{Text: text}}
}

func lineOf(node ast.Node) int {
	if node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return 1
	}
	return node.GetToken().Position.Line
}
