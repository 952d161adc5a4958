package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Text is the whole report for a terminal or a log; nothing is left out.
func (r Report) Text() string {
	var t text
	t.line(0, "%s  %s  %s", Word(r.Outcome), r.Plan, r.Run)
	t.line(0, "%s", r.When())
	t.line(0, "%s", r.Summary())
	if r.Link != "" {
		t.line(0, "Page: %s", r.Link)
	}
	if r.Broke != nil {
		t.head("The run broke")
		t.failure(1, *r.Broke)
	}
	t.failed("Left stopped", r.Down(false))
	t.failed("Coming back", r.Down(true))
	t.failed("Failed", r.EndedAs(job.Broken))
	t.groups("Not imaged", r.Refusals)
	t.rolls("Not rolled", r.NotRolled, r.Rest.NotRolled)
	t.refreshes("Not refreshed", r.NotRefreshed)
	t.shares("Not shared", r.NotShared)
	t.copies("Not copied", r.NotCopied)
	t.imaged(r.EndedAs(job.Imaged))
	t.rolls("Rolled", r.Rolled, r.Rest.Rolled)
	t.rolls("Held", r.Held, r.Rest.Held)
	t.refreshes("Refreshed", r.Refreshed)
	t.shares("Shared", r.Shared)
	t.copies("Copied", r.Copied)
	t.groups("Skipped", r.Skips)
	t.groups("Warnings", r.Warnings)
	for _, list := range r.Retiring.Lists() {
		t.retired(list)
	}
	t.todo(r.Todo())
	return t.String()
}

// Word is an outcome as it heads a message: OK, PARTIAL or FAILED.
func Word(o plan.Outcome) string { return strings.ToUpper(string(o)) }

// When says for when the run was meant and how long it took.
func (r Report) When() string {
	when := "scheduled for "
	if r.Request != nil {
		when = "asked for at "
		if r.Request.By != "" {
			when = "asked for by " + r.Request.By + " at "
		}
	}
	when += job.Moment(r.Scheduled)
	if took := r.Took(); took > 0 {
		when += ", took " + Span(took)
	}
	return when
}

// Took is from the run's start to its end; zero when either is unknown.
func (r Report) Took() time.Duration {
	if r.Started.IsZero() || r.Ended.IsZero() {
		return 0
	}
	return r.Ended.Sub(r.Started)
}

// Summary is the run's counts and downtime in one line.
func (r Report) Summary() string {
	c := r.Counts
	parts := []string{fmt.Sprintf("%d imaged", c.Imaged)}
	if c.Sources == 0 && r.Broke == nil { // A run that broke may not have come to them.
		parts = []string{"no sources"}
	}
	for _, each := range []struct {
		n    int
		what string
	}{
		{c.Skipped, "skipped"}, {c.Refused, "refused"}, {c.Failed, "failed"}, {c.LeftStopped - c.ComingBack, "left stopped"},
		{c.ComingBack, "coming back"},
		{c.Rolled, "rolled"}, {c.NotRolled, "not rolled"}, {c.Held, "held"},
		{c.Refreshed, "refreshed"}, {c.NotRefreshed, "not refreshed"},
		{c.Shared, "shared"}, {c.NotShared, "not shared"},
		{c.Copied, "copied"}, {c.NotCopied, "not copied"},
	} {
		if each.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", each.n, each.what))
		}
	}
	summary := strings.Join(append(parts, r.Retiring.counts()...), ", ")
	if d := r.Downtime; d.Longest > 0 {
		summary += fmt.Sprintf("; longest downtime %s (%s), %s in all", Span(d.Longest), d.Of, Span(d.Total))
	}
	return summary
}

// Change says what a target launched before and launches now, or why it was left alone.
func (r Roll) Change() string {
	if r.Problem != "" {
		return r.Problem
	}
	if r.Note != "" {
		return r.moved() + "; " + r.Note
	}
	return r.moved()
}

func (r Roll) moved() string {
	change := r.To
	if r.From != "" && r.From != r.To {
		change = r.From + " -> " + r.To
	}
	switch {
	case r.Version == 0 || r.Version == r.Previous:
		return change
	case r.Previous == 0:
		return change + " (new)"
	default:
		return change + fmt.Sprintf(" (version %d, was %d)", r.Version, r.Previous)
	}
}

