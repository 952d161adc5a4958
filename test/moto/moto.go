// Package moto starts moto, an emulator of AWS in Python: as DynamoDB,
// as an independent interpreter of the States Language, and as CloudFormation.
package moto

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Start starts moto and returns its URL, or "" when it is not installed, which
// CI does not accept: what says, what is then not tested. It ends with the test.
func Start(t *testing.T, what string, env ...string) string {
	t.Helper()
	command, ok := find(t)
	if !ok {
		if os.Getenv("CI") == "true" {
			t.Fatalf("moto is not installed; CI needs it to test %s (pip install 'moto[server]')", what)
		}
		t.Logf("NOT RUN: moto is not installed, so %s is not tested (pip install 'moto[server]')", what)
		return ""
	}
	server := exec.CommandContext(t.Context(), command[0], append(command[1:], "-H", "127.0.0.1", "-p", "0")...)
	server.Env = append(os.Environ(), env...)
	said, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	// The test's context kills the server when the test ends; how it died tells nothing.
	t.Cleanup(func() { _ = server.Wait() })
	// It says that it listens within a second or two, when it can.
	stuck := time.AfterFunc(time.Minute, func() { _ = server.Process.Kill() })
	defer stuck.Stop()
	return urlIn(t, said)
}

// find is the server on the PATH, or the module of the Python there.
func find(t *testing.T) ([]string, bool) {
	if path, err := exec.LookPath("moto_server"); err == nil {
		return []string{path}, true
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, false
	}
	help := exec.CommandContext(t.Context(), python, "-m", "moto.server", "--help")
	return []string{python, "-m", "moto.server"}, help.Run() == nil
}

// urlIn reads the URL that moto says once it listens on the port it chose. It
// goes on reading afterwards, or moto would block on a full pipe.
func urlIn(t *testing.T, said io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(said)
	var all []string
	for lines.Scan() {
		all = append(all, lines.Text())
		if _, url, ok := strings.Cut(lines.Text(), "Running on "); ok {
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return strings.TrimSpace(url)
		}
	}
	t.Fatalf("moto did not start:\n%s", strings.Join(all, "\n"))
	return ""
}
