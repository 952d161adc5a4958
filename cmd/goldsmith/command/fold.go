package command

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// escapes are the colors in a text, which take no room.
var escapes = regexp.MustCompile("\x1b\\[[0-9]*m")

// room is how many columns of a terminal a text takes.
func room(text string) int { return utf8.RuneCountInString(escapes.ReplaceAllString(text, "")) }

// pieces are the words of a line, each with the spaces before it.
var pieces = regexp.MustCompile(`\s*\S+`)

// folded is a text in lines of at most width columns: a line goes on under its own beginning. Words stay whole, so that
// ids and commands can be copied.
func folded(text string, width int) string {
	if width <= 0 {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		indent := "  " + line[:len(line)-len(strings.TrimLeft(line, " "))]
		written := ""
		for _, piece := range pieces.FindAllString(strings.TrimSuffix(line, "\n"), -1) {
			if written != "" && room(written+piece) > width {
				out.WriteString(written + "\n")
				written, piece = indent, strings.TrimLeft(piece, " ")
			}
			written += piece
		}
		out.WriteString(written + strings.Repeat("\n", strings.Count(line, "\n")))
	}
	return out.String()
}

// between is what separates two columns of a table.
const between = "  "

// columns are the widths of a table's columns. Where the table is to be narrower than it is, the widest of them give
// way, none below its longest word.
func columns(rows [][]string, width int) []int {
	widths, least := []int{}, []int{}
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths, least = append(widths, 0), append(least, 0)
			}
			widths[i], least[i] = max(widths[i], room(cell)), max(least[i], longest(cell))
		}
	}
	for width > 0 && total(widths) > width {
		yields := widest(widths, least)
		if yields < 0 {
			break // Words alone are wider.
		}
		widths[yields]--
	}
	return widths
}

// widest is the widest column that has room to give; -1 for none.
func widest(widths, least []int) int {
	found := -1
	for i, w := range widths {
		if w > least[i] && (found < 0 || w > widths[found]) {
			found = i
		}
	}
	return found
}

// longest is how wide the longest word of a cell is.
func longest(cell string) (most int) {
	for _, word := range strings.Fields(cell) {
		most = max(most, room(word))
	}
	return most
}

// total is how wide a table with these columns is.
func total(widths []int) (sum int) {
	for _, w := range widths {
		sum += len(between) + w
	}
	return sum
}

// inColumns are the lines of a row.
func inColumns(row []string, widths []int) []string {
	cells, height := make([][]string, len(row)), 1
	for i, cell := range row {
		cells[i] = wrapped(cell, widths[i])
		height = max(height, len(cells[i]))
	}
	lines := make([]string, height)
	for n := range lines {
		for i, cell := range cells {
			text := ""
			if n < len(cell) {
				text = cell[n]
			}
			lines[n] += between + text + strings.Repeat(" ", widths[i]-room(text))
		}
		lines[n] = strings.TrimRight(lines[n], " ")
	}
	return lines
}

// wrapped are the lines of a cell, none wider than width but for a word that is.
func wrapped(cell string, width int) []string {
	if room(cell) <= width {
		return []string{cell}
	}
	var lines []string
	for _, word := range strings.Fields(cell) {
		if last := len(lines) - 1; last >= 0 && room(lines[last]+" "+word) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return slices.Clip(lines)
}
