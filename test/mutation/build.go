package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// switches is what the changed package is given: a switch of each kind.
//
//go:embed switches.go.txt
var switches string

// wiring is the file in which a function is put together: every night runs it, and no test of its package.
const wiring = "wire.go"

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, Name, Export string
	GoFiles                       []string
}

// list asks the go command, with the export data of what the package imports.
func list(pkg string) (self listed, exports map[string]string, err error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Name,Export,GoFiles", pkg) //nolint:noctx // it takes a second
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return self, nil, fmt.Errorf("listing %s: %w", pkg, err)
	}
	exports = map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); err == io.EOF {
			return self, exports, nil
		} else if err != nil {
			return self, nil, err
		}
		exports[l.ImportPath], self = l.Export, l // the package itself comes last
	}
}

// instrument finds the mutants of a package, and writes its files with their switches, and the overlay that
// builds them, into a folder.
func instrument(pkg, into string) ([]Mutant, string, error) {
	self, exports, err := list(pkg)
	if err != nil {
		return nil, "", err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range self.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(self.Dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, "", err
		}
		files = append(files, file)
	}
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Scopes: map[ast.Node]*types.Scope{},
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc",
		func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	checked, err := conf.Check(self.ImportPath, fset, files, info)
	if err != nil {
		return nil, "", err
	}
	overlay := map[string]string{}
	var mutants []Mutant
	next := 0
	for i, file := range files {
		if self.GoFiles[i] == wiring {
			continue
		}
		path := filepath.Join(self.Dir, self.GoFiles[i])
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, "", err
		}
		f := &finder{
			fset: fset, pkg: checked, info: info, file: file, name: self.GoFiles[i], src: src, next: &next,
			failed: map[string]int{},
			edits:  edits{opens: map[int][]string{}, closes: map[int][]string{}, replaced: map[int]replacement{}},
		}
		f.find()
		mutants = append(mutants, f.mutants...)
		overlay[path] = filepath.Join(into, self.GoFiles[i])
		if err := os.WriteFile(overlay[path], f.apply(src), 0o600); err != nil {
			return nil, "", err
		}
	}
	return mutants, filepath.Join(into, "overlay.json"), write(self, into, overlay)
}

func write(self listed, into string, overlay map[string]string) error {
	extra := filepath.Join(self.Dir, "zz_mutants.go")
	overlay[extra] = filepath.Join(into, "zz_mutants.go")
	if err := os.WriteFile(overlay[extra], []byte(strings.Replace(switches, "%s", self.Name, 1)), 0o600); err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, "overlay.json"), text, 0o600)
}
