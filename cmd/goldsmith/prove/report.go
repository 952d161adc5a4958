package prove

import (
	_ "embed" // the page
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"
	"time"
)

// Report is what came of a run.
type Report struct {
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	Caller   string    `json:"caller"`
	Run      string    `json:"run"`
	Version  string    `json:"version"`
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended,omitzero"`
	Findings []Finding `json:"findings"`
	// Left is why something may be left in the account; Strange is what carries the run's tag and was not made by it.
	Left    string   `json:"left,omitempty"`
	Strange []string `json:"strange,omitempty"`
	// Rest are the rows without a probe.
	Rest []Row `json:"-"`

	err error
}

// Count is how many findings have a verdict.
func (r Report) Count(v Verdict) (n int) {
	for _, f := range r.Findings {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// What stands for an account and a caller in a report that is redacted.
const (
	someAccount = "111122223333"
	someCaller  = "arn:aws:iam::" + someAccount + ":role/redacted"
)

// encoded are the messages by which EC2 tells who decides about whom, which only their account can read.
var encoded = regexp.MustCompile(`Encoded authorization failure message: \S+`)

// Redacted is the report without what names the account, who called and the ARNs of others. Ids of what was made stay:
// it is gone.
func (r Report) Redacted() (Report, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	name := r.Caller[strings.LastIndexAny(r.Caller, ":/")+1:]
	said := strings.NewReplacer(r.Caller, someCaller, r.Account, someAccount).Replace(string(text))
	if len(name) > 3 && name != "root" {
		said = strings.ReplaceAll(said, name, "redacted")
	}
	said = encoded.ReplaceAllString(said, "(an encoded message)")
	out := Report{Rest: r.Rest, err: r.err}
	return out, json.Unmarshal([]byte(said), &out)
}

//go:embed report.html.tmpl
var pageText string

var page = template.Must(template.New("prove").Funcs(template.FuncMap{
	"plain": plain, "moment": moment,
}).Parse(pageText))

// plain is Markdown as text.
func plain(text string) string {
	return links.ReplaceAllString(strings.ReplaceAll(text, "`", ""), "$1")
}

var links = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// WriteHTML writes the report as one page that needs nothing else.
func (r Report) WriteHTML(w io.Writer) error {
	if err := page.Execute(w, r); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Plain is a text of a finding for a terminal.
func Plain(text string) string { return plain(text) }
