package planfile

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// text is a scalar that YAML takes for text.
func text(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	default:
		return "", false
	}
}

// written is any scalar as it stands in the file.
func written(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	default:
		return text(node)
	}
}

// describe names what was found, for "want ..., found ...".
func describe(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + node.GetToken().Value
	case *ast.BoolNode:
		return node.GetToken().Value
	}
	if value, ok := text(node); ok {
		return fmt.Sprintf("the text %q", shorten(value))
	}
	return "something else"
}

// shorten keeps a message on one line of a terminal.
func shorten(value string) string {
	const longest = 60
	if runes := []rune(value); len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return value
}

func (r *reader) text(path string, node ast.Node, into encoding.TextUnmarshaler) {
	value, ok := written(node)
	if !ok {
		r.add(node, path, "want one value, found %s", describe(node))
		return
	}
	if err := into.UnmarshalText([]byte(value)); err != nil {
		r.add(node, path, "%v", err)
	}
}

func (r *reader) string(path string, node ast.Node, into reflect.Value) {
	value, ok := text(node)
	as, scalar := written(node)
	switch {
	case ok && strings.TrimSpace(value) == "" && !isTag(path):
		r.add(node, path, "is empty: give a value, or leave the key out")
	case ok:
		into.SetString(value)
	case scalar:
		r.add(node, path, "want text, found %s: put it in quotes, %q", describe(node), as)
	default:
		r.add(node, path, "want text, found %s", describe(node))
	}
}

// isTag reports whether a path holds a tag's value, which may be empty.
func isTag(path string) bool {
	return strings.Contains(path, ".sources.tags.") || strings.Contains(path, ".sources.exclude.") ||
		strings.Contains(path, ".image.tags.")
}

func (r *reader) int(path string, node ast.Node, into reflect.Value) {
	if _, ok := node.(*ast.IntegerNode); ok {
		// Only plain digits: an octal 010 or a 1_000 is not what it looks like to everybody.
		if n, err := strconv.ParseInt(node.GetToken().Value, 10, 32); err == nil && plain(node.GetToken().Value) {
			into.SetInt(n)
			return
		}
	}
	r.add(node, path, "want a whole number, found %s", describe(node))
}

func plain(digits string) bool {
	return digits == "0" || !strings.HasPrefix(strings.TrimPrefix(digits, "-"), "0")
}

func (r *reader) bool(path string, node ast.Node, into reflect.Value) {
	value, ok := node.(*ast.BoolNode)
	if !ok {
		r.add(node, path, "want true or false, found %s", describe(node))
		return
	}
	into.SetBool(value.Value)
}
