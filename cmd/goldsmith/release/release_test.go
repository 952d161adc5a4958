package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/shared/version"
)

// The archive of this machine holds a program that runs and says its release, a manual page of every command and the
// completions, and its sum is in SHA256SUMS.
func TestRelease(t *testing.T) {
	t.Chdir("../../..")
	here, folder := target{runtime.GOOS, runtime.GOARCH}, t.TempDir()
	name := fmt.Sprintf("goldsmith_%s_%s_%s.tar.gz", version.Version, here.system, here.processor)
	if err := release(t.Context(), folder, []target{here}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(folder, "SHA256SUMS"))
	if want := fmt.Sprintf("%x  %s\n", sha256.Sum256(text), name); err != nil || string(sums) != want {
		t.Errorf("SHA256SUMS is %q, %v; want %q", sums, err, want)
	}
	runs(t, unpacked(t, text))
}

// runs holds that what was unpacked is whole.
func runs(t *testing.T, files map[string][]byte) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "goldsmith")
	if err := os.WriteFile(program, files["goldsmith"], 0o700); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), program, "--version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(said), "goldsmith "+version.Version+" ") {
		t.Errorf("--version: %q, %v", said, err)
	}
	for _, c := range (command.Program{}).Root().Commands() {
		if page := string(files["man/goldsmith-"+c.Name()+".1"]); !strings.Contains(page, ".TH ") {
			t.Errorf("%s has no manual page", c.Name())
		}
	}
	for _, each := range []string{
		"LICENSE", "completions/goldsmith.bash", "completions/_goldsmith", "completions/goldsmith.fish",
	} {
		if len(files[each]) == 0 {
			t.Errorf("no %s", each)
		}
	}
}

// TestASecondTimeTheBytesAreTheSame holds it of all but the program, whose bytes are Go's promise.
func TestASecondTimeTheBytesAreTheSame(t *testing.T) {
	t.Chdir("../../..")
	var archives [2][]byte
	for i := range archives {
		files, err := documents()
		if err != nil {
			t.Fatal(err)
		}
		packed, err := tarred(files)
		if err != nil {
			t.Fatal(err)
		}
		loose, err := zipped(files)
		if err != nil {
			t.Fatal(err)
		}
		archives[i] = append(packed, loose...)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the second archives are others")
	}
}

// TestEveryTargetCanBeBuilt holds that Go knows the targets.
func TestEveryTargetCanBeBuilt(t *testing.T) {
	known, err := exec.CommandContext(t.Context(), "go", "tool", "dist", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range targets {
		if !strings.Contains(string(known), each.system+"/"+each.processor+"\n") {
			t.Errorf("Go does not know %s/%s", each.system, each.processor)
		}
	}
}

func unpacked(t *testing.T, text []byte) map[string][]byte {
	t.Helper()
	packed, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for archive := tar.NewReader(packed); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}
