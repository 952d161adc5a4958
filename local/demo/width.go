package demo

import (
	"bytes"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// fitted writes to out; lines that are wider than its terminal are cut, since a table that wraps
// cannot be read. What is no terminal gets all of them.
func fitted(out io.Writer) io.Writer {
	if width := columns(out); width > 0 {
		return &narrow{out: out, width: width}
	}
	return out
}

// columns is the width of the terminal, 0 when it is none.
func columns(out io.Writer) int {
	file, ok := out.(*os.File)
	if !ok {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 { //nolint:forbidigo // a person's terminal
		return n
	}
	return int(size.Col)
}

// narrow cuts lines.
type narrow struct {
	out   io.Writer
	width int
	line  []byte
}

// Write takes text in any pieces and passes whole lines on.
func (n *narrow) Write(text []byte) (int, error) {
	n.line = append(n.line, text...)
	for {
		end := bytes.IndexByte(n.line, '\n')
		if end < 0 {
			return len(text), nil
		}
		runes := []rune(string(n.line[:end]))
		if len(runes) > n.width {
			runes = append(runes[:n.width-1], '…')
		}
		if _, err := io.WriteString(n.out, string(runes)+"\n"); err != nil {
			return 0, err
		}
		n.line = n.line[end+1:]
	}
}
