package planfile

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"goldsmith/shared/plan"
)

// anyValue, alone in place of a selector's values, stands for every value.
const anyValue = "any"

// A reader carries a YAML tree into Go values by their JSON names, and notes
// where everything was written and all that does not fit.
type reader struct {
	lines    map[string]int
	problems []Problem
}

// line is where a path was written, or the nearest thing above it.
func (r *reader) line(path string) int {
	for path != "" {
		if line, ok := r.lines[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 1
}

func (r *reader) add(node ast.Node, path, text string, args ...any) {
	path = strings.TrimPrefix(path, "plans.")
	r.problems = append(r.problems, Problem{lineOf(node), plan.Problem{Path: path, Text: fmt.Sprintf(text, args...)}})
}

// plans reads the file's two keys; a plan's own begin as the defaults.
func (r *reader) plans(body ast.Node, into *plan.Plans) {
	r.entries("", body, func(key string, node ast.Node) {
		switch key {
		case "default":
			r.value(key, node, reflect.ValueOf(&into.Default).Elem())
		case "plans":
			into.Plans = map[string]plan.Plan{}
			r.entries(key, node, func(name string, node ast.Node) {
				r.lines[name] = r.lines[join(key, name)]
				into.Plans[name] = r.plan(name, node)
			})
		default:
			r.unknown("", key, []string{"default", "plans"})
		}
	})
	if _, ok := body.(*ast.MappingNode); ok && into.Plans == nil {
		r.add(body, "plans", "is missing: it holds the plans by name")
	}
}

func (r *reader) plan(name string, node ast.Node) plan.Plan {
	p := plan.Default()
	p.Name = name
	if node.Type() == ast.NullType {
		r.add(node, name, "has no value: write {} for a plan with every default")
		return p
	}
	r.value(name, node, reflect.ValueOf(&p).Elem())
	return p
}

// value reads a node into a Go value of any kind that a plan is made of.
func (r *reader) value(path string, node ast.Node, into reflect.Value) {
	switch {
	case r.refused(path, node):
	case into.Addr().Type().Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		r.text(path, node, into.Addr().Interface().(encoding.TextUnmarshaler)) //nolint:forcetypeassert // asked just above.
	case into.Type() == reflect.TypeFor[map[string][]string]() && strings.Contains(path, ".sources."):
		r.selection(path, node, into)
	default:
		r.kind(path, node, into)
	}
}

func (r *reader) kind(path string, node ast.Node, into reflect.Value) {
	switch into.Kind() {
	case reflect.Struct:
		r.structure(path, node, into)
	case reflect.Map:
		r.mapping(path, node, into)
	case reflect.Slice:
		r.list(path, node, into)
	case reflect.String:
		r.string(path, node, into)
	case reflect.Int:
		r.int(path, node, into)
	case reflect.Bool:
		r.bool(path, node, into)
	case reflect.Pointer: // What is not said differs from false.
		into.Set(reflect.New(into.Type().Elem()))
		r.value(path, node, into.Elem())
	default:
		r.add(node, path, "cannot be written in a plan")
	}
}

// refused tells of the parts of YAML that plans do without, and of missing values.
func (r *reader) refused(path string, node ast.Node) bool {
	switch n := node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		r.add(node, path, "anchors and aliases (&name, *name, <<) are not read: write the value out, in quotes if it is text")
	case *ast.TagNode:
		r.add(node, path, "YAML tags (!name) are not read: write plain text, in quotes if it begins with !")
	case *ast.NullNode:
		hint := ""
		if n.GetComment() != nil {
			hint = " (a # begins a comment: text with one stands in quotes)"
		}
		r.add(node, path, "has no value: give one, or leave the key out%s", hint)
	case nil:
		r.add(node, path, "has no value: give one, or leave the key out")
	default:
		return false
	}
	return true
}

// entries calls each for every key of a mapping, and tells of a key given twice.
func (r *reader) entries(path string, node ast.Node, each func(key string, value ast.Node)) {
	if r.refused(path, node) {
		return
	}
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		r.add(node, path, "want keys and values, found %s", describe(node))
		return
	}
	for _, entry := range mapping.Values {
		key, ok := r.key(path, entry.Key)
		if !ok {
			continue
		}
		at := join(path, key)
		if first, twice := r.lines[at]; twice {
			r.add(entry.Key, at, "is given twice, first on line %d", first)
			continue
		}
		r.lines[at] = lineOf(entry.Key)
		each(key, entry.Value)
	}
}

