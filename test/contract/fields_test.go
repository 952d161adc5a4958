package contract

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/claim"
	copying "goldsmith/functions/copy"
	"goldsmith/functions/hook"
	"goldsmith/functions/release"
	"goldsmith/functions/snapshot"
	"goldsmith/functions/verify"
	"goldsmith/functions/watch"
	"goldsmith/local/asl"
	"goldsmith/shared/job"
)

// document is the Go type of what flows through a scope.
func document(d *definition, scope *asl.Machine) reflect.Type {
	if scope == d.child {
		return reflect.TypeFor[job.Job]()
	}
	return reflect.TypeFor[job.Batch]()
}

// constants are the values that a field compared in a Choice may have.
func constants(of reflect.Type, path string) []string {
	if path == "$.image.state" {
		var states []string
		for _, s := range ec2types.ImageState("").Values() {
			states = append(states, string(s))
		}
		return states
	}
	folder := strings.TrimPrefix(of.PkgPath(), "goldsmith/")
	return code().constants(folder, of.Name())
}

// alwaysWritten are compared fields that JSON leaves out when empty, and why
// they never are: a Choice on a missing path raises States.Runtime, which no Catch catches.
var alwaysWritten = map[string]string{
	"$.decision":           "claim returns no job without a decision",
	"$.plan.restart":       "planfile fills in every choice, and plan.Decode refuses a plan without one",
	"$.image.state":        "the image step sets it, and stands before every state that compares it",
	"$.registering.copied": "function snapshot sets it unless it skips, which is asked before",
	"$.outcome":            "notify returns no page without an outcome",
}

// choices compare fields of the documents with values that those can have.
func choices(d *definition) []string {
	var problems []string
	for _, scope := range []*asl.Machine{d.run, d.child} {
		each(scope, func(s *asl.State) {
			rules, _ := d.states[s.Name]["Choices"].([]any)
			for _, entry := range rules {
				if problem := choice(document(d, scope), entry.(object)); problem != "" {
					problems = append(problems, s.Name+": "+problem)
				}
			}
			if s.WaitForToken {
				known := code().constants("shared/job", "For")
				if what := awaited(d, s); !slices.Contains(known, what) {
					problems = append(problems, fmt.Sprintf("%s waits for %q, which is none of %q", s.Name, what, known))
				}
			}
		})
	}
	return problems
}

// choice says what is wrong with one rule of a Choice; only the forms that the definition uses are known.
func choice(of reflect.Type, rule object) string {
	path, _ := rule["Variable"].(string)
	found, omitted, ok := field(of, path)
	if !ok {
		return fmt.Sprintf("%q is no field of %s", path, of)
	}
	if omitted && alwaysWritten[path] == "" {
		return path + " is left out of the JSON when it is empty"
	}
	if value, compares := rule["StringEquals"].(string); compares {
		if known := constants(found, path); !slices.Contains(known, value) {
			return fmt.Sprintf("%s is never %q; it can be %q", path, value, known)
		}
		return ""
	}
	if _, compares := rule["BooleanEquals"].(bool); compares {
		if found.Kind() != reflect.Bool {
			return fmt.Sprintf("%s is a %s, not a bool", path, found)
		}
		return ""
	}
	return fmt.Sprintf("compares %s in a way that is not checked here", path)
}

// field is the type that a path such as $.plan.restart leads to, and whether
// JSON may leave it out.
func field(of reflect.Type, path string) (found reflect.Type, omitted, ok bool) {
	names, ok := strings.CutPrefix(path, "$.")
	if !ok {
		return of, false, path == "$"
	}
	for _, name := range strings.Split(names, ".") {
		for of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		next, options, ok := member(of, name)
		if !ok {
			return nil, false, false
		}
		omitted = omitted || strings.Contains(options, "omit")
		of = next
	}
	return of, omitted, true
}

// member is the field of a struct that has a name in JSON.
func member(of reflect.Type, name string) (found reflect.Type, options string, ok bool) {
	if of.Kind() != reflect.Struct {
		return nil, "", false
	}
	for i := range of.NumField() {
		tagged, options, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if tagged == name {
			return of.Field(i).Type, options, true
		}
	}
	return nil, "", false
}

// members are the names of a struct's fields in JSON.
func members(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// paths lead to fields of the document, wherever a state names one.
func paths(d *definition) []string {
	var problems []string
	for _, scope := range []*asl.Machine{d.run, d.child} {
		each(scope, func(s *asl.State) {
			for _, path := range texts(without(d.states[s.Name], "ItemProcessor")) {
				if strings.HasPrefix(path, "$$") || !strings.HasPrefix(path, "$") {
					continue
				}
				if _, _, ok := field(document(d, scope), path); !ok {
					problems = append(problems, fmt.Sprintf("%s: %s leads to no field of %s", s.Name, path, document(d, scope)))
				}
			}
		})
	}
	return problems
}

func without(o object, key string) object {
	o = maps.Clone(o)
	delete(o, key)
	return o
}

// texts are all strings inside a value.
func texts(v any) []string {
	var all []string
	switch v := v.(type) {
	case string:
		all = append(all, v)
	case object:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, texts(v[key])...)
		}
	case []any:
		for _, member := range v {
			all = append(all, texts(member)...)
		}
	}
	return all
}

