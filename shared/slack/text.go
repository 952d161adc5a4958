package slack

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"goldsmith/shared/report"
)

// In text Slack gives a meaning to these three only; <!here>, <@U1> and links
// all need a bare "<" (formatting message text). The backtick is ours: a stray
// one would swallow the rest of the message into a code block.
var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escape(s string) string { return escaped.Replace(s) }

// clip is s on one line, escaped, in at most most characters, an ellipsis
// showing a cut. It cuts between runes and never through an escape.
func clip(s string, most int) string {
	if longest := 4 * utf8.UTFMax * most; len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…" // A cause may be 32 KiB and a report has thousands.
	}
	s = strings.ReplaceAll(report.OneLine(s), "`", "'")
	var b strings.Builder
	used, fits := 0, 0
	for _, r := range s {
		piece := escape(string(r))
		used += units(piece)
		if used > most {
			return b.String()[:fits] + "…"
		}
		b.WriteString(piece)
		if used < most {
			fits = b.Len()
		}
	}
	return b.String()
}

// code is s as Slack shows ids.
func code(s string, most int) string {
	if s = clip(s, most-2); s == "" {
		return "-"
	}
	return "`" + s + "`"
}

// units counts as JavaScript does, the widest of the ways Slack may count characters.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// number is n with a comma between thousands.
func number(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

var ping = regexp.MustCompile(`^<(!here|!channel|!everyone|!subteam\^[A-Z0-9]{1,20}|@[A-Z0-9]{1,20})>$`)

// mention keeps what pings as it is and escapes the words between. It cuts at
// words, since half a ping is none.
func mention(wish string) string {
	var said []string
	for _, word := range strings.Fields(wish) {
		if !ping.MatchString(word) {
			word = clip(word, nameMost)
		}
		if size(said)+units(word) > lineMost {
			break
		}
		said = append(said, word)
	}
	return strings.Join(said, " ")
}
