// Package slack knows how a report becomes one Slack message, within Slack's
// limits however many sources there were, and how it gets there: through an
// incoming webhook or a bot token, whichever the secret holds.
package slack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// Message is what goes to Slack. Everything in it is escaped already.
type Message struct {
	// Channel is where a bot token posts; empty means the secret's. A webhook has its own.
	Channel string
	// Text is what notifications show; Slack shows the blocks in the channel.
	Text   string
	Blocks []slack.Block
}

// Of is the one message that tells a run.
func Of(r report.Report) Message {
	title := fmt.Sprintf("%s %s: %s, %s", mark(r.Outcome), report.Word(r.Outcome), r.Plan, job.Moment(r.Scheduled))
	opening := []string{clip(r.Summary(), lineMost)}
	if said := mention(r.Notify.Mention); r.Urgent() && said != "" {
		opening = append([]string{said}, opening...)
	}
	return Message{
		Channel: r.Notify.Channel,
		Text:    clip("Goldsmith "+report.Word(r.Outcome)+": "+r.Plan+": "+gist(r), lineMost),
		Blocks:  layout(title, facts(r), strings.Join(opening, "\n"), parts(r)),
	}
}

// Alert is a message outside any run's report: what happened and what to do
// now, line by line. Lines are plain text; mention is as in a plan.
func Alert(title string, lines []string, channel, pinged string) Message {
	p := part{title: "What to know", lines: len(lines)}
	for _, line := range firstOf(lines) {
		p.full = append(p.full, "• "+shorten(line, lineMost))
	}
	return Message{
		Channel: channel,
		Text:    clip("Goldsmith: "+title, lineMost),
		Blocks:  layout(title, nil, mention(pinged), []part{p}),
	}
}

// gist is all that a phone's lock screen shows.
func gist(r report.Report) string {
	if r.Broke != nil {
		return r.Broke.What
	}
	return r.Summary()
}

func mark(o plan.Outcome) string {
	switch o {
	case plan.OK:
		return "✅"
	case plan.Partial:
		return "⚠️"
	case plan.Failed:
		return "🛑"
	}
	return ""
}

// facts go under the header in small print.
func facts(r report.Report) []string {
	list := []string{code(r.Run, nameMost), when(r)}
	if took := r.Took(); took > 0 {
		list = append(list, "took "+report.Span(took))
	}
	if r.Link != "" {
		list = append(list, "<"+escaped.Replace(r.Link)+"|Page>")
	}
	if link := report.Console(r.Execution); link != "" {
		list = append(list, "<"+link+"|Execution>")
	}
	return list
}

// when is in the plan's zone, as the title and all else of the message.
func when(r report.Report) string {
	said := "scheduled for "
	if r.Request != nil {
		said = "asked for at "
		if r.Request.By != "" {
			said = "asked for by " + clip(r.Request.By, nameMost) + " at "
		}
	}
	return said + job.Moment(r.Scheduled)
}

// parts are in the order of what a person must not miss. Of a good night the lists of what went well are short: what
// all of it was stands in the report.
func parts(r report.Report) []part {
	well := func(list ...part) []part {
		for i := range list {
			if r.Outcome == plan.OK {
				list[i] = list[i].short()
			}
		}
		return list
	}
	return slices.Concat(
		bad(r),
		well(imaged(r.EndedAs(job.Imaged)), rolls("Rolled", r.Rolled, r.Rest.Rolled)),
		[]part{rolls("Held: rolled back, and left alone until they follow again", r.Held, r.Rest.Held)},
		well(refreshes("Groups refreshed", r.Refreshed), shares("Shared", r.Shared), copies("Copied", r.Copied)),
		[]part{groups("Skipped", r.Skips, lineMost), groups("Warnings", r.Warnings, lineMost)},
		well(retired(r.Retiring)...),
		[]part{todo(r.Todo())},
	)
}

// bad is what did not go well.
func bad(r report.Report) []part {
	return []part{
		broke(r.Broke),
		failures("Left stopped", r.Down(false),
			"Start each: `aws ec2 start-instances --instance-ids <id>`. Goldsmith goes on trying every few minutes."),
		failures("Coming back", r.Down(true),
			"Nothing is to be done: Goldsmith looks every few minutes, and says once when they run."),
		failures("Failed", r.EndedAs(job.Broken),
			"Fix the causes, then wait for the next run, or tag a source `goldsmith:image`. The instances are as they were "+
				"before."),
		groups("Not imaged, and not stopped", r.Refusals, causeMost),
		rolls("Not rolled: these were left alone or put back", r.NotRolled, r.Rest.NotRolled),
		refreshes("Groups not refreshed", r.NotRefreshed),
		shares("Not shared as the plan says", r.NotShared),
		copies("Not copied", r.NotCopied),
	}
}

func todo(do []string) part {
	p := part{title: "What to do now", lines: len(do)}
	for _, each := range do {
		p.full = append(p.full, "• "+shorten(each, lineMost))
	}
	return p
}

