package command

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/shared/job"
	"goldsmith/shared/pace"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

func (f planned) print(p *page, now time.Time) {
	if f.Note != "" {
		p.line("%s", clean(f.Note))
	}
	for _, each := range f.Plans {
		each.print(p, now)
	}
	if len(f.Missing) > 0 {
		p.line("")
		p.fold("", "Deployed, and not in the file: %s. They run on until the file is deployed.",
			strings.Join(f.Missing, ", "))
	}
	if len(f.Strays) == 0 {
		return
	}
	rows := [][]string{{"NO SUCH PLAN", "ID", "WHY"}}
	for _, s := range f.Strays {
		rows = append(rows, []string{s.Name, s.ID, s.Why})
	}
	p.line("")
	p.table(rows)
}

func (n plannedPlan) print(p *page, now time.Time) {
	if n.printSources(p, now); n.Refused != "" {
		return
	}
	names := n.names()
	n.printTemplates(p, names)
	n.printGroups(p, names)
	n.printImages(p)
}

// printSources says when the plan runs, and what becomes of its sources.
func (n plannedPlan) printSources(p *page, now time.Time) {
	p.heading("%s", n.Plan)
	p.line("  %s", n.due(now))
	if n.Undeployed {
		p.line("  %s", p.in(yellow, "not deployed: nothing runs like this until it is"))
	}
	if n.Refused != "" {
		p.line("  %s %s", p.in(red, "It would fail:"), clean(n.Refused))
		return
	}
	if len(n.Sources) == 0 {
		p.line("  no source: enrol an instance with the tag goldsmith:plan=%s", n.Plan)
	} else {
		p.line("  %s", n.summary())
	}
	n.printImaged(p)
	n.printHooks(p)
	n.printGeneral(p)
	n.printRegistering(p)
	n.printShares(p)
	n.printCopies(p)
	n.printSkipped(p)
}

func (n plannedPlan) due(now time.Time) string {
	switch {
	case n.Paused:
		return "paused: its schedule starts no run until goldsmith resume " + n.Plan
	case n.Next != nil:
		return "next run " + dueAt(*n.Next) + ", in " + span(n.Next.Sub(now))
	case n.plan.Schedule != "":
		return "due " + n.plan.Schedule
	default:
		return "no schedule: it runs when it is asked for"
	}
}

func (n plannedPlan) split() (imaged, skipped []rehearsal.Source) {
	for _, s := range n.Sources {
		if s.Skip != nil {
			skipped = append(skipped, s)
			continue
		}
		imaged = append(imaged, s)
	}
	return imaged, skipped
}

func (n plannedPlan) summary() string {
	imaged, skipped := n.split()
	parts := []string{count(len(imaged), "source") + " to be imaged"}
	if len(imaged) == 0 {
		parts[0] = "nothing to be imaged"
	}
	stops := 0
	for _, s := range imaged {
		if s.Decision == job.StopFirst {
			stops++
		}
	}
	if stops > 0 {
		parts = append(parts, fmt.Sprintf("%s stopped for it, %s", count(stops, "instance"),
			atOnce(min(stops, n.plan.Concurrency))))
	}
	if len(skipped) > 0 {
		parts = append(parts, count(len(skipped), "source")+" left alone")
	}
	return strings.Join(parts, "; ")
}

// atOnce says how many are down at once, and how long it takes until they are.
func atOnce(n int) string {
	text := fmt.Sprintf("%d at once", n)
	if over := pace.Over(n).Round(time.Second); over > 0 {
		text += fmt.Sprintf(", which EC2's rates spread over %s", over)
	}
	return text
}

func (n plannedPlan) printImaged(p *page) {
	imaged, _ := n.split()
	if len(imaged) == 0 {
		return
	}
	rows := [][]string{{"SOURCE", "ID", "WILL BE", "WARNINGS"}}
	for _, s := range imaged {
		rows = append(rows, []string{s.Name, s.ID, n.how(s), texts(s.Warnings)})
	}
	p.line("")
	p.table(rows)
}

