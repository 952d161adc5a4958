package slack

import (
	"regexp"
	"slices"
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
	s = plain(s)
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

// plain is s on one line, without the backticks that are ours.
func plain(s string) string { return strings.ReplaceAll(report.OneLine(s), "`", "'") }

// shorten is clip for what ends in what to do: where it is too long its middle goes, where AWS's own words stand.
func shorten(s string, most int) string {
	if longest := 2 * utf8.UTFMax * most; len(s) > 2*longest {
		s = strings.ToValidUTF8(s[:longest]+" "+s[len(s)-longest:], "")
	}
	s = plain(s)
	if units(escape(s)) <= most {
		return escape(s)
	}
	end := ending(s, most/2)
	return clip(s, most-units(end)-1) + end
}

// ending is the last words of s, escaped, in at most most characters.
func ending(s string, most int) string {
	var words []string
	for _, word := range slices.Backward(strings.Fields(s)) {
		word = " " + escape(word)
		if most -= units(word); most < 0 {
			break
		}
		words = append(words, word)
	}
	slices.Reverse(words)
	return strings.Join(words, "")
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
func mention(text string) string {
	var said []string
	for _, word := range strings.Fields(text) {
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
