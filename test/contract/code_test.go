package contract

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	gotypes "go/types"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const root = "../.."

// sources are the project's own Go files, tests left out, by path from the root.
type sources map[string]*ast.File

// code is what functions and shared are written in, read once.
var code = sync.OnceValue(func() sources {
	read, err := readSources("functions", "shared")
	if err != nil {
		panic(err)
	}
	return read
})

func readSources(rooms ...string) (sources, error) {
	read := sources{}
	for _, room := range rooms {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, path)
			read[filepath.ToSlash(name)] = file
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", room, err)
		}
	}
	return read, nil
}

// in are the files of one folder.
func (s sources) in(folder string) []*ast.File {
	var files []*ast.File
	for path, file := range s {
		if filepath.ToSlash(filepath.Dir(path)) == folder {
			files = append(files, file)
		}
	}
	return files
}

// faults are the error types of package fault.
func (s sources) faults() []string {
	var names []string
	for _, file := range s.in("shared/fault") {
		for _, declared := range file.Decls {
			method, ok := declared.(*ast.FuncDecl)
			if ok && method.Recv != nil && method.Name.Name == "Error" {
				names = append(names, strings.TrimPrefix(gotypes.ExprString(method.Recv.List[0].Type), "*"))
			}
		}
	}
	slices.Sort(names)
	return names
}

// made are the types of package fault that some code makes a value of.
var made = sync.OnceValue(func() map[string]bool {
	found := map[string]bool{}
	for path, file := range code() {
		inside := strings.HasPrefix(path, "shared/fault/")
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok || literal.Type == nil {
				return true
			}
			name, qualified := strings.CutPrefix(gotypes.ExprString(literal.Type), "fault.")
			if inside || qualified {
				found[name] = true
			}
			return true
		})
	}
	return found
})

// constants are the values of a folder's constants of a string type.
func (s sources) constants(folder, of string) []string {
	var values []string
	for _, file := range s.in(folder) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Type == nil || gotypes.ExprString(spec.Type) != of {
				return true
			}
			for _, value := range spec.Values {
				if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						panic(err) // The parser has just accepted it.
					}
					values = append(values, text)
				}
			}
			return true
		})
	}
	slices.Sort(values)
	return values
}

// signature is what the wiring of a function says it is.
func (s sources) signature(function string) string {
	file := s["functions/"+function+"/wire.go"]
	if file == nil {
		return ""
	}
	for _, declared := range file.Decls {
		if wire, ok := declared.(*ast.FuncDecl); ok && wire.Name.Name == "Wire" && wire.Type.Results != nil {
			return gotypes.ExprString(wire.Type.Results.List[0].Type)
		}
	}
	return ""
}
