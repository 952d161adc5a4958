// Package page shows a run as one self-contained HTML page: nothing is fetched from anywhere, and without scripts
// all of it is there, only filters and sorting are not. It makes a program larger by megabytes (docs/decisions/0003),
// so that one function alone imports it.
package page

import (
	"cmp"
	_ "embed" // the page's parts
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

//go:embed run.html.tmpl
var runText string

//go:embed page.css
var styleText string

//go:embed page.js
var scriptText string

var runPage = template.Must(template.New("run").Funcs(template.FuncMap{
	"moment": moment, "span": report.Span, "label": report.Label, "line": report.OneLine,
	"style":  func() template.CSS { return template.CSS(styleText) }, //nolint:gosec // the package's own file
	"script": func() template.JS { return template.JS(scriptText) },  //nolint:gosec // the package's own file
}).Parse(runText))

// Run is a run with all that the ledger knows of it.
type Run struct {
	Run     ledger.Run
	Plan    plan.Plan
	Results []job.Result
	Retired []job.Retirement
	// Working are the sources that it works on, while it is on.
	Working []Working
	// Written is when the page was made.
	Written time.Time
}

// Working is a source that a run works on, and how it is.
type Working struct{ ID, Name, Says string }

// going is whether the run is still on.
func (r Run) going() bool { return !r.Run.Started.IsZero() && r.Run.Ended.IsZero() }

// Write writes the run's page.
func Write(w io.Writer, r Run) error {
	if err := runPage.Execute(w, r.view()); err != nil {
		return fmt.Errorf("writing the page of run %s: %w", r.Run.Name, err)
	}
	return nil
}

// view is what the template shows.
type view struct {
	report.Report
	Word string
	// Badge is how the word is colored.
	Badge   string
	Console string
	Written time.Time
	Tiles   []tile
	Axis    axis
	Rows    []row
	Endings []ending
	Lists   []list
	Todo    []string
}

// tile is one number of the run; a bad one is marked.
type tile struct {
	Count, What string
	Bad         bool
}

// row is one source.
type row struct {
	ID, Name string
	Ending   job.Ending
	Mark     string
	// Says is why it was skipped, or how it failed; Did and Do belong to a failure.
	Says, Did, Do string
	Image         string
	Bars          []bar
	// Down is how long it was down; Own is EC2's share of that, and Added the rest.
	Down, Own, Added time.Duration
	Boot             time.Duration
	Warnings         []string
}

// ending is how sources ended, and how many did: a filter.
type ending struct {
	Ending job.Ending
	Count  int
}

// list is a table of what became of something.
type list struct {
	Title, What string
	Rows        []entry
	Rest        int
	Bad         bool
}

type entry struct{ What, Of, Says string }

func (r Run) view() view {
	told, zone := report.Of(r.Run, r.Results, r.Plan).With(r.Retired), report.Zone(r.Run, r.Plan)
	v := view{
		Report: told, Word: report.Word(told.Outcome), Badge: string(told.Outcome), Console: report.Console(told.Execution),
		Written: r.Written.In(zone), Tiles: tiles(told), Axis: axisOf(r.Results, zone), Todo: told.Todo(),
	}
	results := map[string]job.Result{}
	for _, result := range r.Results {
		results[result.Source] = result
	}
	for _, s := range told.Sources {
		v.Rows = append(v.Rows, v.Axis.row(s, results[s.ID]))
		v.Endings = counted(v.Endings, s.Ending)
	}
	v.Lists = lists(told)
	if r.going() {
		v.Word, v.Badge, v.Todo = "RUNNING", "going", nil
		v.Lists = slices.Insert(v.Lists, 0, r.working()...)
	}
	return v
}

// working is the list of what is worked on; none where that is nothing.
func (r Run) working() []list {
	now := list{Title: "Being worked on", What: "instance or snapshot"}
	for _, w := range r.Working {
		now.Rows = append(now.Rows, entry{w.ID, w.Name, w.Says})
	}
	if len(now.Rows) == 0 {
		return nil
	}
	return []list{now}
}

func counted(all []ending, e job.Ending) []ending {
	if n := len(all); n > 0 && all[n-1].Ending == e {
		all[n-1].Count++
		return all
	}
	return append(all, ending{e, 1})
}

func tiles(r report.Report) []tile {
	var all []tile
	for _, each := range []struct {
		n    int
		what string
		bad  bool
	}{
		{r.Counts.Imaged, "imaged", false}, {r.Counts.Skipped, "skipped", false}, {r.Counts.Refused, "refused", true},
		{r.Counts.Failed, "failed", true}, {r.Counts.LeftStopped, "left stopped", true},
		{r.Counts.Rolled, "rolled", false}, {r.Counts.NotRolled, "not rolled", true}, {r.Counts.Held, "held", false},
		{r.Counts.Refreshed, "groups refreshed", false}, {r.Counts.NotRefreshed, "groups not refreshed", true},
		{r.Counts.Shared, "shared", false}, {r.Counts.NotShared, "not shared", true},
		{r.Counts.Copied, "copied", false}, {r.Counts.NotCopied, "not copied", true},
		{len(r.Retiring.Gone), "retired", false}, {len(r.Retiring.Failed), "not retired", true},
	} {
		if each.n > 0 || each.what == "imaged" {
			all = append(all, tile{fmt.Sprint(each.n), each.what, each.bad})
		}
	}
	if d := r.Downtime; d.Longest > 0 {
		all = append(all, tile{report.Span(d.Longest), "longest downtime (" + d.Of + ")", false})
	}
	return all
}

func (a axis) row(s report.Source, result job.Result) row {
	r := row{
		ID: s.ID, Name: s.Name, Ending: s.Ending, Mark: marks[s.Ending], Image: s.Image.ID, Boot: s.Boot,
		Bars: a.bars(result.Times),
	}
	if s.Name == s.ID {
		r.Name = ""
	}
	if s.Downtime > 0 {
		r.Down, r.Own = s.Downtime, own(result.Times)
		r.Added = max(0, r.Down-r.Own)
	}
	switch {
	case s.Failure != nil:
		r.Says, r.Did, r.Do = s.Failure.What, s.Failure.Did, s.Failure.Do
	case result.Skip != nil:
		r.Says = string(result.Skip.Code) + ": " + result.Skip.Text
	}
	for _, warning := range result.Warnings {
		r.Warnings = append(r.Warnings, warning.Text)
	}
	return r
}

// marks are the signs of endings: color alone does not tell them.
var marks = map[job.Ending]string{job.Imaged: "✓", job.Skipped: "–", job.Broken: "✗", job.LeftStopped: "■"}

func lists(r report.Report) []list {
	all := []list{
		{Title: "Not rolled", What: "template or alias", Rows: rolls(r.NotRolled), Rest: r.Rest.NotRolled, Bad: true},
		{Title: "Groups not refreshed", What: "group", Rows: refreshes(r.NotRefreshed), Bad: true},
		{Title: "Not shared", What: "image", Rows: shares(r.NotShared), Bad: true},
		{Title: "Not copied", What: "image", Rows: copies(r.NotCopied), Bad: true},
		{Title: "Rolled", What: "template or alias", Rows: rolls(r.Rolled), Rest: r.Rest.Rolled},
		{Title: "Held", What: "template or alias", Rows: rolls(r.Held), Rest: r.Rest.Held},
		{Title: "Groups refreshed", What: "group", Rows: refreshes(r.Refreshed)},
		{Title: "Shared", What: "image", Rows: shares(r.Shared)},
		{Title: "Copied", What: "image", Rows: copies(r.Copied)},
	}
	for _, l := range r.Retiring.Lists() {
		made := list{Title: l.Title, What: "image or snapshot"}
		for _, each := range l.Of {
			made.Rows = append(made.Rows, entry{in(each.Subject, each.Region), each.Name, each.Says()})
		}
		all = append(all, made)
	}
	shown := all[:0]
	for _, l := range all {
		if len(l.Rows)+l.Rest > 0 {
			shown = append(shown, l)
		}
	}
	return shown
}

// in is an id, and of what is not in the suite's own Region that.
func in(id, region string) string {
	if region == "" {
		return id
	}
	return id + " in " + region
}

func rolls(of []report.Roll) (rows []entry) {
	for _, each := range of {
		rows = append(rows, entry{each.Label(), each.Source, each.Change()})
	}
	return rows
}

func refreshes(of []report.Refresh) (rows []entry) {
	for _, each := range of {
		rows = append(rows, entry{each.Group, each.Source, each.Change()})
	}
	return rows
}

func shares(of []report.Share) (rows []entry) {
	for _, each := range of {
		rows = append(rows, entry{each.Image, each.Source, each.Says()})
	}
	return rows
}

func copies(of []report.Copy) (rows []entry) {
	for _, each := range of {
		rows = append(rows, entry{each.Image, each.Source, each.Says()})
	}
	return rows
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return job.Moment(t)
}

// Title is the page's.
func (v view) Title() string {
	return strings.Join([]string{v.Word, v.Plan, cmp.Or(v.Run, moment(v.Scheduled))}, " · ")
}
