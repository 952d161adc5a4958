package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"goldsmith/shared/job"
	"goldsmith/shared/report"
)

// terms are what every command was asked under.
type terms struct {
	Program
	account Account
	output  string
	// suite is what was found; nil for a command that asks none.
	suite *suite
	// headed is set once a person was told which.
	headed bool
}

// The forms of output.
const (
	text   = "text"
	inJSON = "json"
)

// show prints what a command found, and in which suite: as JSON, or as print writes it.
func (t *terms) show(found any, print func(page *page)) error {
	if t.output == inJSON {
		return t.encode(found)
	}
	p := t.page()
	t.head(p)
	print(p)
	_, err := io.WriteString(t.Out, p.String())
	return err
}

func (t *terms) page() *page { return &page{colors: t.Colors, width: t.Width} }

// head tells once, over the first answer or question, which suite it is about.
func (t *terms) head(p *page) {
	if t.suite != nil && !t.headed {
		p.line("%s", p.in(faint, t.suite.String()))
	}
	t.headed = true
}

// encode writes JSON: an object, which begins with the suite that it was found in.
func (t *terms) encode(found any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(found); err != nil {
		return err
	}
	if t.suite == nil {
		_, err := t.Out.Write(text.Bytes())
		return err
	}
	where, err := json.MarshalIndent(t.suite, "  ", "  ")
	if err != nil {
		return err
	}
	comma := ","
	if text.String() == "{}\n" {
		comma = ""
	}
	_, err = fmt.Fprintf(t.Out, "{\n  \"suite\": %s%s%s", where, comma, text.String()[1:])
	return err
}

// colored reports whether a file is a terminal that shows colors, and whose owner wants them (no-color.org).
func colored(file *os.File) bool {
	//nolint:forbidigo // a person's terminal, not a function's setting
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return device(file)
}

// widthOf is how many columns a terminal has; 0 for a file that is none.
func widthOf(file *os.File) int {
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// device reports whether a file is a terminal, or another device that people type into.
func device(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// page is text being written, for a person.
type page struct {
	strings.Builder
	colors bool
	// width is that of the terminal it is for; 0 for a file or a pipe, where lines stay whole.
	width int
}

type color string

const (
	bold   color = "1"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
	faint  color = "2"
)

// in is text in a color, on a terminal that shows it.
func (p *page) in(c color, text string) string {
	if !p.colors || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// line writes one line, folded to the terminal's width. Names and causes come from anybody, so whatever would
// move a terminal's cursor was taken out of them by clean.
func (p *page) line(format string, args ...any) {
	p.WriteString(folded(fmt.Sprintf(format+"\n", args...), p.width))
}

// width is that of a terminal: what is written in sentences is folded to it.
const width = 80

// fold writes sentences in lines of at most width, each after the indent. A longer word has a line to itself.
func (p *page) fold(indent, format string, args ...any) {
	line := ""
	for _, word := range strings.Fields(clean(fmt.Sprintf(format, args...))) {
		if line != "" && utf8.RuneCountInString(indent+line+" "+word) > width {
			p.line("%s%s", indent, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		p.line("%s%s", indent, line)
	}
}

// heading starts a part of the page.
func (p *page) heading(format string, args ...any) {
	if p.Len() > 0 {
		p.line("")
	}
	p.line("%s", p.in(bold, fmt.Sprintf(format, args...)))
}

// table writes rows in columns; the first row is the heading.
func (p *page) table(rows [][]string) {
	for _, row := range rows {
		for i, cell := range row {
			row[i] = clean(cell)
		}
	}
	widths := columns(rows, p.width)
	for n, row := range rows {
		for _, line := range inColumns(row, widths) {
			if n == 0 {
				line = p.in(faint, line)
			}
			p.WriteString(line + "\n") // One that is wider than the terminal has words that are.
		}
	}
}

func clean(text string) string { return report.OneLine(text) }

// stamp is a moment of what belongs to no plan as the tables show it.
func stamp(t time.Time) string { return stampIn(t, time.UTC) }

// stampIn is a moment in a plan's zone.
func stampIn(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return job.Moment(t.In(zone))
}

// span is a length of time in its two largest units: "3d 4h", "23h 5m", "40s".
func span(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	for _, unit := range []struct {
		size, rest  time.Duration
		name, minor string
	}{{24 * time.Hour, time.Hour, "d", "h"}, {time.Hour, time.Minute, "h", "m"}, {time.Minute, time.Second, "m", "s"}} {
		if d < unit.size {
			continue
		}
		whole, rest := d/unit.size, d%unit.size/unit.rest
		if rest == 0 {
			return fmt.Sprintf("%d%s", whole, unit.name)
		}
		return fmt.Sprintf("%d%s %d%s", whole, unit.name, rest, unit.minor)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// count is a number with its noun: "1 instance", "3 instances".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
