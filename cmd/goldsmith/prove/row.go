package prove

import (
	_ "embed" // the rows
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed rows.yaml
var rowsText []byte

// Row is one assumption about AWS that could not be tried where Goldsmith was built. Texts are Markdown.
type Row struct {
	Key string `yaml:"key"`
	// Assumed is what is assumed, Where what relies on it, Otherwise what happens if AWS behaves otherwise.
	Assumed   string `yaml:"assumed"`
	Where     string `yaml:"where"`
	Otherwise string `yaml:"otherwise"`
	// One of these is given. Tried is how its probe tries it, Unwritten what a probe would need that is not written yet,
	// Impossible why there can be none.
	Tried      string `yaml:"tried"`
	Unwritten  string `yaml:"unwritten"`
	Impossible string `yaml:"impossible"`
}

// Rows are all assumptions.
func Rows() ([]Row, error) {
	var rows []Row
	if err := yaml.UnmarshalWithOptions(rowsText, &rows, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading what is assumed of AWS: %w", err)
	}
	return rows, nil
}

// how is the last column of the page.
func (r Row) how() string {
	switch {
	case r.Tried != "":
		return r.Tried
	case r.Unwritten != "":
		return "no probe yet: it needs " + r.Unwritten
	default:
		return "no probe: " + r.Impossible
	}
}

// Counts are how many rows have a probe, could have one, and cannot have any.
func Counts(rows []Row) (tried, unwritten, impossible int) {
	for _, r := range rows {
		switch {
		case r.Tried != "":
			tried++
		case r.Unwritten != "":
			unwritten++
		default:
			impossible++
		}
	}
	return tried, unwritten, impossible
}

const pageHead = `# To check on a real account

Goldsmith was built without an AWS account at hand. What it relies on is documented by AWS, and cited
where it is used, except for what follows. Each row says what happens if AWS behaves otherwise.

` + "`goldsmith prove`" + ` tries the rows that have a probe, on a sandbox account, by the code that relies on them
([operations guide](operations.md#before-you-trust-it)). Of %d rows %d have one; for %d a probe is possible and not
written yet, and for %d none is possible. This page is written from [rows.yaml](../cmd/goldsmith/prove/rows.yaml)
(` + "`go test ./cmd/goldsmith/prove -update`" + `).

| what is assumed | where | if it is otherwise | how it is tried |
|---|---|---|---|
`

// Page is docs/unverified.md.
func Page(rows []Row) string {
	var b strings.Builder
	tried, unwritten, impossible := Counts(rows)
	fmt.Fprintf(&b, pageHead, len(rows), tried, unwritten, impossible)
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | `%s`: %s |\n", r.Assumed, r.Where, r.Otherwise, r.Key, r.how())
	}
	return b.String()
}

// Keys are those of the rows that have a probe, in the order in which they are tried.
func Keys() []string {
	var keys []string
	for _, p := range probes {
		keys = append(keys, p.key)
	}
	return keys
}

// rowOf is the row of a key.
func rowOf(rows []Row, key string) Row {
	return rows[slices.IndexFunc(rows, func(r Row) bool { return r.Key == key })]
}
