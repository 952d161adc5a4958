package command

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFolded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		width      int
		text, want string
	}{
		"no terminal":      {0, "one two three\n", "one two three\n"},
		"wide enough":      {13, "one two three\n", "one two three\n"},
		"goes on under":    {9, "one two three four\n", "one two\n  three\n  four\n"},
		"under its indent": {11, "  one two three\n", "  one two\n    three\n"},
		"a long word":      {5, "a ami-0123456789 b\n", "a\n  ami-0123456789\n  b\n"},
		"empty lines":      {5, "\n\na\n", "\n\na\n"},
		"no last newline":  {5, "a b c d", "a b c\n  d"},
		"colors":           {9, "\x1b[1mone\x1b[0m two three\n", "\x1b[1mone\x1b[0m two\n  three\n"},
		"wide letters":     {9, "äöü äöü äöü\n", "äöü äöü\n  äöü\n"},
	} {
		if diff := cmp.Diff(c.want, folded(c.text, c.width)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTableFits(t *testing.T) {
	t.Parallel()
	rows := func() [][]string {
		return [][]string{
			{"INSTANCE", "WHAT IS DONE", "WHY"},
			{"i-0123456789abcdef0", "left alone", "stop protection is on"},
			{"i-0", "stopped", "-"},
		}
	}
	for width, want := range map[int]string{
		0: `  INSTANCE             WHAT IS DONE  WHY
  i-0123456789abcdef0  left alone    stop protection is on
  i-0                  stopped       -
`,
		46: `  INSTANCE             WHAT IS     WHY
                       DONE
  i-0123456789abcdef0  left alone  stop
                                   protection
                                   is on
  i-0                  stopped     -
`,
		20: `  INSTANCE             WHAT IS  WHY
                       DONE
  i-0123456789abcdef0  left     stop
                       alone    protection
                                is on
  i-0                  stopped  -
`,
	} {
		p := page{width: width}
		p.table(rows())
		if diff := cmp.Diff(want, p.String()); diff != "" {
			t.Errorf("%d columns: %s", width, diff)
		}
	}
}

// Whatever a table holds, on a terminal of whatever width: each cell's words are there, in their order and under their
// column's beginning, and no line is wider than the terminal unless the longest words of its columns are.
func TestTablesKeepTheirWords(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[a-zäöü0-9-]{1,22}`)
	rapid.Check(t, func(t *rapid.T) {
		wide := rapid.IntRange(1, 5).Draw(t, "columns")
		cell := rapid.Map(rapid.SliceOfN(word, 0, 6), func(words []string) string { return strings.Join(words, " ") })
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, wide, wide), 1, 4).Draw(t, "rows")
		width := rapid.IntRange(0, 120).Draw(t, "width")
		widths := columns(rows, width)
		var least []int
		for i := range wide {
			least = append(least, 0)
			for _, row := range rows {
				least[i] = max(least[i], longest(row[i]))
			}
			if widths[i] < least[i] {
				t.Fatalf("column %d is %d wide, with a word of %d", i, widths[i], least[i])
			}
		}
		for _, row := range rows {
			lines := inColumns(row, widths)
			for _, line := range lines {
				if width > 0 && room(line) > max(width, total(least)) {
					t.Fatalf("%q is wider than %d", line, width)
				}
			}
			for i, cell := range row {
				if shown := wordsOf(lines, widths, i); !slices.Equal(shown, strings.Fields(cell)) {
					t.Fatalf("column %d shows %q of %q", i, shown, cell)
				}
			}
		}
	})
}

// wordsOf are the words that lines show in a column.
func wordsOf(lines []string, widths []int, column int) (words []string) {
	from := total(widths[:column])
	for _, line := range lines {
		letters := []rune(line)
		end := min(len(letters), from+len(between)+widths[column])
		words = append(words, strings.Fields(string(letters[min(from, end):end]))...)
	}
	return words
}