// printGeneral says of how many sources a general image would be made.
func (n plannedPlan) printGeneral(p *page) {
	due := 0
	for _, s := range n.Sources {
		if s.Skip == nil && s.General == job.GeneralWanted {
			due++
		}
	}
	if due == 0 {
		return
	}
	keeps := ""
	if items := n.plan.Generalize.Keep; len(items) > 0 {
		keeps = ", but for " + itemsOf(items)
	}
	p.line("")
	p.fold("  ", "%s would have a general image, of a clone from which is taken what is the source's own%s. That is "+
		"tested and rolled; the source's own image stays as its backup.", count(due, "source"), keeps)
}

func itemsOf(items []plan.Item) string {
	var words []string
	for _, each := range items {
		words = append(words, string(each))
	}
	return strings.Join(words, ", ")
}

// printHooks says which commands would be run on the sources that run, and what comes of one that fails.
func (n plannedPlan) printHooks(p *page) {
	h, imaged := n.plan.Hooks, 0
	for _, s := range n.Sources {
		if s.Running && s.Skip == nil {
			imaged++
		}
	}
	if !h.Given() || imaged == 0 {
		return
	}
	p.line("")
	for _, each := range []struct{ when, command string }{{"before", h.Before}, {"after", h.After}} {
		if each.command != "" {
			p.fold("  ", "%s, on each that runs, for %s at most: %s", each.when, plan.Duration(h.Lasts()),
				clean(strings.Join(strings.Fields(each.command), " ")))
		}
	}
	if h.Before != "" {
		p.fold("  ", "where before fails: %s (hooks.onFailure: %s)", failing[h.Failing()], h.Failing())
	}
}

// failing is what is done where the command before fails.
var failing = map[plan.HookFailure]string{
	plan.HookSkip: "left alone", plan.HookIgnore: "imaged all the same",
	plan.HookFail: "counted as failed, and not imaged",
}

// printShares says whom the images would be shared with, and why one would not be.
func (n plannedPlan) printShares(p *page) {
	s := n.plan.Share
	if s.IsZero() || len(n.Sources) == 0 {
		return
	}
	p.line("")
	p.line("  images to be shared with %s", report.With(sharedBy(s)))
	rows := [][]string{{"NOT SHARED", "ID", "WHY"}}
	for _, each := range n.Sources {
		if u := each.Unshared; u != nil {
			rows = append(rows, []string{each.Name, each.ID, u.Problem + ". " + u.Do})
		}
	}
	if len(rows) > 1 {
		p.line("")
		p.table(rows)
	}
}

// sharedBy is whom a plan shares with, by the ids that it names.
func sharedBy(s plan.Share) job.Sharing {
	with := job.Sharing{Accounts: s.Accounts, Organizations: s.OrganizationalUnits, Snapshots: s.Snapshots}
	if s.Organization != "" {
		with.Organizations = append([]string{s.Organization}, s.OrganizationalUnits...)
	}
	return with
}

// printCopies says where the images would be copied to, and why not.
func (n plannedPlan) printCopies(p *page) {
	if len(n.Copies) == 0 {
		return
	}
	rows := [][]string{{"COPIES TO", "KEY", "WILL BE"}}
	for _, each := range n.Copies {
		said := "copied"
		switch share := n.plan.CopyIn(each.Region).Share; {
		case each.Problem != "":
			said = "not copied: " + each.Problem + ". " + each.Do
		case each.Shared != nil:
			said = "copied, and not shared: " + each.Shared.Problem + ". " + each.Shared.Do
		case !share.IsZero():
			said = "copied, and shared with " + report.With(sharedBy(share))
		}
		if each.Problem == "" && n.plan.CopyIn(each.Region).Alias {
			said += "; rolled there once it is available"
		}
		rows = append(rows, []string{each.Region, cmp.Or(each.Key, "as the image"), said})
	}
	p.line("")
	p.table(rows)
}

// printRegistering shows what would be registered of each snapshot.
func (n plannedPlan) printRegistering(p *page) {
	for _, s := range n.Sources {
		if s.Registering != nil {
			p.line("")
			p.line("  %s of %s, registered with", clean(s.Name), s.ID)
			printDecision(p, *s.Registering)
		}
	}
}

