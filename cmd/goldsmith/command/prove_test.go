package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goldsmith/cmd/goldsmith/command"
)

// What a person sees who tries one assumption on a sandbox account, and on one in which others' instances run.
func TestProve(t *testing.T) {
	play(t, func(s *scene) {
		s.person, s.bare = true, true
		dir := filepath.Join(t.TempDir(), "prove")
		tries := func(name string, code int, line ...string) {
			got := s.types(append([]string{"prove", "--dir", dir}, line...)...)
			got.out = strings.ReplaceAll(got.out, dir, "prove")
			s.golden(name, got, code)
		}
		s.answers = "n\n"
		tries("prove-no", command.OK, "--only", "group-uuid,stop-reason")
		if _, err := os.Stat(dir); err == nil || len(s.changes()) > 0 {
			t.Errorf("after a no there is a journal, or was made: %v", s.changes())
		}
		s.answers = "y\n"
		tries("prove", command.OK, "--only", "group-uuid,stop-reason", "--redact")
		for _, name := range []string{"report.json", "report.html"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			s.must(err)
			if said := string(text); strings.Contains(said, "123456789012") || !strings.Contains(said, "group-uuid") {
				t.Errorf("%s names the account, or not what was tried", name)
			}
		}
		tries("prove-clean", command.OK, "--clean")
		s.launch("web")
		tries("prove-others", command.Misused, "--only", "group-uuid")
		tries("prove-unknown", command.Misused, "--only", "group-u")
		tries("prove-json", command.OK, "--only", "group-names", "--i-know", "--yes", "-o", "json")
	})
}
