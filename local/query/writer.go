package query

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

// Writer writes the XML of one answer. It appends to a buffer and cannot fail.
type Writer struct {
	buf  bytes.Buffer
	item string
}

// NewWriter writes lists as <item> (EC2) or <member> (the older services).
func NewWriter(item string) *Writer { return &Writer{item: item} }

// Element writes an element around what body writes.
func (w *Writer) Element(name string, body func()) {
	w.open(name)
	body()
	w.close(name)
}

// Text writes an element with a value, even an empty one.
func (w *Writer) Text(name, value string) {
	w.open(name)
	w.escape(value)
	w.close(name)
}

// Optional writes an element unless its value is empty.
func (w *Writer) Optional(name, value string) {
	if value != "" {
		w.Text(name, value)
	}
}

// Bool writes true or false.
func (w *Writer) Bool(name string, value bool) { w.Text(name, strconv.FormatBool(value)) }

// Int writes a decimal number.
func (w *Writer) Int(name string, value int) { w.Text(name, strconv.Itoa(value)) }

// Float writes a decimal number.
func (w *Writer) Float(name string, value float64) {
	w.Text(name, strconv.FormatFloat(value, 'g', -1, 64))
}

// Time writes an ISO 8601 time in UTC with milliseconds, and nothing for the zero time.
func (w *Writer) Time(name string, value time.Time) {
	if value.IsZero() {
		return
	}
	w.open(name)
	w.buf.Write(value.UTC().AppendFormat(w.buf.AvailableBuffer(), Timestamp))
	w.close(name)
}

// Timestamp is how AWS writes times in XML.
const Timestamp = "2006-01-02T15:04:05.000Z"

// Items writes a list, each element around what each writes, in the dialect's words.
func Items[T any](w *Writer, list string, items []T, each func(T)) {
	w.open(list)
	for _, item := range items {
		w.open(w.item)
		each(item)
		w.close(w.item)
	}
	w.close(list)
}

// Texts writes a list of plain values.
func (w *Writer) Texts(list string, values []string) {
	Items(w, list, values, w.escape)
}

// Value writes a value into the element that is open.
func (w *Writer) Value(value string) { w.escape(value) }

// String is what was written so far.
func (w *Writer) String() string { return w.buf.String() }

func (w *Writer) open(name string) {
	w.buf.WriteByte('<')
	w.buf.WriteString(name)
	w.buf.WriteByte('>')
}

func (w *Writer) close(name string) {
	w.buf.WriteString("</")
	w.buf.WriteString(name)
	w.buf.WriteByte('>')
}

func (w *Writer) escape(text string) {
	if plain(text) {
		w.buf.WriteString(text)
		return
	}
	// A bytes.Buffer never fails a write.
	_ = xml.EscapeText(&w.buf, []byte(text))
}

func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || strings.IndexByte("<>&'\"", c) >= 0 {
			return false
		}
	}
	return true
}
