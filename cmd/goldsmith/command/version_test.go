package command_test

import (
	"encoding/json"
	"strings"
	"testing"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/shared/version"
)

// Version asks nothing of AWS.
func TestVersion(t *testing.T) {
	play(t, func(s *scene) {
		s.bare = true
		got := s.types("version")
		if flag := s.types("--version"); got != flag || got.code != command.OK ||
			!strings.HasPrefix(got.out, "goldsmith "+version.Version) {
			t.Errorf("version says %+v, --version %+v", got, flag)
		}
		var built struct{ Version string }
		s.must(json.Unmarshal([]byte(s.types("version", "-o", "json").out), &built))
		if built.Version != version.Version {
			t.Errorf("version %q", built.Version)
		}
	})
}
