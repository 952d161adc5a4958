package night_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"goldsmith/local/stack"
)

const messagesPage = "../../docs/messages.md"

// situation is what a message tells of.
type situation struct {
	what    string
	options stack.Options
	story   func(n *night)

	said []string
}

// chapterOf are the situations of one kind.
type chapterOf struct {
	title      string
	situations []*situation
}

// TestMessages plays a night for each situation in which people are told something, holds docs/messages.md
// against what was said, and each message against what a person needs who reads it at night: what to do, or that
// nothing is to be done, and no two sentences that contradict each other.
func TestMessages(t *testing.T) {
	chapters := messageChapters()
	t.Run("nights", func(t *testing.T) {
		for _, c := range chapters {
			for _, s := range c.situations {
				t.Run(s.what, func(t *testing.T) {
					t.Parallel()
					s.play(t)
				})
			}
		}
	})
	page := messagesOf(chapters)
	if page == "" {
		t.Log("not every night was played: the page is not held against them")
		return
	}
	everyReason(t, page)
	everyNotice(t, page)
	if *updatePage {
		if err := os.WriteFile(messagesPage, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(messagesPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), page); diff != "" {
		t.Errorf("run go test ./test/night -run TestMessages -update\n%s", diff)
	}
}

func (s *situation) play(t *testing.T) {
	t.Helper()
	play(t, s.options, func(n *night) {
		n.excused.dead, n.excused.twice, n.excused.requests = true, true, true
		s.story(n)
		time.Sleep(2 * sweep) // what recover has to add
		for _, m := range n.messages() {
			plain := plainly(m)
			if !slices.Contains(s.said, plain) {
				s.said = append(s.said, plain)
			}
			n.isOfUse(plain)
		}
		if len(s.said) == 0 {
			n.t.Error("nothing was said")
		}
	})
}

var (
	// border is what a terminal draws around a message.
	border = regexp.MustCompile(`^[│╭╰╮╯─ ]+|[│╮╯─ ]+$`)
	link   = regexp.MustCompile(` +\(https://[^)]*\)`)
	ahead  = regexp.MustCompile(`\b\d+ (was|were) (still )?before it`)
	// nth is one of several alike: which of them comes first at one moment is no part of a seed.
	nth   = regexp.MustCompile(`\b(web|api|app)-\d+\b`)
	spans = regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+(\.\d+)?s\b|\b\d\d:\d\d(:\d\d)? UTC`)
)

// plainly is a message without borders and links, its ids and moments shortened.
func plainly(message string) string {
	var lines []string
	for line := range strings.Lines(message) {
		line = border.ReplaceAllString(strings.TrimRight(line, "\n"), "")
		line = link.ReplaceAllString(line, "")
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, line)
	}
	plain := ids.ReplaceAllString(strings.TrimSpace(strings.Join(lines, "\n")), "$1-…")
	plain = ahead.ReplaceAllString(plain, "… before it")
	return nth.ReplaceAllString(spans.ReplaceAllString(plain, "…"), "$1-…")
}

// isOfUse checks what every message has to say, and what none may.
func (n *night) isOfUse(message string) {
	n.t.Helper()
	flat := strings.Join(strings.Fields(message), " ")
	if !slices.ContainsFunc([]string{"Now:", "What to do now", "Nothing is to be done"},
		func(does string) bool { return strings.Contains(flat, does) }) {
		n.t.Errorf("a message does not say what to do, or that nothing is to be done:\n%s", message)
	}
	for _, pair := range [][2]string{
		{"Nothing is to be done", "Fix the cause"}, {"The next run tries again", "Fix the cause"},
		{"does not exist any more", "as it was before"}, {"was terminated", "start-instances"},
		{"Nothing was touched", "started it again"},
		{"was started by other hands", "Goldsmith started it"}, {"is failed", "is pending"},
		{"was not stopped", "changes on restart"},
	} {
		for _, paragraph := range strings.Split(message, "• ") {
			flat := strings.Join(strings.Fields(paragraph), " ")
			if strings.Contains(flat, pair[0]) && strings.Contains(flat, pair[1]) {
				n.t.Errorf("a message says %q and %q:\n%s", pair[0], pair[1], message)
			}
		}
	}
}

const messagesOpening = `# Messages

Every message that people get in Slack, by what it tells of. Each is what a night on the embedded AWS came to; the page is written
by the test that plays them (` + "`go test ./test/night -run TestMessages -update`" + `), and the test fails when it says anything else. Ids are shortened.
What stands behind *Now:* and under *What to do now* is to be done; where nothing is to be done the message says so.
`

// messagesOf is the page; empty when a night was not played.
func messagesOf(chapters []chapterOf) string {
	var b strings.Builder
	b.WriteString(messagesOpening)
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n## %s\n", c.title)
		for _, s := range c.situations {
			if len(s.said) == 0 {
				return ""
			}
			fmt.Fprintf(&b, "\n### %s\n", s.what)
			for _, m := range s.said {
				fmt.Fprintf(&b, "\n```text\n%s\n```\n", m)
			}
		}
	}
	return b.String()
}
