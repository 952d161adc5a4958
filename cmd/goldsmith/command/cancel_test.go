package command_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/ec2"
)

// TestARunIsCancelled holds that what a run had stopped runs again when cancel has ended, whenever it is asked for.
func TestARunIsCancelled(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second, time.Minute, 90 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			play(t, func(s *scene) {
				web, db := s.launch("web"), s.launch("db")
				s.types("run", "nightly")
				time.Sleep(after)
				got := s.types("cancel", "nightly-now-abc123", "--yes")
				if got.code != command.OK {
					s.Errorf("exit code %d: %s%s", got.code, got.out, got.err)
				}
				for _, id := range []string{web, db} {
					if state := s.suite.EC2.State(id); state != ec2.Running {
						s.Errorf("%s is %s after:\n%s", id, state, got.out)
					}
				}
				time.Sleep(time.Hour)
				if got := s.types("status", "nightly-now-abc123"); got.code != command.Failed {
					s.Errorf("a cancelled run has exit code %d:\n%s", got.code, got.out)
				}
				if got := s.types("cancel", "nightly-now-abc123", "--yes"); got.code != command.Broken ||
					!strings.Contains(got.err, "ended before, as ABORTED") {
					s.Errorf("cancelled again: %d %s", got.code, got.err)
				}
			})
		})
	}
}

func TestCancelAsks(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.types("run", "nightly")
		time.Sleep(20 * time.Second)
		s.answers = "n\n"
		s.golden("cancel-no", s.types("cancel", "nightly-now-abc123"), command.OK)
		s.answers = "y\n"
		s.golden("cancel", s.types("cancel", "nightly-now-abc123"), command.OK)
		s.golden("cancel-json-asks", s.types("cancel", "nightly-now-abc123", "-o", "json"), command.Misused)
		s.golden("cancel-unknown", s.types("cancel", "nightly-now-none"), command.Broken)
	})
}
