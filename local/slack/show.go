package slack

import (
	"fmt"
	"html/template"
	"io"
	"os"
	"slices"
	"strings"
)

// Colored reports whether w is a terminal whose owner wants colors (no-color.org).
func Colored(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" { //nolint:forbidigo // a person's terminal, not a function's setting
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Terminal is the message as it would look, for a terminal; plain text without colors.
func (m Message) Terminal(colored bool) string {
	t := terminal{colored: colored}
	t.line([]Span{{Text: "Goldsmith", Bold: true}, {Text: "  " + m.At.UTC().Format("15:04 UTC") + "  " + m.Channel}})
	for _, b := range m.Blocks {
		t.block(b)
	}
	if len(m.Blocks) == 0 {
		t.text(Text{Type: "mrkdwn", Text: m.Text}, Span{})
	}
	return t.String()
}

type terminal struct {
	strings.Builder
	colored bool
}

func (t *terminal) block(b Block) {
	t.line(nil)
	if b.Type == "divider" {
		t.line([]Span{{Text: strings.Repeat("─", 40)}})
	}
	if b.Text != nil {
		t.text(*b.Text, Span{Bold: b.Type == "header"})
	}
	for _, each := range slices.Concat(b.Fields, b.Elements) {
		t.text(each, Span{})
	}
}

func (t *terminal) text(text Text, style Span) {
	for _, line := range text.Spans() {
		for i := range line {
			line[i].Bold = line[i].Bold || style.Bold
		}
		t.line(line)
	}
}

func (t *terminal) line(spans []Span) {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(t.styled(s))
	}
	t.WriteString(strings.TrimRight(t.dim("│")+" "+b.String(), " ") + "\n")
}

// styled is light: bold, and one color each for pings, ids and links.
func (t *terminal) styled(s Span) string {
	text := s.Text
	if s.URL != "" && s.URL != s.Text {
		text += " (" + s.URL + ")"
	}
	text = printable(text)
	if !t.colored {
		return text
	}
	switch {
	case s.Ping != "":
		return sgr("1;33", text)
	case s.URL != "":
		return sgr("4;34", text)
	case s.Code:
		return sgr("36", text)
	case s.Bold:
		return sgr("1", text)
	default:
		return text
	}
}

func (t *terminal) dim(s string) string {
	if !t.colored {
		return s
	}
	return sgr("2", s)
}

func sgr(code, s string) string { return fmt.Sprintf("\x1b[%sm%s\x1b[0m", code, s) }

// HTML writes the message as a page fragment that looks like Slack; Style goes into the page's head once.
func (m Message) HTML(w io.Writer) error {
	if err := fragment.Execute(w, m); err != nil {
		return fmt.Errorf("showing a Slack message: %w", err)
	}
	return nil
}

var fragment = template.Must(template.New("message").Parse(`
{{- define "text"}}{{range $i, $line := .Spans}}{{if $i}}<br>{{end}}{{range $line}}
{{- if .URL}}<a href="{{.URL}}">{{.Text}}</a>
{{- else if .Ping}}<span class="ping">{{.Text}}</span>
{{- else if .Code}}<code>{{.Text}}</code>
{{- else}}{{if .Bold}}<b>{{end}}{{if .Italic}}<i>{{end}}{{if .Strike}}<s>{{end}}{{.Text}}{{if .Strike}}</s>{{end}}{{if .Italic}}</i>{{end}}{{if .Bold}}</b>{{end}}{{end}}
{{- end}}{{end}}{{end -}}
<article class="slack">
<p class="from"><span class="avatar">G</span><b>Goldsmith</b> <span class="app">APP</span> <time>{{.At.UTC.Format "15:04 UTC"}}</time> <span class="channel">{{.Channel}}</span></p>
{{range .Blocks}}
{{- if eq .Type "header"}}<h2>{{template "text" .Text}}</h2>
{{else if eq .Type "divider"}}<hr>
{{else if eq .Type "context"}}<p class="context">{{range .Elements}}{{template "text" .}}{{end}}</p>
{{else}}{{with .Text}}<p>{{template "text" .}}</p>
{{end}}{{range .Fields}}<p class="field">{{template "text" .}}</p>
{{end}}{{end}}
{{- else}}<p>{{.Text}}</p>
{{end}}</article>
`))

// Style makes fragments look like Slack.
const Style template.CSS = `
.slack { font: 15px/1.47 Lato, "Helvetica Neue", Arial, sans-serif; color: #1d1c1d; background: #fff; max-width: 46rem; margin: 1rem auto; padding: .75rem 1rem .75rem 4rem; border: 1px solid #ddd; border-radius: 8px; position: relative; overflow-wrap: anywhere; }
.slack .avatar { position: absolute; left: 1rem; top: .85rem; width: 36px; height: 36px; border-radius: 6px; background: #b8860b; color: #fff; font-weight: 900; text-align: center; line-height: 36px; }
.slack p { margin: .35rem 0; white-space: pre-wrap; }
.slack h2 { font-size: 18px; margin: .5rem 0; }
.slack .app { font-size: 10px; background: #e8e8e8; color: #616061; padding: 1px 4px; border-radius: 2px; }
.slack time, .slack .channel, .slack .context { color: #616061; font-size: 13px; }
.slack code { color: #c01343; background: #f8f8f8; border: 1px solid #ddd; border-radius: 3px; padding: 1px 3px; font-size: 12px; }
.slack .ping { color: #1264a3; background: #fff3cd; border-radius: 3px; padding: 0 2px; }
.slack a { color: #1264a3; text-decoration: none; }
`
