package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

func (f *finder) block(list []ast.Stmt, results []types.Type) {
	for _, s := range list {
		f.statement(s, results)
	}
}

// statement puts a switch around what can be left out, and goes on inside.
func (f *finder) statement(s ast.Stmt, results []types.Type) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		if text := f.text(s); !strings.HasPrefix(text, "handler.Log(") && !strings.HasPrefix(text, "log.") {
			f.removable(s)
			f.inside(s, results)
		}
	case *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt, *ast.BranchStmt:
		f.removable(s)
		f.inside(s, results)
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE && !blank(s) {
			f.removable(s)
		}
		f.inside(s, results)
	case *ast.ReturnStmt:
		f.returned(s, results)
	default:
		f.compound(s, results)
	}
}

// compound is a statement that holds others.
func (f *finder) compound(s ast.Stmt, results []types.Type) {
	switch s := s.(type) {
	case *ast.IfStmt:
		f.ifs(s, results)
	case *ast.ForStmt:
		f.loop(s, s.Body, results, s.Init, s.Post)
	case *ast.RangeStmt:
		f.inside(s.X, results)
		f.loop(s, s.Body, results)
	case *ast.LabeledStmt:
		f.labeled(s, results)
	case *ast.BlockStmt:
		f.block(s.List, results)
	default:
		f.switches(s, results)
	}
}

// labeled is a loop that others inside it continue: the label has to stay where it is.
func (f *finder) labeled(s *ast.LabeledStmt, results []types.Type) {
	switch loop := s.Stmt.(type) {
	case *ast.ForStmt:
		f.block(loop.Body.List, results)
	case *ast.RangeStmt:
		f.inside(loop.X, results)
		f.block(loop.Body.List, results)
	default:
		f.statement(s.Stmt, results)
	}
}

func (f *finder) ifs(s *ast.IfStmt, results []types.Type) {
	if s.Init != nil {
		f.inside(s.Init, results)
	}
	f.condition(s.Cond, results)
	f.guarded([]ast.Expr{s.Cond}, func() { f.block(s.Body.List, results) })
	if s.Else != nil {
		f.statement(s.Else, results)
	}
}

func (f *finder) switches(s ast.Stmt, results []types.Type) {
	switch s := s.(type) {
	case *ast.SwitchStmt:
		if s.Init != nil {
			f.inside(s.Init, results)
		}
		if s.Tag != nil {
			f.inside(s.Tag, results)
		}
		for _, c := range s.Body.List {
			f.branch(c.(*ast.CaseClause), s.Tag == nil, results)
		}
	case *ast.TypeSwitchStmt:
		for _, c := range s.Body.List {
			f.branch(c.(*ast.CaseClause), false, results)
		}
	case *ast.SelectStmt:
		for _, c := range s.Body.List {
			f.block(c.(*ast.CommClause).Body, results)
		}
	default:
	}
}

// branch is a case: its conditions when it has some, and else its whole body.
func (f *finder) branch(c *ast.CaseClause, conditions bool, results []types.Type) {
	for _, e := range c.List {
		if conditions {
			f.condition(e, results)
		}
	}
	if !conditions && len(c.Body) > 0 && c.List != nil {
		if last, ok := c.Body[len(c.Body)-1].(*ast.BranchStmt); !ok || last.Tok != token.FALLTHROUGH {
			id := f.add(c.Body[0], "case "+kindRemoved)
			f.around(f.offset(c.Body[0].Pos()), f.offset(c.Body[len(c.Body)-1].End()),
				fmt.Sprintf("if !mutantOn(%d) { ", id), " }")
		}
	}
	if !conditions {
		f.block(c.Body, results)
		return
	}
	f.guarded(c.List, func() { f.block(c.Body, results) })
}

func (f *finder) removable(s ast.Stmt) {
	if b, ok := s.(*ast.BranchStmt); ok && b.Tok != token.CONTINUE && b.Tok != token.BREAK {
		return
	}
	f.around(f.offset(s.Pos()), f.offset(s.End()), fmt.Sprintf("if !mutantOn(%d) { ", f.add(s, kindRemoved)), " }")
}

