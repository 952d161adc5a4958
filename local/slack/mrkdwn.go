package slack

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Span is a stretch of text that looks alike.
type Span struct {
	Text                       string
	Bold, Italic, Strike, Code bool
	// URL is where a link goes.
	URL string
	// Ping is whom a mention notifies, such as "!here" or "@U0123".
	Ping string
}

// Spans is a text as Slack shows it, line by line: entities and what stands in
// angle brackets resolved, mrkdwn's formatting applied.
func (t Text) Spans() [][]Span {
	var lines [][]Span
	for line := range strings.SplitSeq(printable(t.Text), "\n") {
		if t.Type != "mrkdwn" {
			lines = append(lines, []Span{{Text: unescape(line)}})
			continue
		}
		p := parser{}
		p.parse(line, Span{})
		p.flush()
		lines = append(lines, p.spans)
	}
	return lines
}

// Pings are all whom the message notifies, in order.
func (m Message) Pings() []string {
	var pings []string
	for _, t := range m.texts() {
		for _, line := range t.Spans() {
			for _, span := range line {
				if span.Ping != "" {
					pings = append(pings, span.Ping)
				}
			}
		}
	}
	return pings
}

func (m Message) texts() []Text {
	var texts []Text
	for _, b := range m.Blocks {
		if b.Text != nil {
			texts = append(texts, *b.Text)
		}
		texts = slices.Concat(texts, b.Fields, b.Elements)
	}
	return texts
}

// printable keeps a terminal from obeying a message.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, s)
}

type parser struct {
	spans []Span
	plain strings.Builder
	style Span
}

func (p *parser) parse(s string, style Span) {
	for i := 0; i < len(s); {
		i += p.next(s, i, style)
	}
}

// next takes what begins at s[i] and returns its length.
func (p *parser) next(s string, i int, style Span) int {
	rest := s[i:]
	switch s[i] {
	case '<':
		if span, n, ok := control(rest); ok {
			span.Bold, span.Italic, span.Strike = style.Bold, style.Italic, style.Strike
			p.emit(span)
			return n
		}
	case '`':
		if end := strings.IndexByte(rest[1:], '`'); end > 0 {
			code := style
			code.Code, code.Text = true, unescape(rest[1:1+end])
			p.emit(code)
			return end + 2
		}
	case '*', '_', '~':
		if n := formatted(s, i); n > 0 {
			p.parse(rest[1:n-1], styled(style, s[i]))
			return n
		}
	}
	if e := entity(rest); e != "" {
		p.write(unescape(e), style)
		return len(e)
	}
	_, n := utf8.DecodeRuneInString(rest)
	p.write(rest[:n], style)
	return n
}

func (p *parser) write(s string, style Span) {
	if style != p.style {
		p.flush()
		p.style = style
	}
	p.plain.WriteString(s)
}

func (p *parser) emit(span Span) {
	p.flush()
	p.spans = append(p.spans, span)
}

func (p *parser) flush() {
	if p.plain.Len() > 0 {
		p.style.Text = p.plain.String()
		p.spans = append(p.spans, p.style)
	}
	p.plain.Reset()
	p.style = Span{}
}

func styled(style Span, mark byte) Span {
	switch mark {
	case '*':
		style.Bold = true
	case '_':
		style.Italic = true
	case '~':
		style.Strike = true
	}
	return style
}

// formatted is the length of a stretch such as *bold* that begins at s[i], 0
// when none does: marks stand at the edges of words, on one line.
func formatted(s string, i int) int {
	mark, rest := s[i], s[i+1:]
	inWord := i > 0 && word(s[:i], utf8.DecodeLastRuneInString)
	if inWord || rest == "" || rest[0] == ' ' || rest[0] == mark {
		return 0
	}
	for end := 1; end < len(rest); end++ {
		if rest[end] == mark && closes(rest, end) {
			return end + 2
		}
	}
	return 0
}

// closes reports whether the mark at s[end] ends a stretch: after a word, before none.
func closes(s string, end int) bool {
	after := s[end+1:]
	return s[end-1] != ' ' && (after == "" || !word(after, utf8.DecodeRuneInString))
}

func word(s string, edge func(string) (rune, int)) bool {
	r, _ := edge(s)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

var (
	mentions = regexp.MustCompile(`^<(!here|!channel|!everyone|!subteam\^[A-Z0-9]+|@[A-Z0-9]+|#[A-Z0-9]+)(?:\|([^<>|]*))?>`)
	links    = regexp.MustCompile(`^<((?:https?://|mailto:)[^<>|\s]+)(?:\|([^<>|]*))?>`)
	dates    = regexp.MustCompile(`^<!date\^(-?\d{1,12})\^([^<>^|]*)(?:\^[^<>|]*)?\|([^<>|]*)>`)
)

// control is what an opening angle bracket begins, with its length in s.
func control(s string) (Span, int, bool) {
	if m := mentions.FindStringSubmatch(s); m != nil {
		return Span{Text: mentioned(m[1], m[2]), Ping: m[1]}, len(m[0]), true
	}
	if m := links.FindStringSubmatch(s); m != nil {
		label := m[2]
		if label == "" {
			label = m[1]
		}
		return Span{Text: unescape(label), URL: unescape(m[1])}, len(m[0]), true
	}
	if m := dates.FindStringSubmatch(s); m != nil {
		return Span{Text: date(m[1], m[2], unescape(m[3]))}, len(m[0]), true
	}
	return Span{}, 0, false
}

func mentioned(who, label string) string {
	switch {
	case label != "":
		return "@" + strings.TrimPrefix(unescape(label), "@")
	case strings.HasPrefix(who, "#"):
		return who
	default:
		return "@" + strings.TrimPrefix(strings.TrimLeft(who, "!@"), "subteam^")
	}
}

// date shows a time as a reader in UTC sees it, and the fallback for formats it does not know.
func date(seconds, format, fallback string) string {
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fallback
	}
	at := time.Unix(unix, 0).UTC()
	shown := strings.NewReplacer(
		"{date_num}", at.Format("2006-01-02"), "{date_short_pretty}", at.Format("Jan 2, 2006"),
		"{date_short}", at.Format("Jan 2, 2006"), "{date}", at.Format("January 2, 2006"),
		"{time_secs}", at.Format("15:04:05 UTC"), "{time}", at.Format("15:04 UTC"),
	).Replace(format)
	if strings.Contains(shown, "{") {
		return fallback
	}
	return shown
}

var unescaped = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

func unescape(s string) string { return unescaped.Replace(s) }

// entity is the escape s begins with, empty when it begins with none.
func entity(s string) string {
	for _, e := range []string{"&amp;", "&lt;", "&gt;"} {
		if strings.HasPrefix(s, e) {
			return e
		}
	}
	return ""
}