func retired(r report.Retiring) []part {
	var parts []part
	for _, list := range r.Lists() {
		p := part{title: list.Title, count: len(list.Of), lines: len(list.Of)}
		for _, each := range firstOf(list.Of) {
			line := bullet(each.Name, each.Subject)
			if each.Region != "" {
				line += " in " + code(each.Region, nameMost)
			}
			p.full = append(p.full, line+": "+shorten(each.Says(), lineMost))
			p.brief = append(p.brief, line+": "+clip(each.Says(), briefMost))
		}
		parts = append(parts, p)
	}
	return parts
}

func broke(f *report.Failure) part {
	if f == nil {
		return part{}
	}
	return part{title: "The run broke", lines: 1, full: []string{failure(*f)}}
}

func failures(title string, sources []report.Source, now string) part {
	p := part{title: title, count: len(sources), lines: len(sources), closing: "*Now:* " + escape(now)}
	for _, s := range firstOf(sources) {
		since := ""
		if !s.DownSince.IsZero() {
			since = ", down since " + job.Moment(s.DownSince)
		}
		p.full = append(p.full, bullet(s.Name, s.ID)+since+"\n"+failure(*s.Failure))
		p.brief = append(p.brief, bullet(s.Name, s.ID)+since+": "+clip(s.Failure.What, briefMost))
	}
	return p
}

// indent keeps what others wrote off the start of a line, where headings and bullets are ours.
const indent = "      "

// failure says what failed, what Goldsmith did and what to do now.
func failure(f report.Failure) string {
	return indent + shorten(f.What, causeMost) + "\n" + indent + shorten(f.Did, lineMost) + "\n" + indent + "*Now:* " +
		shorten(f.Do, lineMost)
}

func imaged(sources []report.Source) part {
	p := part{title: "Imaged", count: len(sources), lines: len(sources)}
	for _, s := range firstOf(sources) {
		line := bullet(s.Name, s.ID) + ": " + code(s.Image.ID, idMost)
		if s.Downtime > 0 {
			line += ", down " + report.Span(s.Downtime)
		}
		line += s.Tested()
		p.full = append(p.full, line)
	}
	return p
}

func rolls(title string, list []report.Roll, rest int) part {
	p := part{title: title, count: len(list) + rest, lines: len(list) + rest}
	for _, each := range firstOf(list) {
		p.full = append(p.full,
			bullet(each.Name, each.Target)+each.In()+" from "+clip(each.Source, nameMost)+": "+shorten(each.Change(),
				lineMost))
		p.brief = append(p.brief, bullet(each.Name, each.Target)+each.In()+" from "+clip(each.Source,
			nameMost)+": "+clip(each.Change(), briefMost))
	}
	return p
}

func refreshes(title string, list []report.Refresh) part {
	p := part{title: title, count: len(list), lines: len(list)}
	for _, each := range firstOf(list) {
		line := "• " + clip(each.Group, nameMost) + " from " + clip(each.Source, nameMost) + ": "
		p.full = append(p.full, line+shorten(each.Change(), lineMost))
		p.brief = append(p.brief, line+clip(each.Change(), briefMost))
	}
	return p
}

func shares(title string, list []report.Share) part {
	p := part{title: title, count: len(list), lines: len(list)}
	for _, each := range firstOf(list) {
		line := bullet(each.Source, each.Image) + ": "
		p.full = append(p.full, line+shorten(each.Says(), lineMost))
		p.brief = append(p.brief, line+clip(each.Says(), briefMost))
	}
	return p
}

func copies(title string, list []report.Copy) part {
	p := part{title: title, count: len(list), lines: len(list)}
	for _, each := range firstOf(list) {
		line := bullet(each.Source, each.Image) + ": "
		p.full = append(p.full, line+shorten(each.Says(), lineMost))
		p.brief = append(p.brief, line+clip(each.Says(), briefMost))
	}
	return p
}

// groups are sources by their reasons, which take most characters: a refusal has the command that ends it.
func groups(title string, list []report.Group, most int) part {
	p := part{title: title, lines: len(list)}
	for _, g := range firstOf(list) {
		line := fmt.Sprintf("• %s (%d) ", code(string(g.Code), nameMost), len(g.Of))
		p.full = append(p.full, line+shorten(g.Text, most)+members(g, most))
		p.brief = append(p.brief, line+clip(g.Text, briefMost)+members(g, briefMost/2))
	}
	for _, g := range list {
		p.count += len(g.Of)
	}
	return p
}

// members names the first few of a group: who they all are is in the execution.
func members(g report.Group, most int) string {
	named := 5
	if g.Text == "" {
		named = 3
	}
	var said []string
	for _, each := range g.Of[:min(named, len(g.Of))] {
		one := clip(report.Label(each.Name, each.ID), nameMost)
		if g.Text == "" {
			one += ": " + shorten(each.Text, most)
		}
		said = append(said, one)
	}
	if more := len(g.Of) - len(said); more > 0 {
		said = append(said, number(more)+" more")
	}
	return "\n" + indent + strings.Join(said, "; ")
}

func bullet(name, id string) string {
	id = code(id, idMost)
	if name = clip(name, nameMost); name == "" || "`"+name+"`" == id {
		return "• " + id
	}
	return "• " + name + " (" + id + ")"
}