// loop ends a loop after its first round: of pages only the first is read.
func (f *finder) loop(s ast.Stmt, body *ast.BlockStmt, results []types.Type, heads ...ast.Stmt) {
	for _, h := range heads {
		if h != nil {
			f.inside(h, results)
		}
	}
	if loop, ok := s.(*ast.ForStmt); ok && loop.Cond != nil {
		f.operands(loop.Cond, results)
	}
	id := f.add(head{s, body.Lbrace}, kindOnce)
	at := f.offset(body.Lbrace) + 1
	f.around(f.offset(s.Pos()), f.offset(s.End()), "{ mutantRounds := 0; ", " }")
	f.opens[at] = append(f.opens[at], fmt.Sprintf(" if mutantRounds++; mutantRounds > 1 && mutantOn(%d) { break }; ", id))
	f.block(body.List, results)
}

// head is a statement up to its body.
type head struct {
	ast.Stmt
	end token.Pos
}

func (h head) End() token.Pos { return h.end }

func blank(s *ast.AssignStmt) bool {
	id, ok := s.Lhs[0].(*ast.Ident)
	return ok && id.Name == "_" && len(s.Lhs) == 1
}

// returned changes what a function answers.
func (f *finder) returned(s *ast.ReturnStmt, results []types.Type) {
	if len(s.Results) == 0 {
		f.removable(s)
		return
	}
	fails := len(s.Results) > 1 && f.fails(s.Results[len(s.Results)-1])
	for i, e := range s.Results {
		if len(s.Results) != len(results) || fails && i < len(s.Results)-1 {
			f.inside(e, results)
			continue
		}
		f.value(e, results[i], results)
	}
}

// fails reports whether the expression is an error for certain: what is returned beside it is not looked at.
func (f *finder) fails(e ast.Expr) bool {
	if t := f.info.TypeOf(e); t == nil || !types.Implements(t, errorType) {
		return false
	}
	switch x := e.(type) {
	case *ast.UnaryExpr:
		return x.Op == token.AND
	case *ast.Ident:
		return f.failed[x.Name] > 0
	case *ast.CallExpr:
		switch f.text(x.Fun) {
		case "fmt.Errorf", "errors.New", "fault.Failure":
			return true
		}
	}
	return false
}

var errorType = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

// guarded goes through what is done only when the condition holds.
func (f *finder) guarded(conditions []ast.Expr, body func()) {
	var names []string
	for _, c := range conditions {
		ast.Inspect(c, func(n ast.Node) bool {
			x, ok := n.(*ast.BinaryExpr)
			if !ok || x.Op != token.NEQ {
				return !ok || x.Op == token.LAND
			}
			if id, isName := x.X.(*ast.Ident); isName && f.info.Types[x.Y].IsNil() {
				names = append(names, id.Name)
			}
			return false
		})
	}
	for _, n := range names {
		f.failed[n]++
	}
	body()
	for _, n := range names {
		f.failed[n]--
	}
}

// value changes an expression that becomes a value of that type.
func (f *finder) value(e ast.Expr, t types.Type, results []types.Type) {
	if basic, ok := t.Underlying().(*types.Basic); ok && basic.Info()&types.IsBoolean != 0 {
		f.boolean(e, results)
		return
	}
	if text := f.typeText(t, e.Pos()); text != "" && !f.zero(e) {
		f.wrap(e, "Zero[%s](%d, ", text, f.add(e, kindZero))
	}
	f.inside(e, results)
}

// zero reports whether the expression is a zero value as it is.
func (f *finder) zero(e ast.Expr) bool {
	tv := f.info.Types[e]
	if tv.IsNil() {
		return true
	}
	if tv.Value != nil {
		text := tv.Value.ExactString()
		return text == "0" || text == `""` || text == "false"
	}
	lit, ok := e.(*ast.CompositeLit)
	return ok && len(lit.Elts) == 0
}
