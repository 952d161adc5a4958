package page

import (
	"fmt"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/report"
)

// axis is the time that a page's timeline shows.
type axis struct {
	From, To time.Time
	Zone     *time.Location
	Ticks    []tick
}

// tick is one mark of the axis; At is a percentage of it.
type tick struct {
	At   string
	Text string
}

// bar is one phase of a source; From and Width are percentages of the axis.
type bar struct {
	Kind, From, Width string
	Title             string
}

// steps are the distances between marks, from which the first is taken that needs at most six.
var steps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour,
}

const mostTicks = 6

func axisOf(results []job.Result, zone *time.Location) axis {
	a := ends(results)
	a.Zone = zone
	if !a.To.After(a.From) {
		return axis{}
	}
	step := steps[len(steps)-1]
	for _, each := range steps {
		if a.To.Sub(a.From) <= mostTicks*each {
			step = each
			break
		}
	}
	form := a.form()
	// A mark near the end has no room for its text.
	room := a.To.Add(-a.To.Sub(a.From) / 10)
	for at := a.whole(step); at.Before(room); at = at.Add(step) {
		if len(a.Ticks) == mostTicks {
			break
		}
		a.Ticks = append(a.Ticks, tick{a.percent(at.Sub(a.From)), at.In(zone).Format(form)})
	}
	return a
}

// whole is the first whole step after the axis' beginning by the zone's clocks, which may be half an hour off.
func (a axis) whole(step time.Duration) time.Time {
	_, seconds := a.From.In(a.Zone).Zone()
	offset := time.Duration(seconds) * time.Second
	return a.From.Add(offset).Truncate(step).Add(step - offset)
}

// form is that of the marks: with the zone's abbreviation where clocks are changed between the ends, since one time may
// come twice then.
func (a axis) form() string {
	_, first := a.From.In(a.Zone).Zone()
	_, last := a.To.In(a.Zone).Zone()
	if first != last {
		return "15:04 MST"
	}
	return "15:04"
}

// ends are the first and the last moment of all phases.
func ends(results []job.Result) (a axis) {
	for _, r := range results {
		for _, p := range phases(r.Times) {
			if a.From.IsZero() || p.from.Before(a.From) {
				a.From = p.from
			}
			if p.to.After(a.To) {
				a.To = p.to
			}
		}
	}
	return a
}

func (a axis) percent(d time.Duration) string {
	return fmt.Sprintf("%.3f%%", 100*float64(d)/float64(a.To.Sub(a.From)))
}

// phase is what a source was in from one moment to another.
type phase struct {
	kind, what string
	from, to   time.Time
}

// phases are a source's, each only where both of its ends are known. The image becomes available while the source
// runs again, so that this one is drawn beneath the others.
func phases(t job.Times) []phase {
	down := t.Stopped
	all := []phase{
		{"pending", "the image becomes available", t.ImageSent, t.Available},
		{"stop", "EC2 stops it", t.StopSent, t.Stopped},
		{"snap", "its volumes are snapshotted", t.ImageSent, t.Snapshotted},
		{"start", "EC2 starts it", t.StartSent, t.Running},
		{"test", "a test instance boots from the image", t.TestSent, t.Booted},
	}
	if !down.IsZero() {
		all = append(all,
			phase{"wait", "down, before its image is asked for", down, t.ImageSent},
			phase{"wait", "down, before its start is asked for", t.Snapshotted, t.StartSent})
	}
	known := all[:0]
	for _, p := range all {
		if !p.from.IsZero() && !p.to.IsZero() && !p.to.Before(p.from) {
			known = append(known, p)
		}
	}
	return known
}

func (a axis) bars(t job.Times) (bars []bar) {
	if !a.To.After(a.From) {
		return nil
	}
	for _, p := range phases(t) {
		bars = append(bars, bar{
			Kind: p.kind, From: a.percent(p.from.Sub(a.From)), Width: a.percent(p.to.Sub(p.from)),
			Title: fmt.Sprintf("%s: %s, from %s", p.what, report.Span(p.to.Sub(p.from)),
				p.from.In(a.Zone).Format("15:04:05 MST")),
		})
	}
	return bars
}

// own is what EC2 itself took of a downtime: to stop, to take the snapshots, and to start.
func own(t job.Times) (d time.Duration) {
	for _, p := range phases(t) {
		switch p.kind {
		case "stop", "snap", "start":
			d += p.to.Sub(p.from)
		}
	}
	return d
}
