package page

import (
	"cmp"
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

//go:embed nights.html.tmpl
var nightsText string

var nightsPage = template.Must(template.Must(runPage.Clone()).New("nights").Funcs(template.FuncMap{
	"tally": tally,
}).Parse(nightsText))

// Nights are runs of any plans, in any order: a page over them shows how each source has fared.
type Nights struct {
	Runs []Run
	// Link is where a run's own page is; nil where there is none beside this one.
	Link func(run string) string
	// Written is when the page was made.
	Written time.Time
}

// WriteNights writes the page over runs.
func WriteNights(w io.Writer, n Nights) error {
	if err := nightsPage.Execute(w, n.view()); err != nil {
		return fmt.Errorf("writing the page over %d runs: %w", len(n.Runs), err)
	}
	return nil
}

// nightsView is what the template shows.
type nightsView struct {
	Written, From, To time.Time
	Zone              *time.Location
	Runs              int
	Plans             []planNights
	Rows              []sourceNights
	Endings           []ending
	Changed           []entry
	More              int
	Links             []link
}

// link leads to the page of a run.
type link struct{ Href, Run, Word, When, Says string }

// mostLinks is how many runs a page leads to.
const mostLinks = 50

// zoneOf is the zone of all runs, or UTC where they have several.
func zoneOf(runs []Run) *time.Location {
	names := map[string]*time.Location{}
	for _, r := range runs {
		zone := report.Zone(r.Run, r.Plan)
		names[zone.String()] = zone
	}
	if len(names) == 1 {
		for _, zone := range names {
			return zone
		}
	}
	return time.UTC
}

// planNights are the runs of one plan.
type planNights struct {
	Plan                string
	Nights              []cell
	OK, Partial, Failed int
	// Down is each run's longest downtime.
	Down line
}

// sourceNights is one source in the runs of one plan.
type sourceNights struct {
	Plan, ID, Name string
	Nights         []cell
	// Ending is that of the last run that met it, and Mark its sign.
	Ending job.Ending
	Mark   string
	Image  string
	Down   line
}

// cell is one night: how it went, and its sign.
type cell struct{ Kind, Mark string }

// line is a downtime over the nights, of which the last is Last; Points draws it.
type line struct {
	Last, Longest time.Duration
	Points        string
}

// none is a night in which a run did not meet a source.
var none = cell{"none", "·"}

// tally says a strip of nights in words, for who does not see it.
func tally(nights []cell) string {
	counts := map[string]int{}
	for _, n := range nights {
		counts[n.Kind]++
	}
	var said []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		what := kind
		if kind == none.Kind {
			what = "not met"
		}
		said = append(said, fmt.Sprintf("%d %s", counts[kind], what))
	}
	return strings.Join(said, ", ")
}

// outcomes are the signs of a run.
var outcomes = map[plan.Outcome]cell{
	plan.OK: {"ok", "✓"}, plan.Partial: {"partial", "!"}, plan.Failed: {"failed", "✗"},
}

func (n Nights) view() nightsView {
	runs := slices.SortedFunc(slices.Values(n.Runs), func(a, b Run) int {
		return cmp.Or(a.Run.Scheduled.Compare(b.Run.Scheduled), cmp.Compare(a.Run.Name, b.Run.Name))
	})
	v := nightsView{Runs: len(runs), Zone: zoneOf(runs)}
	v.Written = n.Written.In(v.Zone)
	if len(runs) > 0 {
		v.From, v.To = runs[0].Run.Scheduled.In(v.Zone), runs[len(runs)-1].Run.Scheduled.In(v.Zone)
	}
	byPlan := map[string][]report.Report{}
	var names []string
	for _, r := range runs {
		told := report.Of(r.Run, r.Results, r.Plan).With(r.Retired)
		if byPlan[told.Plan] == nil {
			names = append(names, told.Plan)
		}
		byPlan[told.Plan] = append(byPlan[told.Plan], told)
	}
	slices.Sort(names)
	for _, name := range names {
		v.Plans = append(v.Plans, nightsOf(name, byPlan[name]))
		v.Rows = append(v.Rows, sourcesOf(name, byPlan[name])...)
		v.Changed = append(v.Changed, changed(name, byPlan[name])...)
	}
	if most := 200; len(v.Changed) > most {
		v.Changed, v.More = v.Changed[:most], len(v.Changed)-most
	}
	v.Endings = endingsOf(v.Rows)
	if n.Link != nil {
		v.Links = n.links(runs)
	}
	return v
}

