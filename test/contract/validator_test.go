package contract

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
)

// TestValidator asks a validator that others wrote, over the schema of the
// States Language, what it thinks of the definition as deployed.
func TestValidator(t *testing.T) {
	validator, err := filepath.Abs(filepath.Join(root, "node_modules", ".bin", "asl-validator"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(validator); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("asl-validator is not installed; CI needs it to validate the definition (npm ci)")
		}
		t.Log("NOT RUN: asl-validator is not installed, so only our own interpreter has read the definition (npm ci)")
		return
	}
	machine, err := asl.Parse([]byte(workflow.Definition), substitutions())
	if err != nil {
		t.Fatal(err)
	}
	if said, err := validate(t, validator, machine.Definition); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	broken := strings.Replace(machine.Definition, `"TimeoutSeconds"`, `"TimeoutSecond"`, 2)
	if said, err := validate(t, validator, broken); err == nil {
		t.Errorf("it takes a misspelt field: %s", said)
	}
}

func validate(t *testing.T, validator, definition string) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.asl.json")
	if err := os.WriteFile(path, []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), validator, "--json-path", path).CombinedOutput()
	return string(said), err
}
