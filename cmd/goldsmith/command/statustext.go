package command

import (
	"cmp"
	"strings"
	"time"

	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

func (s status) print(p *page) {
	s.printDown(p)
	s.printHeld(p)
	s.printPaused(p)
	s.printTurns(p)
	s.printWorking(p)
	s.printRolledBack(p)
	s.printRuns(p)
	s.printUnregistered(p)
}

func (s status) printUnregistered(p *page) {
	if len(s.Unregistered) == 0 {
		return
	}
	p.heading("Images that are not registered")
	p.line("  Goldsmith neither counts nor removes them; goldsmith adopt --all --dry says why.")
	rows := [][]string{{"IMAGE", "OF", "PLAN", "MADE"}}
	for _, i := range s.Unregistered {
		rows = append(rows, []string{i.ID, i.Of, cmp.Or(i.Plan, "-"), stamp(i.Made)})
	}
	p.table(rows)
}

// printDown comes first: it is what needs a person.
func (s status) printDown(p *page) {
	if len(s.Down) == 0 {
		return
	}
	p.heading("%s", p.in(red, "Down because of Goldsmith"))
	for _, w := range s.Down {
		if w.Do == unreadClaim {
			p.fold("  ", "%s: %s", w.label(), w.State)
			p.fold("    ", "%s", w.Do)
			continue
		}
		if w.Do == unrun {
			p.fold("  ", "%s %s", w.label(), w.Out)
			p.fold("    ", "It runs. Goldsmith goes on trying every few minutes, for run %s. %s", w.Run, w.Do)
			continue
		}
		if w.Do == unserved {
			p.fold("  ", "%s is %s", w.label(), w.Out)
			p.fold("    ", "Run %s took it out of service. Goldsmith goes on trying every few minutes. %s", w.Run, w.Do)
			continue
		}
		p.fold("  ", "%s: %s since %s, stopped by run %s", w.label(), w.State, stampIn(w.StopSent, w.zone), w.Run)
		p.line("    Goldsmith goes on trying to start it every few minutes. To start it now:")
		p.line("  %s", w.Do)
	}
}

func (s status) printWorking(p *page) {
	p.heading("Being worked on")
	if len(s.Working) == 0 {
		p.line("  nothing")
		return
	}
	rows := [][]string{{"SOURCE", "ID", "SINCE", "NOW", "RUN"}}
	for _, w := range s.Working {
		rows = append(rows, []string{w.Name, w.Source, stampIn(w.Since, w.zone), w.State, w.Run})
	}
	p.table(rows)
}

// printRolledBack says by whom and since when, and how to take it up again.
func (s status) printRolledBack(p *page) {
	if len(s.RolledBack) == 0 {
		return
	}
	p.heading("Held: rolled back, and left alone until they follow again")
	rows := [][]string{{"TEMPLATE OR ALIAS", "OF", "HAS", "BY", "SINCE", "TO LET IT FOLLOW"}}
	for _, h := range s.RolledBack {
		rows = append(rows, []string{
			report.Roll{Region: h.Region, Rolled: job.Rolled{Target: h.Target, Name: h.Title}}.Label(), h.Source, h.Image,
			cmp.Or(h.By, "-"), stamp(h.Since), h.Do(),
		})
	}
	p.table(rows)
}

func (s status) printRuns(p *page) {
	p.heading("Runs of the last %s", count(s.days, "day"))
	if len(s.Runs) == 0 {
		p.line("  none")
		return
	}
	rows := [][]string{{"RUN", "STARTED", "TOOK", "OUTCOME", "WHAT"}}
	for _, r := range s.Runs {
		rows = append(rows, []string{r.Run, stampIn(r.Started, r.zone()), r.took(), r.word(), cmp.Or(r.Problem, r.Summary)})
	}
	p.table(rows)
}

// zone is that of the run's plan.
func (r oneOf) zone() *time.Location {
	if r.told == nil {
		return time.UTC
	}
	return report.Zone(r.told.record, plan.Plan{})
}

func (r oneOf) took() string {
	if r.Ended == nil {
		return "-"
	}
	return span(r.Ended.Sub(r.Started))
}

// word is the outcome; of a run that has none yet, what Step Functions says.
func (r oneOf) word() string {
	if r.Outcome == "" || r.Status == string(sfntypes.ExecutionStatusRunning) {
		return strings.ToLower(strings.ReplaceAll(r.Status, "_", " "))
	}
	return r.Outcome
}
