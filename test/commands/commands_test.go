package commands

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are those whose commands people type.
var pages = []string{"README.md", "docs/operations.md", "docs/plans.md", "docs/restore.md"}

// written is what a page tells to type: a block of lines, or a command within a sentence.
type written struct{ page, text string }

// elsewhere are commands that are no use on a suite that is served, with the reason.
var elsewhere = []struct {
	is  *regexp.Regexp
	why string
}{
	{
		regexp.MustCompile(`^(npx cdk|make (synth|deploy)|git pull|aws cloudformation |aws s3 |for region )`),
		"it deploys the suite",
	},
	{regexp.MustCompile(`^(make |go install |go run \./local serve)`), "it runs what is here, and other tests do"},
	{regexp.MustCompile(`^aws ec2 (associate-address|create-replace-root-volume-task)`), "the embedded EC2 has no such call"},
	{regexp.MustCompile(`^fields @timestamp`), "it is for Logs Insights"},
	{regexp.MustCompile(`^goldsmith test of `), "it is the name of a test instance"},
}

var (
	inline  = regexp.MustCompile("`((?:aws|goldsmith|go run \\./cmd/goldsmith) [a-z][^`]*)`")
	command = regexp.MustCompile(`^ *(\$ )?(aws|goldsmith|npx|make|git|go|for|echo|export|id=|sleep|fields|` +
		`[A-Z]+=\$\(aws) ?`)
)

// commands are all that the pages tell to type.
func commands(t *testing.T) []written {
	t.Helper()
	var all []written
	for _, page := range pages {
		raw, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		blocks, rest := split(string(raw))
		for _, found := range blocks {
			if text := typed(found); text != "" {
				all = append(all, written{page, text})
			}
		}
		for _, found := range inline.FindAllStringSubmatch(rest, -1) {
			text := strings.Join(strings.Fields(found[1]), " ")
			if !slices.ContainsFunc(all, func(w written) bool { return w.text == text }) {
				all = append(all, written{page, text})
			}
		}
	}
	return all
}

// split takes the blocks without a language out of a page.
func split(page string) (blocks []string, rest string) {
	var inside *string
	for line := range strings.Lines(page) {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && inside == nil:
			inside = new(string)
			if fence == "" {
				blocks = append(blocks, "")
				inside = &blocks[len(blocks)-1]
			}
		case isFence:
			inside = nil
		case inside != nil:
			*inside += line
		default:
			rest += line
		}
	}
	return blocks, rest
}

// typed are the lines of a block that are typed: all, or those after a prompt; "" for a block of something else.
func typed(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if strings.HasPrefix(lines[0], "$ ") {
		lines = slices.DeleteFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "$ ") })
		return strings.TrimPrefix(strings.Join(lines, "\n"), "$ ")
	}
	if !command.MatchString(lines[0]) {
		return ""
	}
	return strings.Join(lines, "\n")
}

// alone are commands that leave a suite on which others do not work any more.
var alone = regexp.MustCompile(`delete-table|create-table|restore-table-from-backup|update-time-to-live|` +
	`delete-function|update-state-machine-alias|delete-item|Value=on-demand`)

// TestEveryCommandWorks types each command, those that break something on a suite of their own.
func TestEveryCommandWorks(t *testing.T) {
	if !installed(t, "aws") || !installed(t, "bash") {
		return
	}
	found, ran, shared := commands(t), 0, open(t)
	shared.imaged()
	for _, w := range found {
		if slices.ContainsFunc(elsewhere, func(e struct {
			is  *regexp.Regexp
			why string
		}) bool {
			return e.is.MatchString(w.text)
		}) {
			continue
		}
		ran++
		t.Run(strings.Join(strings.Fields(w.text)[:min(3, len(strings.Fields(w.text)))], " "), func(t *testing.T) {
			s := *shared
			if alone.MatchString(w.text) {
				s = *open(t)
			}
			s.T = t
			s.types(w.text)
		})
	}
	if ran < 40 {
		t.Errorf("only %d of %d commands were found to run", ran, len(found))
	}
}

// TestWhatIsElsewhereIsThere holds the exceptions to commands that the pages have.
func TestWhatIsElsewhereIsThere(t *testing.T) {
	found := commands(t)
	for _, e := range elsewhere {
		if !slices.ContainsFunc(found, func(w written) bool { return e.is.MatchString(w.text) }) {
			t.Errorf("no command is %s: %s", e.is, e.why)
		}
	}
	for text := range whole {
		if !slices.ContainsFunc(found, func(w written) bool { return w.text == text }) {
			t.Errorf("no page has the command %q any more", text)
		}
	}
}
