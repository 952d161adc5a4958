package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"strings"
)

// Mutant is one change of a package.
type Mutant struct {
	ID   int    `json:"id"`
	File string `json:"file"`
	Line int    `json:"line"`
	// Func is the function it is in, Kind what is changed, Text the source of it.
	Func string `json:"func"`
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Key names a mutant across edits that move lines.
func (m Mutant) Key() string { return m.File + " " + m.Func + " " + m.Kind + " " + m.Text }

// What is changed.
const (
	kindTrue     = "always true"
	kindFalse    = "always false"
	kindBoundary = "other at the boundary"
	kindMinus    = "plus and minus swapped"
	kindMore     = "one more"
	kindRemoved  = "left out"
	kindOnce     = "only the first round"
	kindZero     = "zero value"
	kindFlip     = "the opposite"
)

// edits are texts to be put into one file, by offset.
type edits struct {
	opens, closes map[int][]string
	replaced      map[int]replacement
}

type replacement struct {
	until int
	text  string
}

func (e *edits) around(from, to int, open, closing string) {
	e.opens[from] = append(e.opens[from], open)
	e.closes[to] = append([]string{closing}, e.closes[to]...)
}

// apply is the file with all edits.
func (e *edits) apply(src []byte) []byte {
	var b strings.Builder
	for i := 0; i <= len(src); i++ {
		for _, s := range e.closes[i] {
			b.WriteString(s)
		}
		for _, s := range e.opens[i] {
			b.WriteString(s)
		}
		if r, ok := e.replaced[i]; ok {
			b.WriteString(r.text)
			i = r.until - 1
			continue
		}
		if i < len(src) {
			b.WriteByte(src[i])
		}
	}
	return []byte(b.String())
}

// finder puts switches into one file.
type finder struct {
	fset *token.FileSet
	pkg  *types.Package
	info *types.Info
	file *ast.File
	name string
	src  []byte
	edits
	next    *int
	mutants []Mutant
	in      string
	// failed are errors that are not nil where the finder is, by name.
	failed map[string]int
}

func (f *finder) offset(p token.Pos) int { return f.fset.Position(p).Offset }

func (f *finder) text(n ast.Node) string {
	return strings.Join(strings.Fields(string(f.src[f.offset(n.Pos()):f.offset(n.End())])), " ")
}

// add notes a mutant and returns its number.
func (f *finder) add(n ast.Node, kind string) int {
	text := f.text(n)
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	*f.next++
	f.mutants = append(f.mutants, Mutant{
		ID: *f.next, File: f.name, Line: f.fset.Position(n.Pos()).Line, Func: f.in, Kind: kind, Text: text,
	})
	return *f.next
}

func (f *finder) wrap(n ast.Node, call string, args ...any) {
	f.around(f.offset(n.Pos()), f.offset(n.End()), fmt.Sprintf("mutant"+call, args...), ")")
}

// find goes through every function of the file.
func (f *finder) find() {
	for _, d := range f.file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		f.in = fn.Name.Name
		if fn.Recv != nil {
			f.in = strings.TrimPrefix(f.text(fn.Recv.List[0].Type), "*") + "." + f.in
		}
		f.body(fn.Body, fn.Type)
	}
}

// body is that of a function or of a literal: what a removed statement leaves behind still has to end.
func (f *finder) body(b *ast.BlockStmt, t *ast.FuncType) {
	if t.Results != nil && len(b.List) > 0 {
		if _, returns := b.List[len(b.List)-1].(*ast.ReturnStmt); !returns {
			end := f.offset(b.Rbrace)
			f.opens[end] = append(f.opens[end], `; panic("mutant") `)
		}
	}
	f.block(b.List, f.results(t))
}

// results are the types that a function returns.
func (f *finder) results(t *ast.FuncType) []types.Type {
	var all []types.Type
	if t.Results == nil {
		return nil
	}
	for _, r := range t.Results.List {
		for range max(1, len(r.Names)) {
			all = append(all, f.info.TypeOf(r.Type))
		}
	}
	return all
}

// unwritable is in what no other code can write: a name that only its own package can, and what has no name.
var unwritable = regexp.MustCompile(`\w\.[a-z]|untyped|invalid type|struct\{`)

// typeText is how the type is written at that place; empty when it cannot be.
func (f *finder) typeText(t types.Type, at token.Pos) string {
	ok := true
	text := types.TypeString(t, func(p *types.Package) string {
		if p == f.pkg {
			return ""
		}
		name := f.imported(p.Path())
		scope := f.pkg.Scope().Innermost(at)
		if name == "" || scope == nil {
			ok = false
			return ""
		}
		if _, o := scope.LookupParent(name, at); o != nil {
			if _, isPackage := o.(*types.PkgName); !isPackage {
				ok = false
			}
		}
		return name
	})
	if !ok || unwritable.MatchString(text) {
		return ""
	}
	return text
}

func (f *finder) imported(path string) string {
	for _, i := range f.file.Imports {
		if strings.Trim(i.Path.Value, `"`) != path {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return f.info.Implicits[i].Name()
	}
	return ""
}