func (r *reader) key(path string, node ast.MapKeyNode) (string, bool) {
	if node.IsMergeKey() {
		return "", !r.refused(join(path, "<<"), &ast.MergeKeyNode{Token: node.GetToken()})
	}
	if key, ok := text(node); ok {
		return key, true
	}
	if !r.refused(path, node) {
		r.add(node, path, "a key is plain text, not %s", describe(node))
	}
	return "", false
}

func (r *reader) structure(path string, node ast.Node, into reflect.Value) {
	fields := fieldsOf(into.Type())
	r.entries(path, node, func(key string, value ast.Node) {
		i := slices.Index(fields, key)
		if i < 0 {
			r.unknown(path, key, fields)
			return
		}
		r.value(join(path, key), value, into.Field(i))
	})
}

func (r *reader) unknown(path, key string, known []string) {
	at := join(path, key)
	known = slices.DeleteFunc(slices.Clone(known), func(k string) bool { return k == "" })
	hint := "known are " + strings.Join(known, ", ")
	if near, ok := plan.Nearest(key, known); ok {
		hint = "did you mean " + near + "?"
	}
	r.problems = append(r.problems, Problem{r.lines[at], plan.Problem{Path: at, Text: "no such key; " + hint}})
}

func (r *reader) mapping(path string, node ast.Node, into reflect.Value) {
	into.Set(reflect.MakeMap(into.Type()))
	r.entries(path, node, func(key string, value ast.Node) {
		element := reflect.New(into.Type().Elem()).Elem()
		r.value(join(path, key), value, element)
		into.SetMapIndex(reflect.ValueOf(key), element)
	})
}

// selection is a mapping from tag keys to values, where "any" alone means every value.
func (r *reader) selection(path string, node ast.Node, into reflect.Value) {
	tags := map[string][]string{}
	r.entries(path, node, func(key string, value ast.Node) {
		values := []string{}
		if word, ok := text(value); !ok || word != anyValue {
			r.value(join(path, key), value, reflect.ValueOf(&values).Elem())
		}
		tags[key] = values
	})
	into.Set(reflect.ValueOf(tags))
}

// list reads a sequence, or a single value as a sequence of one.
func (r *reader) list(path string, node ast.Node, into reflect.Value) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		list := reflect.MakeSlice(into.Type(), 1, 1)
		at := path
		if _, ok := node.(*ast.MappingNode); ok && into.Type().Elem().Kind() == reflect.Struct {
			at += "[0]" // Whoever checks a list looks for its keys there.
		}
		r.value(at, node, list.Index(0))
		into.Set(list)
		return
	}
	if len(sequence.Values) == 0 {
		r.add(node, path, "is an empty list: leave the key out%s", emptyHint(path))
		return
	}
	list := reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values))
	for i, item := range sequence.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.lines[at] = lineOf(item)
		r.value(at, item, list.Index(i))
	}
	into.Set(list)
}

func emptyHint(path string) string {
	if strings.Contains(path, ".sources.tags.") || strings.Contains(path, ".sources.exclude.") {
		return ", or write any for every value"
	}
	return ""
}

// fieldsOf are the keys of a struct in the order of its fields; "" for one that is not written.
func fieldsOf(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		if t.Field(i).Tag.Get("yaml") != "-" {
			names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
		}
	}
	return names
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