// Tested says how long the image's test instance took to boot, and of a general image which is the source's own, each
// behind a comma; empty when there is neither.
func (s Source) Tested() string {
	said := ""
	if s.Boot > 0 {
		said = ", tested: booted in " + Span(s.Boot)
	}
	if s.Raw != "" {
		said += ", a general image; its own is " + s.Raw
	}
	return said
}

// Label is the target's name with its id where both are known, and its Region where that is not the suite's own.
func (r Roll) Label() string { return Label(r.Name, r.Target) + r.In() }

// In names the Region; empty at home.
func (r Roll) In() string {
	if r.Region == "" {
		return ""
	}
	return " in " + r.Region
}

// Label is "name (id)", or the id alone when there is no other name.
func Label(name, id string) string {
	if name == "" || name == id {
		return id
	}
	return name + " (" + id + ")"
}

type text struct{ strings.Builder }

func (t *text) line(depth int, format string, args ...any) {
	t.WriteString(strings.Repeat("  ", depth) + OneLine(fmt.Sprintf(format, args...)) + "\n")
}

// OneLine is text that stays on its line: valid UTF-8, runs of white space as
// one space, no control characters (a terminal obeys them) and no characters
// that reorder what is around them. Names and causes come from anybody.
func OneLine(s string) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(printable), " ")
}

func (t *text) todo(do []string) {
	if len(do) == 0 {
		return
	}
	t.head("What to do now")
	for _, each := range do {
		t.line(1, "%s", each)
	}
}

func (t *text) head(title string) { t.WriteString("\n" + title + "\n") }

func (t *text) failed(title string, sources []Source) {
	if len(sources) == 0 {
		return
	}
	t.head(title)
	for _, s := range sources {
		t.line(1, "%s", Label(s.Name, s.ID))
		t.failure(2, *s.Failure)
	}
}

func (t *text) failure(depth int, f Failure) {
	t.line(depth, "%s", f.What)
	t.line(depth, "%s", f.Did)
	t.line(depth, "Now: %s", f.Do)
}

func (t *text) imaged(sources []Source) {
	if len(sources) == 0 {
		return
	}
	t.head("Imaged")
	for _, s := range sources {
		down := "not stopped"
		if s.Downtime > 0 {
			down = "down " + Span(s.Downtime)
		}
		t.line(1, "%s: %s, %s%s", Label(s.Name, s.ID), s.Image.ID, down, s.Tested())
	}
}

func (t *text) rolls(title string, rolls []Roll, rest int) {
	if len(rolls) == 0 && rest == 0 {
		return
	}
	t.head(title)
	for _, each := range rolls {
		t.line(1, "%s, from %s: %s", each.Label(), each.Source, each.Change())
	}
	if rest > 0 {
		t.line(1, "and %d more; the log of roll says why a template was not rolled", rest)
	}
}

func (t *text) refreshes(title string, refreshes []Refresh) {
	if len(refreshes) == 0 {
		return
	}
	t.head(title)
	for _, each := range refreshes {
		t.line(1, "%s, from %s: %s", each.Group, each.Source, each.Change())
	}
}

func (t *text) shares(title string, shares []Share) {
	if len(shares) == 0 {
		return
	}
	t.head(title)
	for _, each := range shares {
		t.line(1, "%s, from %s: %s", each.Image, each.Source, each.Says())
	}
}

func (t *text) copies(title string, copies []Copy) {
	if len(copies) == 0 {
		return
	}
	t.head(title)
	for _, each := range copies {
		t.line(1, "%s, from %s: %s", each.Image, each.Source, each.Says())
	}
}

func (t *text) groups(title string, groups []Group) {
	if len(groups) == 0 {
		return
	}
	t.head(title)
	for _, g := range groups {
		t.line(1, "%s (%d) %s", g.Code, len(g.Of), g.Text)
		for _, each := range g.Of {
			if g.Text != "" {
				t.line(2, "%s", Label(each.Name, each.ID))
				continue
			}
			t.line(2, "%s: %s", Label(each.Name, each.ID), each.Text)
		}
	}
}