// how is what is done with a source, and for whom.
func (n plannedPlan) how(s rehearsal.Source) string {
	if s.StandsFor != "" {
		return n.done(s) + "; stands for group " + s.StandsFor
	}
	return n.done(s)
}

func (n plannedPlan) done(s rehearsal.Source) string {
	switch {
	case s.Decision == job.StopFirst:
		if s.DrainedFrom != "" {
			return "out of " + s.DrainedFrom + ", stopped, imaged, started"
		}
		return "stopped, imaged, started"
	case s.Registering != nil:
		return "copied and registered"
	case s.Decision == job.RegisterIt:
		return "copied, and registered if its disk starts"
	case !s.Running:
		return "imaged; it is stopped and stays so"
	case n.plan.Consistency == plan.Frozen:
		return fmt.Sprintf("frozen (%s) for %s at most, and imaged", n.plan.Freeze.What(),
			plan.Duration(n.plan.Freeze.Lasts()))
	case n.plan.Consistency == plan.Reboot:
		return "rebooted and imaged"
	default:
		return "imaged as it runs"
	}
}

func (n plannedPlan) printSkipped(p *page) {
	_, skipped := n.split()
	if len(skipped) == 0 {
		return
	}
	rows := [][]string{{"LEFT ALONE", "ID", "REASON", "WHY"}}
	for _, s := range skipped {
		rows = append(rows, []string{s.Name, s.ID, string(s.Skip.Code), s.Skip.Text})
	}
	p.line("")
	p.table(rows)
}

func texts(reasons []job.Reason) string {
	var all []string
	for _, r := range reasons {
		all = append(all, r.Text)
	}
	return strings.Join(all, "; ")
}

// names are those of sources, by id.
func (n plannedPlan) names() map[string]string {
	names := map[string]string{}
	for _, s := range n.Sources {
		names[s.ID] = s.Name
	}
	return names
}

func (n plannedPlan) printTemplates(p *page, names map[string]string) {
	if len(n.Templates) == 0 {
		return
	}
	rows := [][]string{{"TEMPLATE OR ALIAS", "FROM", "TO", "NOTE"}}
	for _, t := range n.Templates {
		from, to, label := cmp.Or(t.From, "-"), "new image of "+names[t.Source], report.Label(t.Name, t.Target)
		if t.Region != "" {
			to, label = "copy of the "+to, label+" in "+t.Region
		}
		if t.Template() && t.Previous > 0 {
			from += fmt.Sprintf(" (version %d)", t.Previous)
		}
		if t.Problem != "" {
			to = "left alone"
		}
		rows = append(rows, []string{label, from, to, cmp.Or(t.Problem, t.Note)})
	}
	p.line("")
	p.table(rows)
}

func (n plannedPlan) printGroups(p *page, names map[string]string) {
	if len(n.Groups) == 0 {
		return
	}
	rows := [][]string{{"GROUP", "OF", "WILL BE", "FROM", "TO", "NOTE"}}
	for _, g := range n.Groups {
		will := "left alone"
		if g.Refreshed {
			will = "refreshed"
		}
		rows = append(rows, []string{g.Group, names[g.Source], will, cmp.Or(g.From, "-"), cmp.Or(g.To, "-"),
			cmp.Or(g.Problem, g.Note)})
	}
	p.line("")
	p.table(rows)
}

func (n plannedPlan) printImages(p *page) {
	if n.Blind != "" {
		p.line("")
		p.line("  %s %s", p.in(red, "No image would be removed:"), clean(n.Blind))
	}
	for _, each := range n.BlindIn {
		p.line("")
		p.line("  %s %s", p.in(red, "No copy in "+each.Region+" would be removed:"), clean(each.Why))
	}
	if len(n.Images) == 0 {
		return
	}
	rows := [][]string{{"OLD IMAGE", "OF", "WILL BE"}}
	for _, i := range n.Images {
		id := i.ID
		if i.Region != "" {
			id += " in " + i.Region
		}
		rows = append(rows, []string{id, i.Name, i.String()})
	}
	p.line("")
	p.table(rows)
}