// links lead to the last runs, the newest first.
func (n Nights) links(runs []Run) (all []link) {
	for _, r := range slices.Backward(runs) {
		if len(all) == mostLinks {
			break
		}
		seen := r.view()
		all = append(all, link{n.Link(r.Run.Name), r.Run.Name, seen.Word, seen.When(), seen.Summary()})
	}
	return all
}

func nightsOf(name string, runs []report.Report) planNights {
	p := planNights{Plan: name}
	var down []time.Duration
	for _, r := range runs {
		p.Nights = append(p.Nights, outcomes[r.Outcome])
		down = append(down, r.Downtime.Longest)
		switch r.Outcome {
		case plan.OK:
			p.OK++
		case plan.Partial:
			p.Partial++
		case plan.Failed:
			p.Failed++
		}
	}
	p.Down = lineOf(down)
	return p
}

// sourcesOf are the sources that the runs of a plan met, by name.
func sourcesOf(name string, runs []report.Report) (rows []sourceNights) {
	at := map[string]int{}
	downs := map[string][]time.Duration{}
	for night, r := range runs {
		for _, s := range r.Sources {
			i, known := at[s.ID]
			if !known {
				i, at[s.ID] = len(rows), len(rows)
				rows = append(rows, sourceNights{Plan: name, ID: s.ID, Nights: slices.Repeat([]cell{none}, len(runs))})
				downs[s.ID] = make([]time.Duration, len(runs))
			}
			row := &rows[i]
			row.Name, row.Ending, row.Mark = s.Name, s.Ending, marks[s.Ending]
			row.Nights[night] = cell{string(s.Ending), marks[s.Ending]}
			if s.Image.ID != "" {
				row.Image = s.Image.ID
			}
			downs[s.ID][night] = s.Downtime
		}
	}
	for i := range rows {
		rows[i].Down = lineOf(downs[rows[i].ID])
		if rows[i].Name == rows[i].ID {
			rows[i].Name = ""
		}
	}
	slices.SortStableFunc(rows, func(a, b sourceNights) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return rows
}

// Size of a line in its own units, and how many nights it takes at least.
const (
	lineWidth, lineHeight = 120, 24
	leastNights           = 2
)

// lineOf draws downtimes from 0 to the longest; a night without one has no point.
func lineOf(down []time.Duration) (l line) {
	l.Longest = slices.Max(append([]time.Duration{0}, down...))
	if len(down) > 0 {
		l.Last = down[len(down)-1]
	}
	var points []string
	for i, d := range down {
		if d > 0 {
			x := float64(lineWidth) * float64(i) / float64(max(1, len(down)-1))
			y := lineHeight - 2 - float64(lineHeight-4)*float64(d)/float64(l.Longest)
			points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
		}
	}
	if len(points) >= leastNights {
		l.Points = strings.Join(points, " ")
	}
	return l
}

// changed is what is otherwise in a plan's last run than in the one before it that had sources.
func changed(name string, runs []report.Report) (all []entry) {
	runs = slices.DeleteFunc(slices.Clone(runs), func(r report.Report) bool { return len(r.Sources) == 0 })
	if len(runs) < leastNights {
		return nil
	}
	before := map[string]report.Source{}
	for _, s := range runs[len(runs)-2].Sources {
		before[s.ID] = s
	}
	for _, s := range runs[len(runs)-1].Sources {
		was, known := before[s.ID]
		delete(before, s.ID)
		if said := change(was, s, known); said != "" {
			all = append(all, entry{report.Label(s.Name, s.ID), name, said})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		all = append(all, entry{report.Label(before[id].Name, id), name, "the last run did not meet it"})
	}
	return all
}

// much is how many times longer a source is down when that is a change.
const much = 2

func change(was, is report.Source, known bool) string {
	switch {
	case !known:
		return "new: " + string(is.Ending)
	case was.Ending != is.Ending:
		return string(was.Ending) + " → " + string(is.Ending)
	case was.Downtime > 0 && is.Downtime >= much*was.Downtime:
		return "down " + report.Span(was.Downtime) + " → " + report.Span(is.Downtime)
	case was.Name != is.Name:
		return "was called " + was.Name
	}
	return ""
}

func endingsOf(rows []sourceNights) (all []ending) {
	for _, e := range []job.Ending{job.LeftStopped, job.Broken, job.Imaged, job.Skipped} {
		n := 0
		for _, row := range rows {
			if row.Ending == e {
				n++
			}
		}
		if n > 0 {
			all = append(all, ending{e, n})
		}
	}
	return all
}
