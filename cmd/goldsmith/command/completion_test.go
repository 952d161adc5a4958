package command_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
)

// offers are the words that a shell is offered behind a command line.
func (s *scene) offers(line ...string) []string {
	s.Helper()
	answer := s.types(append([]string{"__complete"}, line...)...)
	lines := strings.Split(strings.TrimSpace(answer.out), "\n")
	return lines[:len(lines)-1] // The last is a number for the shell.
}

func TestCompletion(t *testing.T) {
	play(t, func(s *scene) {
		web, db := s.launch("web"), s.launch("db", in("db", ""))
		s.launch("gone")
		s.types("run", "nightly", "--source", web)
		time.Sleep(time.Hour)
		s.must(s.suite.EC2.SetState(s.ids["gone"], ec2.Terminated))
		plans := []string{"--plans", "testdata/plans.yaml"}
		names := []string{"hourly", "nightly", "on-demand"}
		for line, want := range map[string][]string{
			"status ":                    {"nightly-now-abc123\tok"},
			"report ":                    {"nightly-now-abc123\tok"},
			"enrol nightly ":             {web + "\tweb", db + "\tdb"},
			"enrol nightly " + web + " ": {db + "\tdb"},
			"leave ":                     {web + "\tweb"},
			"run nightly --source ":      {web + "\tweb"},
			"rollback --name ":           {"web"},
			"images --name ":             {"web"},
			"plan PLANS ":                names,
			"leave --plan ":              nil,
			"enrol PLANS ":               names,
			"pause nightly ":             nil,
		} {
			fields := strings.Split(strings.Replace(line, "PLANS", strings.Join(plans, " "), 1), " ")
			got := s.offers(fields...)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%q offers %q, want %q", line, got, want)
			}
		}
		s.unplugged = io.ErrUnexpectedEOF
		if got := s.offers("status", ""); len(got) > 0 {
			t.Errorf("without an account it offers %q", got)
		}
	})
}
