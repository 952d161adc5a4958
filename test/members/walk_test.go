package members

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// step is one level of a member's path: a field, or the only element of a list or map.
type step struct {
	field string
	kind  reflect.Kind // Struct for a field, Slice or Map for an element
}

// member is a value that an input type can hold, by its path.
type member struct {
	path []step
	typ  reflect.Type
	name string
}

// String is the member's name.
func (m member) String() string { return m.name }

// spelled is a path in the SDK's words: TagSpecifications[].Tags[].Key.
func spelled(path []step) string {
	var b strings.Builder
	for _, s := range path {
		switch s.kind {
		case reflect.Slice:
			b.WriteString("[]")
		case reflect.Map:
			b.WriteString("{}")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.field)
		}
	}
	return b.String()
}

// last is the name of the field the member is in.
func (m member) last() string {
	for i := len(m.path) - 1; i >= 0; i-- {
		if m.path[i].field != "" {
			return m.path[i].field
		}
	}
	return ""
}

// members are the values that a type can hold. A type within itself is left out: what it
// holds is listed once already.
func members(t reflect.Type) []member { return walk(t, nil, nil) }

func walk(t reflect.Type, path []step, within []reflect.Type) []member {
	t = plain(t)
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return walk(t.Elem(), extend(path, step{kind: reflect.Slice}), within)
	case t.Kind() == reflect.Map:
		return walk(t.Elem(), extend(path, step{kind: reflect.Map}), within)
	case t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]():
		return []member{{path, t, spelled(path)}}
	}
	for _, outer := range within {
		if outer == t {
			return nil
		}
	}
	var all []member
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			all = append(all, walk(f.Type, extend(path, step{
				field: f.Name, kind: reflect.Struct,
			}), extend(within, t))...)
		}
	}
	return all
}

func extend[T any](list []T, last T) []T { return append(list[:len(list):len(list)], last) }

func plain(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// set puts a value where the member is in input, a pointer to its type, making what leads
// there. What stands beside it stays.
func (m member) set(input reflect.Value, value any) {
	v := input.Elem()
	for i, s := range m.path {
		v = made(v)
		switch s.kind {
		case reflect.Slice:
			if v.Len() == 0 {
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			}
			v = v.Index(0)
		case reflect.Map:
			element := reflect.New(v.Type().Elem())
			member{path: m.path[i+1:], typ: m.typ}.set(element, value)
			if v.IsNil() {
				v.Set(reflect.MakeMap(v.Type()))
			}
			v.SetMapIndex(reflect.ValueOf("sample").Convert(v.Type().Key()), element.Elem())
			return
		default:
			v = v.FieldByName(s.field)
		}
	}
	put(v, value)
}

// at is what input, a pointer to the member's input type, holds where the member is; no value where nothing does.
func (m member) at(input reflect.Value) reflect.Value {
	v := input.Elem()
	for _, s := range m.path {
		if v = plainValue(v); !v.IsValid() {
			return v
		}
		switch s.kind {
		case reflect.Slice:
			if v.Len() == 0 {
				return reflect.Value{}
			}
			v = v.Index(0)
		case reflect.Map:
			return reflect.Value{}
		default:
			v = v.FieldByName(s.field)
		}
	}
	return plainValue(v)
}

// empty tells whether input says nothing where the member is.
func (m member) empty(input reflect.Value) bool {
	v := m.at(input)
	return !v.IsValid() || v.IsZero()
}

// has tells whether input holds the value where the member is.
func (m member) has(input reflect.Value, value any) bool {
	v, given := m.at(input), reflect.ValueOf(value)
	return !m.empty(input) && given.CanConvert(v.Type()) &&
		reflect.DeepEqual(v.Interface(), given.Convert(v.Type()).Interface())
}

// plainValue follows pointers; no value when one leads nowhere.
func plainValue(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v
}

// made follows pointers, making what they point to.
func made(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	return v
}

func put(v reflect.Value, value any) {
	v = made(v)
	given := reflect.ValueOf(value)
	if !given.CanConvert(v.Type()) {
		panic(fmt.Sprintf("%v for a %s", value, v.Type()))
	}
	v.Set(given.Convert(v.Type()))
}

// samples are values of the member's type: every value of an enumeration, or a few.
func (m member) samples() []any {
	switch values := reflect.New(m.typ).Elem().MethodByName("Values"); {
	case m.typ == reflect.TypeFor[time.Time]():
		return []any{time.Now().Add(time.Hour).Truncate(time.Second)}
	case m.typ == reflect.TypeFor[tabletypes.AttributeValue]():
		return []any{attribute("sample")}
	case values.IsValid():
		var all []any
		list := values.Call(nil)[0]
		for i := range list.Len() {
			all = append(all, list.Index(i).Interface())
		}
		return all
	}
	zero := reflect.Zero(m.typ)
	switch {
	case m.typ.Kind() == reflect.Bool:
		return []any{true, false}
	case zero.CanInt() || zero.CanFloat():
		return []any{1, 2, 5, 7, 50, 100, 3600}
	case m.typ == reflect.TypeFor[[]byte]():
		return []any{[]byte("sample")}
	case m.typ.Kind() == reflect.String:
		return []any{"sample"}
	}
	return nil
}
