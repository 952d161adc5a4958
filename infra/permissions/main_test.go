package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommittedTableIsGenerated(t *testing.T) {
	var want strings.Builder
	write(&want)
	got, err := os.ReadFile("../../" + output)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("run go generate ./infra/permissions\n%s", diff)
	}
}

func TestRunWantsAFolder(t *testing.T) {
	for _, args := range [][]string{nil, {"a", "b"}, {t.TempDir()}} {
		if err := run(args); err == nil {
			t.Errorf("%v is enough", args)
		}
	}
}
