package steptest

import (
	"fmt"
	"reflect"
	"strings"

	"pgregory.net/rapid"
)

// required are the fields that the SDK wants of every request.
var required = map[string]bool{"Type": true, "VCpuCount": true, "MemoryMiB": true, "Min": true, "CpuCredits": true}

// Fill sets some fields of a value of the SDK's types, which ones being the test's draw. What the SDK wants of
// every request is always given.
func Fill(r *rapid.T, v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Pointer:
		if required[name[strings.LastIndex(name, ".")+1:]] || rapid.Bool().Draw(r, name) {
			v.Set(reflect.New(v.Type().Elem()))
			Fill(r, v.Elem(), name)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				Fill(r, v.Field(i), name+"."+field.Name)
			}
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 2).Draw(r, name)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			Fill(r, v.Index(i), fmt.Sprintf("%s[%d]", name, i))
		}
	default:
		fillScalar(r, v, name)
	}
}

func fillScalar(r *rapid.T, v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.String:
		if strings.HasSuffix(name, ".UserData") { // Base64, or EC2 refuses it.
			v.SetString(rapid.StringMatching(`([a-z0-9]{4}){1,3}`).Draw(r, name))
			return
		}
		v.SetString(rapid.StringMatching(`[a-z0-9]{1,4}`).Draw(r, name))
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(rapid.IntRange(0, 9).Draw(r, name)))
	case reflect.Float64:
		v.SetFloat(float64(rapid.IntRange(0, 9).Draw(r, name)))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(r, name))
	default:
		r.Fatalf("no value is known for %s, a %s", name, v.Type())
	}
}