// inputTypes are those of functions that get more than the document.
var inputTypes = map[string]reflect.Type{
	"claim": reflect.TypeFor[claim.Input](), "watch": reflect.TypeFor[watch.Input](),
	"verify":   reflect.TypeFor[verify.Input](),
	"hook":     reflect.TypeFor[hook.Input](),
	"copy":     reflect.TypeFor[copying.Input](),
	"release":  reflect.TypeFor[release.Input](),
	"snapshot": reflect.TypeFor[snapshot.Input](),
}

// inputs have the members that the functions read, no fewer and no more.
func inputs(d *definition) []string {
	var problems []string
	for _, s := range append(tasks(d.run), tasks(d.child)...) {
		parameters, given := d.states[s.Name]["Parameters"].(object)
		if payload, ok := parameters["Payload"].(object); ok {
			parameters = payload
		}
		want, special := inputTypes[function(s)]
		switch {
		case given != special:
			problems = append(problems, fmt.Sprintf("%s sends Parameters: %v; function %s takes the document itself: %v",
				s.Name, given, function(s), !special))
		case given && !slices.Equal(keys(parameters), members(want)):
			problems = append(problems, fmt.Sprintf("%s sends %q, %s has %q", s.Name, keys(parameters), want, members(want)))
		}
	}
	each(d.run, func(s *asl.State) {
		selector, _ := d.states[s.Name]["ItemSelector"].(object)
		for _, key := range keys(selector) {
			if _, _, ok := member(document(d, d.child), key); !ok {
				problems = append(problems, fmt.Sprintf("%s gives each source a %q, which is no field of %s", s.Name, key,
					document(d, d.child)))
			}
		}
	})
	return problems
}

// keys are a template's keys, those of paths without their mark.
func keys(o object) []string {
	var names []string
	for key := range o {
		names = append(names, strings.TrimSuffix(key, ".$"))
	}
	slices.Sort(names)
	return names
}

// types: a function takes and returns the document of the scope it is invoked
// in; one with Parameters takes its own Input. What a wait's function hands on keeps the fields of other releases.
func types(d *definition) []string {
	var problems []string
	for _, scope := range []*asl.Machine{d.run, d.child} {
		for _, s := range tasks(scope) {
			in, out := document(d, scope).String(), document(d, scope).String()
			if inputTypes[function(s)] != nil {
				in = "Input" // of its own package
			}
			switch function(s) {
			case "watch":
				out = "*job.Document"
			case "start": // a run asks it, and its sources
				in, out = "job.Either", "job.Either"
			}
			if got, want := code().signature(function(s)), fmt.Sprintf("handler.Func[%s, %s]", in, out); got != want {
				problems = append(problems, fmt.Sprintf("%s needs a %s, %s is a %s", s.Name, want, function(s), got))
			}
		}
	}
	return problems
}

// words: an operator reads the console, not the code.
func words(d *definition) []string {
	var problems []string
	if d.machine.Comment == "" {
		problems = append(problems, "the state machine has no Comment")
	}
	d.machine.Walk(func(_ []string, _ *asl.Machine, s *asl.State) {
		if problem := wording(s); problem != "" {
			problems = append(problems, problem)
		}
		// A child's ARN is the machine's with "/" and the label after it.
		if s.Distributed && s.Label != "source" {
			problems = append(problems, fmt.Sprintf("children of %q are labelled %q; the documentation calls them source",
				s.Name, s.Label))
		}
	})
	return problems
}

func wording(s *asl.State) string {
	switch {
	case !unicode.IsUpper([]rune(s.Name)[0]) || !strings.Contains(s.Name, " "):
		return fmt.Sprintf("%q is no sentence", s.Name)
	case strings.HasSuffix(s.Name, "?") != (s.Type == "Choice"):
		return fmt.Sprintf("%q is a %s; a Choice asks, and nothing else does", s.Name, s.Type)
	case s.Comment == "" && (s.Type == "Task" || s.Type == "Map"):
		return fmt.Sprintf("%q has no Comment", s.Name)
	case s.Comment != "" && !strings.HasSuffix(s.Comment, "."):
		return fmt.Sprintf("the Comment of %q is no sentence", s.Name)
	default:
		return ""
	}
}
