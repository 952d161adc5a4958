package command_test

import (
	"os"
	"path/filepath"
	"strings"

	"goldsmith/cmd/goldsmith/command"
)

// writesReport: report writes one page with the run's sources, and nothing of a run that there was not.
func (s *scene) writesReport(run string) {
	s.Helper()
	file := filepath.Join(s.TempDir(), "night.html")
	if got := s.types("report", run, "--file", file); got.code != command.OK || got.out != here+"Written: "+file+"\n" {
		s.Errorf("report: %d %s%s", got.code, got.out, got.err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	for _, word := range []string{run, "web", "stop-protected", "bar snap"} {
		if !strings.Contains(string(text), word) {
			s.Errorf("the page lacks %q", word)
		}
	}
	none := filepath.Join(s.TempDir(), "none.html")
	got := s.types("report", "nightly-never", "--file", none)
	if _, err := os.Stat(none); got.code != command.Broken ||
		!strings.Contains(got.err, "there is no run nightly-never") || err == nil {
		s.Errorf("of no run: %d %s", got.code, got.err)
	}
	if got := s.types("report", run, "--file", filepath.Join(none, "in-no-folder.html")); got.code != command.Broken {
		s.Errorf("to no folder: %d %s", got.code, got.err)
	}
}

// writesReportOfAll: report --all writes one page over the runs, and wants either that or a run.
func (s *scene) writesReportOfAll(run string) {
	file := filepath.Join(s.TempDir(), "all.html")
	if got := s.types("report", "--all", "--file", file); got.code != command.OK || got.out != here+"Written: "+file+"\n" {
		s.Errorf("report --all: %d %s%s", got.code, got.out, got.err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "<h2>Plans</h2>") || !strings.Contains(string(text), "i-") {
		s.Errorf("%v: %.300s", err, text)
	}
	for _, wrong := range [][]string{{"report"}, {"report", run, "--all"}} {
		if got := s.types(wrong...); got.code != command.Misused {
			s.Errorf("%q ends with %d: %s", wrong, got.code, got.err)
		}
	}
}
