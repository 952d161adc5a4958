package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const said = `fuzz: elapsed: 0s, gathering baseline coverage: 0/12 completed
fuzz: elapsed: 3s, execs: 40210 (13403/sec), new interesting: 3 (total: 15)
fuzz: elapsed: 6s, execs: 80931 (13573/sec), new interesting: 7 (total: 19)
PASS
`

func TestProgress(t *testing.T) {
	if c := progress(strings.NewReader(said)); c != (count{executions: 80931, found: 7}) {
		t.Errorf("%+v", c)
	}
	if c := progress(strings.NewReader("FAIL")); c != (count{}) {
		t.Errorf("%+v", c)
	}
}

// What is written is read again.
func TestPage(t *testing.T) {
	targets := []target{{"shared/a", "FuzzA"}, {"shared/b", "FuzzB"}}
	counts := map[string]count{"shared/a FuzzA": {80931, time.Minute, 7}, "shared/b FuzzB": {}}
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte(written(targets, counts)), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := read(path)
	if diff := cmp.Diff(counts, got, cmp.AllowUnexported(count{})); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if none, err := read(path + "x"); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
}
