package workflow

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"
)

//go:embed run.asl.yaml
var source []byte

// Definition is the state machine in Amazon States Language, as JSON with ${placeholders}: run.asl.yaml without
// what its anchors name.
var Definition = definition(source)

// definition panics over a file that is embedded and wrong.
func definition(text []byte) string {
	var document yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(text, &document, yaml.UseOrderedMap()); err != nil {
		panic(fmt.Sprintf("run.asl.yaml: %v", err))
	}
	if len(document) > 0 && document[0].Key == "Policies" {
		document = document[1:]
	}
	var compact, indented bytes.Buffer
	write(&compact, document)
	if err := json.Indent(&indented, compact.Bytes(), "", "  "); err != nil {
		panic(fmt.Sprintf("run.asl.yaml: %v", err))
	}
	return indented.String()
}

// write is JSON in the file's order. Of a key that an object has besides what it merges, the last value counts.
func write(to *bytes.Buffer, value any) {
	switch value := value.(type) {
	case yaml.MapSlice:
		values, mark := value.ToMap(), byte('{')
		for _, item := range value {
			last, unwritten := values[item.Key]
			if !unwritten {
				continue
			}
			delete(values, item.Key)
			to.WriteByte(mark)
			write(to, item.Key)
			to.WriteByte(':')
			write(to, last)
			mark = ','
		}
		if mark == '{' {
			to.WriteByte(mark)
		}
		to.WriteByte('}')
	case []any:
		to.WriteByte('[')
		for i, v := range value {
			if i > 0 {
				to.WriteByte(',')
			}
			write(to, v)
		}
		to.WriteByte(']')
	default:
		encoder := json.NewEncoder(to)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			panic(fmt.Sprintf("run.asl.yaml: %v", err))
		}
	}
}
