// Command schema writes the JSON schema that editors check plans.yaml with. It
// is made from the Go types, their comments and their limits, so that it cannot
// say anything else than they do.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"goldsmith/shared/plan"
)

//go:generate go run . ../../..

// readable undoes the escapes that only HTML needs.
var readable = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&")

// output is where the schema lies in the repository.
const output = "docs/plans.schema.json"

func main() {
	if err := run(os.Args[1:]); err != nil {
		slog.Error("writing the schema of plans.yaml", "error", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want the repository's folder, got %d arguments", len(args))
	}
	text, err := generate(args[0])
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(args[0], output), text, 0o644) //nolint:gosec // a document for everybody.
}

// generate makes the schema; root is the folder that holds go.mod.
func generate(root string) ([]byte, error) {
	reflector := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, Mapper: mapped}
	if err := addComments(&reflector, root); err != nil {
		return nil, err
	}
	schema := reflector.Reflect(plan.Plans{})
	schema.Title = "Goldsmith plans"
	constrain(schema)
	compact, err := json.Marshal(schema)
	if err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, []byte(readable.Replace(string(compact))), "", "  "); err != nil {
		return nil, fmt.Errorf("indenting the schema: %w", err)
	}
	return append(text.Bytes(), '\n'), nil
}

// addComments reads the doc comments with the module's root as the base, since
// the names they are looked up by are the packages' full paths.
func addComments(reflector *jsonschema.Reflector, root string) error {
	const folder = "shared/plan"
	read := jsonschema.Reflector{}
	if err := read.AddGoComments("goldsmith", filepath.Join(root, folder), jsonschema.WithFullComment()); err != nil {
		return fmt.Errorf("reading the comments of %s: %w", folder, err)
	}
	reflector.CommentMap = map[string]string{}
	for name, comment := range read.CommentMap {
		name = "goldsmith/" + folder + name[strings.LastIndex(name, "/plan")+len("/plan"):]
		reflector.CommentMap[name] = strings.Join(strings.Fields(comment), " ")
	}
	return nil
}

// choices are the types of which a plan names one value.
var choices = map[reflect.Type][]string{
	reflect.TypeFor[plan.Consistency]():   texts(plan.Consistencies),
	reflect.TypeFor[plan.FreezeOf]():      texts(plan.FreezeOfs),
	reflect.TypeFor[plan.Restart]():       texts(plan.Restarts),
	reflect.TypeFor[plan.Item]():          texts(plan.Items),
	reflect.TypeFor[plan.Base]():          texts(plan.Bases),
	reflect.TypeFor[plan.VolumeType]():    texts(plan.VolumeTypes),
	reflect.TypeFor[plan.Delete]():        texts(plan.Deletes),
	reflect.TypeFor[plan.Protected]():     texts(plan.Protecteds),
	reflect.TypeFor[plan.Standby]():       texts(plan.Standbys),
	reflect.TypeFor[plan.GroupStandby]():  texts(plan.GroupStandbys),
	reflect.TypeFor[plan.GroupPick]():     texts(plan.GroupPicks),
	reflect.TypeFor[plan.HookFailure]():   texts(plan.HookFailures),
	reflect.TypeFor[plan.Health]():        texts(plan.Healths),
	reflect.TypeFor[plan.Link]():          texts(plan.Links),
	reflect.TypeFor[plan.InstanceStore](): texts(plan.InstanceStores),
}

// mapped are the types that are written otherwise than Go holds them.
func mapped(t reflect.Type) *jsonschema.Schema {
	if words, ok := choices[t]; ok {
		return enum(words)
	}
	switch t {
	case reflect.TypeFor[plan.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(h|m|s))+$`, Examples: []any{"4h", "90m"}}
	case reflect.TypeFor[plan.Limit]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "1"},
			{Type: "string", Pattern: `^([1-9][0-9]*|[1-9][0-9]?%|100%)$`},
		}, Examples: []any{"50%", 20}}
	case reflect.TypeFor[[]plan.Outcome]():
		return oneOrMore(enum(plan.Outcomes))
	case reflect.TypeFor[[]plan.Channel]():
		return oneOrMore(enum(plan.Channels))
	case reflect.TypeFor[[]string]():
		return oneOrMore(&jsonschema.Schema{Type: "string"})
	default:
		return nil
	}
}

func texts[T ~string](values []T) (all []string) {
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

func enum[T ~string](values []T) *jsonschema.Schema {
	schema := &jsonschema.Schema{Type: "string"}
	for _, v := range values {
		schema.Enum = append(schema.Enum, string(v))
	}
	return schema
}

// oneOrMore is a list without repetition, or a single value in its place.
func oneOrMore(item *jsonschema.Schema) *jsonschema.Schema {
	one := uint64(1)
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		item,
		{Type: "array", Items: item, MinItems: &one, UniqueItems: true},
	}}
}
