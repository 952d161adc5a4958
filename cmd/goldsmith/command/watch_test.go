package command_test

import (
	"testing"
	"time"

	"goldsmith/cmd/goldsmith/command"
)

func TestWatch(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.launch("db", protected)
		s.types("run", "nightly")
		time.Sleep(time.Second)
		s.golden("watch", s.types("watch", "nightly-now-abc123"), command.OK)
		s.golden("watch-over", s.types("watch", "nightly-now-abc123"), command.OK)
		s.golden("watch-unknown", s.types("watch", "nightly-now-none"), command.Broken)
		s.golden("follow-run", s.types("follow", "nightly-now-abc123"), command.Misused)
	})
}
