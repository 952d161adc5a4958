package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
)

// condition is always true, or always false, and so are the parts that it is joined of.
func (f *finder) condition(e ast.Expr, results []types.Type) {
	yes := f.add(e, kindTrue)
	f.wrap(e, "Bool(%d, %d, ", yes, f.add(e, kindFalse))
	f.operands(e, results)
}

// operands leaves out one operand of && or ||.
func (f *finder) operands(e ast.Expr, results []types.Type) {
	switch x := e.(type) {
	case *ast.ParenExpr:
		f.operands(x.X, results)
		return
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			f.operands(x.X, results)
			return
		}
	case *ast.BinaryExpr:
		if x.Op == token.LAND || x.Op == token.LOR {
			for _, o := range []ast.Expr{x.X, x.Y} {
				f.operand(o, x.Op, results)
			}
			return
		}
	}
	f.inside(e, results)
}

func (f *finder) operand(e ast.Expr, op token.Token, results []types.Type) {
	// What && is joined of is left out by true, what || is joined of by false.
	if op == token.LAND {
		f.wrap(e, "Bool(%d, 0, ", f.add(e, kindTrue))
	} else {
		f.wrap(e, "Bool(0, %d, ", f.add(e, kindFalse))
	}
	f.operands(e, results)
}

// boolean is a value: a literal becomes the opposite, anything else is a condition.
func (f *finder) boolean(e ast.Expr, results []types.Type) {
	if tv := f.info.Types[e]; tv.Value != nil {
		f.wrap(e, "Flip(%d, ", f.add(e, kindFlip))
		return
	}
	f.condition(e, results)
}

// inside looks for more in what is no condition and no returned value.
func (f *finder) inside(n ast.Node, results []types.Type) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			f.body(x.Body, x.Type)
			return false
		case *ast.CompositeLit:
			return f.literal(x, results)
		case *ast.CallExpr:
			return f.call(x)
		case *ast.BinaryExpr:
			return f.binary(x, results)
		}
		return true
	})
}

// literal leaves out the fields of a struct.
func (f *finder) literal(x *ast.CompositeLit, results []types.Type) bool {
	if _, ok := f.info.TypeOf(x).Underlying().(*types.Struct); !ok {
		if p, isPointer := f.info.TypeOf(x).Underlying().(*types.Pointer); !isPointer {
			return true
		} else if _, ok = p.Elem().Underlying().(*types.Struct); !ok {
			return true
		}
	}
	for _, e := range x.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			f.inside(e, results)
			continue
		}
		field, _ := f.info.Uses[pair.Key.(*ast.Ident)].(*types.Var)
		if field == nil {
			f.inside(pair.Value, results)
			continue
		}
		f.value(pair.Value, field.Type(), results)
	}
	return false
}

// call turns boolean literals among the arguments, and moments that are compared.
func (f *finder) call(x *ast.CallExpr) bool {
	for _, a := range x.Args {
		if id, ok := a.(*ast.Ident); ok && (id.Name == "true" || id.Name == "false") {
			f.wrap(id, "Flip(%d, ", f.add(x, kindFlip))
		}
	}
	if method, ok := x.Fun.(*ast.SelectorExpr); ok && len(x.Args) == 1 && f.compares(method) {
		f.opensAt(x.Pos(), method.Sel.Name, f.add(x, kindBoundary))
		f.replaced[f.offset(method.X.End())] = replacement{until: f.offset(x.Lparen) + 1, text: ", "}
	}
	return true
}

// compares reports whether it is Before or After of a moment.
func (f *finder) compares(method *ast.SelectorExpr) bool {
	t := f.info.TypeOf(method.X)
	return t != nil && t.String() == "time.Time" && (method.Sel.Name == "Before" || method.Sel.Name == "After")
}

func (f *finder) opensAt(p token.Pos, name string, id int) {
	at := f.offset(p)
	f.opens[at] = append(f.opens[at], "mutant"+name+"("+strconv.Itoa(id)+", ")
}

// binary changes a comparison at its boundary, a sum, and the number in either.
func (f *finder) binary(x *ast.BinaryExpr, results []types.Type) bool {
	if x.Op == token.LAND || x.Op == token.LOR {
		f.operands(x, results)
		return false
	}
	text := ""
	if operand := f.operandType(x); operand != nil && f.info.Types[x].Value == nil {
		text = f.typeText(operand, x.Pos())
	}
	if text != "" {
		f.operator(x, text)
	}
	for _, o := range []ast.Expr{x.X, x.Y} {
		if lit, ok := o.(*ast.BasicLit); ok && lit.Kind == token.INT && text != "" {
			f.wrap(lit, "More[%s](%d, ", text, f.add(x, kindMore))
			continue
		}
		f.inside(o, results)
	}
	return false
}

// operator changes what is done with the operands, which are of that type.
func (f *finder) operator(x *ast.BinaryExpr, text string) {
	switch x.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		f.replaceOp(x, "mutantCompare["+text+"]("+strconv.Itoa(f.add(x, kindBoundary))+`, "`+x.Op.String()+`", `)
	case token.ADD, token.SUB:
		if basic, ok := f.info.TypeOf(x).Underlying().(*types.Basic); ok && basic.Info()&types.IsNumeric != 0 {
			f.replaceOp(x, "mutantSum["+text+"]("+strconv.Itoa(f.add(x, kindMinus))+`, "`+x.Op.String()+`", `)
		}
	default: // What else there is to do with operands stays.
	}
}

func (f *finder) replaceOp(x *ast.BinaryExpr, open string) {
	f.around(f.offset(x.Pos()), f.offset(x.End()), open, ")")
	at := f.offset(x.OpPos)
	f.replaced[at] = replacement{until: at + len(x.Op.String()), text: ","}
}

// operandType is the type of what is compared or added: a literal takes the other's.
func (f *finder) operandType(x *ast.BinaryExpr) types.Type {
	for _, o := range []ast.Expr{x.X, x.Y} {
		if tv := f.info.Types[o]; tv.Value == nil && tv.Type != nil {
			return tv.Type
		}
	}
	return nil
}
