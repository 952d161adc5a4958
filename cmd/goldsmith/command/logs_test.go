package command_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/inject"
)

// Logs shows what all functions have logged of a run or of a source, and what a person may do where there is nothing.
func TestLogs(t *testing.T) {
	play(t, func(s *scene) {
		web := s.launch("web")
		s.suite.Inject(inject.Fault{Action: "CreateImage", Code: "RequestLimitExceeded", Times: 8})
		s.types("run", "nightly")
		time.Sleep(time.Hour)
		run := "nightly-now-abc123"
		s.golden("logs", s.types("logs", run), command.OK)
		s.golden("logs-problems", s.types("logs", run, "--problems"), command.OK)
		s.golden("logs-source", s.types("logs", web, "--since", "90m"), command.OK)
		s.golden("logs-nothing", s.types("logs", web, "--since", "5m"), command.OK)
		s.golden("logs-no-run", s.types("logs", "nightly-20991231T000000Z"), command.Broken)
		s.golden("logs-since-of-a-run", s.types("logs", run, "--since", "1h"), command.Misused)
		s.golden("logs-misused", s.types("logs", web, "--since", "-1h"), command.Misused)

		// Each function that worked on the source says so in each of its lines, or nobody finds them.
		var found struct {
			Lines []struct{ Function, Message, Run, Source string }
		}
		s.must(json.Unmarshal([]byte(s.types("logs", web, "-o", "json").out), &found))
		functions := map[string]bool{}
		for _, l := range found.Lines {
			functions[l.Function] = true
			if l.Function == "" || l.Message == "" || l.Source != web || l.Run != run {
				t.Errorf("%+v is no line of %s and %s", l, run, web)
			}
		}
		want := []string{"claim", "image", "release", "roll", "start", "stop", "watch"}
		if got := slices.Sorted(maps.Keys(functions)); !slices.Equal(got, want) {
			t.Errorf("lines of %v, want those of %v", got, want)
		}
	})
}
