package workflow_test

import (
	"encoding/json"
	"strings"
	"testing"

	"goldsmith/infra/workflow"
)

// The embedded definition is the language alone: no key of an object twice, nothing of what the file's anchors name.
func TestDefinitionIsPlainJSON(t *testing.T) {
	var document map[string]json.RawMessage
	if err := json.Unmarshal([]byte(workflow.Definition), &document); err != nil {
		t.Fatal(err)
	}
	for key := range document {
		switch key {
		case "Comment", "StartAt", "TimeoutSeconds", "States":
		default:
			t.Errorf("the definition has %s, which is not of the language", key)
		}
	}
	once(t, json.NewDecoder(strings.NewReader(workflow.Definition)))
}

// once reads one value, whose objects must have no key twice.
func once(t *testing.T, from *json.Decoder) {
	t.Helper()
	token, err := from.Token()
	if err != nil {
		t.Fatal(err)
	}
	keys := map[json.Token]bool{}
	for (token == json.Delim('{') || token == json.Delim('[')) && from.More() {
		if token == json.Delim('{') {
			key, err := from.Token()
			if err != nil || keys[key] {
				t.Fatalf("key %v is there twice (%v)", key, err)
			}
			keys[key] = true
		}
		once(t, from)
	}
	if _, object := token.(json.Delim); object {
		if _, err := from.Token(); err != nil {
			t.Fatal(err)
		}
	}
}
