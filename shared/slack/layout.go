package slack

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"
)

// Slack's limits, in characters after escaping (Block Kit reference): a header
// holds 150, a text object 3,000, a message 50 blocks. Beyond them there is a
// cap that Slack does not document, near 13,000 over all blocks
// (slackapi/bolt-js#2509), hence the total.
const (
	headerMost  = 150
	sectionMost = 3000
	totalMost   = 9500
)

// Lengths of what a message quotes: a name or a cause must not crowd out the
// next source. The longest line stays well under a section.
const (
	nameMost  = 60
	idMost    = 40
	briefMost = 120
	lineMost  = 400
	causeMost = 700
)

// floor is what every part may have at least: its title, one line, what to do and how many more.
const floor = 650

// linesMost bounds what is put into words: more lines than this never fit.
const linesMost = 400

// part is a heading with lines; when they do not fit in full they go in brief,
// and what does not fit then is counted. The zero part takes no room.
type part struct {
	title string
	// count stands beside the title when it is not 0.
	count int
	// lines is how many there are, put into words or not.
	lines int
	full  []string
	// brief are the same lines shorter; none means full are short already.
	brief []string
	// closing follows brief lines, which do not say what to do.
	closing string
}

// layout is a header, small print, an opening and the parts, within all limits.
// The first parts may take what they need; the others keep their floor.
func layout(title string, facts []string, opening string, parts []part) []slack.Block {
	blocks := []slack.Block{slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, clip(title, headerMost),
		false, false))}
	left := totalMost - headerMost
	if len(facts) > 0 {
		small := strings.Join(facts, "  ·  ")
		blocks = append(blocks, slack.NewContextBlock("", text(small)))
		left -= units(small)
	}
	if opening != "" {
		blocks = append(blocks, section(opening))
		left -= units(opening)
	}
	for i, p := range parts {
		lines := p.fit(left - reserved(parts[i+1:]))
		for _, packed := range pack(lines) {
			blocks = append(blocks, section(packed))
			left -= units(packed)
		}
	}
	return blocks
}

func section(s string) slack.Block { return slack.NewSectionBlock(text(s), nil, nil) }

// text is verbatim: otherwise Slack links channel names and mentions it finds
// in plain words, and names come from anybody.
func text(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, s, false, true)
}

// reserved is what later parts keep: what they need, but no more than their floor.
func reserved(parts []part) int {
	sum := 0
	for _, p := range parts {
		sum += min(floor, size(p.inFull()))
	}
	return sum
}

// fewLines is how many lines a list has of what went well in a good night.
const fewLines = 5

// short is the part with few lines; how many more there are is said.
func (p part) short() part {
	p.full = p.full[:min(len(p.full), fewLines)]
	p.brief = p.brief[:min(len(p.brief), fewLines)]
	return p
}

func (p part) inFull() []string {
	if len(p.full) == 0 {
		return nil
	}
	return append([]string{p.heading()}, p.full...)
}

func (p part) heading() string {
	if p.count == 0 {
		return "*" + escape(p.title) + "*"
	}
	return fmt.Sprintf("*%s (%s)*", escape(p.title), number(p.count))
}

// fit is the part's lines in at most room characters, line ends included.
func (p part) fit(room int) []string {
	if full := p.inFull(); len(p.full) == p.lines && size(full) <= room {
		return full
	}
	brief := p.brief
	if len(brief) == 0 {
		brief = p.full
	}
	lines := []string{p.heading()}
	room -= size(lines) + size([]string{more(p.lines), p.closing})
	for _, line := range brief {
		if room -= size([]string{line}); room < 0 {
			break
		}
		lines = append(lines, line)
	}
	if rest := p.lines - (len(lines) - 1); rest > 0 {
		lines = append(lines, more(rest))
	}
	if p.closing != "" {
		lines = append(lines, p.closing)
	}
	return lines
}

func more(rest int) string { return "and " + number(rest) + " more: see the report" }

// pack puts lines into as few sections as hold them.
func pack(lines []string) []string {
	var sections []string
	var now []string
	for _, line := range lines {
		if len(now) > 0 && size(now)+units(line) > sectionMost {
			sections = append(sections, strings.Join(now, "\n"))
			now = nil
		}
		now = append(now, line)
	}
	if len(now) > 0 {
		sections = append(sections, strings.Join(now, "\n"))
	}
	return sections
}

// size is what lines take, a line end each.
func size(lines []string) int {
	sum := 0
	for _, line := range lines {
		sum += units(line) + 1
	}
	return sum
}

func firstOf[T any](list []T) []T { return list[:min(len(list), linesMost)] }
