package steptest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"goldsmith/local/inject"
)

// Transcripts plays worlds by number and compares what is said of each with what a file in testdata has on record;
// with update it writes that anew.
func Transcripts(t *testing.T, update bool, file string, worlds int, play func(t *testing.T, number int) string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	before, err := os.ReadFile(path)
	if err != nil && !update {
		t.Fatal(err)
	}
	recorded := strings.Split("\n"+string(before), "\n== ")
	var all []string
	for number := range worlds {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			got := fmt.Sprintf("%d\n%s\n", number, strings.TrimSpace(play(t, number)))
			all = append(all, "== "+got)
			want := ""
			if number+1 < len(recorded) {
				want = recorded[number+1]
			}
			if !update && strings.TrimSpace(want) != strings.TrimSpace(got) {
				t.Errorf("it is now\n%s\nand was\n%s", got, want)
			}
		})
	}
	if update {
		write(t, path, strings.Join(all, "\n"))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Disturbance is how calls fail: for good, until another try, or with their effect and no answer.
type Disturbance struct {
	Name, Code string
	Times      int
}

// Disturbances are those of a call: the answer of one that only reads is not lost.
func Disturbances(call string) []Disturbance {
	all := []Disturbance{{"denied", "UnauthorizedOperation", 1}, {"busy", "RequestLimitExceeded", Attempts}}
	if !strings.HasPrefix(call, "Get") && !strings.HasPrefix(call, "Describe") && !strings.HasPrefix(call, "List") {
		all = append(all, Disturbance{"lost", "", Attempts})
	}
	return all
}

// Disturb has calls of AWS and of the ledger fail from the nth on. The transcript begins anew.
func (s *Stage) Disturb(nth int, how Disturbance) {
	s.journal.disturb(nth, how.Times, inject.Fault{Code: how.Code, Drop: how.Code == ""})
}

// DisturbEach has a call of each operation fail: its nth one from some call on, and again after every so many. The
// transcript begins anew.
func (s *Stage) DisturbEach(from, nth, every int, how Disturbance) {
	s.journal.disturb(0, 0, inject.Fault{Code: how.Code, Drop: how.Code == ""})
	s.journal.from, s.journal.which, s.journal.every = from, nth, every
}

// Calls are those since the last Disturb.
func (s *Stage) Calls() []string {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.calls)
}

var (
	sdkText = regexp.MustCompile(`operation error [\w ]+: (\w+), .*(api error|request send failed, Post)`)
	moments = regexp.MustCompile(`(19|20)\d\d-\d\d-\d\dT[0-9:.]*Z|((19|20)\d\d-\d\d-\d\d )?\d\d:\d\d UTC|` +
		`\d+ (hours?|minutes?) ago|\b(\d+h)?(\d+m)?\d+(\.\d+)?m?s\b`)
	// chance are revisions of records, and the second at which a sweep has named a run.
	chance = regexp.MustCompile(`,revision:[A-Z2-7]+|(late)-20\d{6}T\d{6}Z`)
)

// Timeless is a text on one line without moments, and of what the SDK says of an error the operation and the code.
func Timeless(text string) string {
	text = moments.ReplaceAllString(sdkText.ReplaceAllString(text, "$1:"), "then")
	return strings.ReplaceAll(chance.ReplaceAllString(text, "$1"), "\n", " ")
}

// Difference are the lines of one text that another has not.
func Difference(with, without string) string {
	known := strings.Split(without, "\n")
	var lines []string
	for line := range strings.SplitSeq(with, "\n") {
		if !slices.Contains(known, line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, " | ")
}
