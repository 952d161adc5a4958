package rollback

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/report"
)

// notify sends one message of a rollback, and marks what it told of, so that who
// asks again is not heard twice. Why no channel took it is for the answer to who
// asked.
func (s Step) notify(ctx context.Context, asked event.Rollback, targets []*target) (unheard string, err error) {
	lines, untold := news(asked, targets)
	if len(untold) == 0 {
		return "", nil
	}
	lines = append(lines, fmt.Sprintf("What is rolled back of %s is held: new images are not rolled into it until: %s.",
		asked.Name, job.Command("follow", asked.Name)))
	lines = append(lines, done(targets))
	if err := s.People.Alert(ctx, report.Alert{
		Key: "rollback " + asked.Name, Title: headline(asked, targets), Lines: lines, At: s.Now().UTC(),
	}); err != nil {
		handler.Log(ctx).ErrorContext(ctx, "message not sent", "name", asked.Name, "error", err)
		return fault.Brief(err), nil
	}
	for _, t := range untold {
		if err := s.of(t).MarkNotified(ctx, t.known); err != nil {
			return "", err
		}
	}
	return "", nil
}

// headline says whether all is rolled back, and by whom, if that is known.
func headline(asked event.Rollback, targets []*target) string {
	title := asked.Name + " is rolled back"
	if slices.ContainsFunc(targets, failed) {
		title += " in part"
	}
	return title + by(asked.By)
}

func failed(t *target) bool { return t.Problem != "" }

// by is who asked, where that is known.
func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}

// done is what there is to do after a rollback.
func done(targets []*target) string {
	switch {
	case slices.ContainsFunc(targets, failed):
		return "Now: Put right what is said of each that was not rolled back, then roll back again."
	case slices.ContainsFunc(targets, func(t *target) bool { return len(t.left) > 0 }):
		return "Now: do what is said of each group and fleet; what was undone is launched or runs there still."
	}
	return report.Nothing
}

// news is what became of the targets, each followed by what does not go back with it, and those not told yet.
func news(asked event.Rollback, targets []*target) (lines []string, untold []*target) {
	for _, t := range targets {
		said := t.change()
		switch {
		case t.Problem != "":
			said = t.Problem
		case t.follows():
			said += ", and follows again"
			untold = append(untold, t)
		case t.held():
			untold = append(untold, t)
		default:
			continue
		}
		lines = append(append(lines, t.line()+": "+said), t.leftLines(asked)...)
	}
	return lines, untold
}

// mostLeft is how many sentences about what does not go back with a target a message has: more than people read.
const mostLeft = 12

// leftLines are what does not go back with the target; who asks again is told of all.
func (t *target) leftLines(asked event.Rollback) []string {
	more := len(t.left) - mostLeft
	if more <= 0 {
		return t.left
	}
	return append(slices.Clone(t.left[:mostLeft]),
		fmt.Sprintf("%d more are named by %s, also when it is asked again", more,
			job.Command("rollback", asked.Name)))
}

// change is what has changed, without what does not go back with it.
func (t *target) change() string {
	rolled := t.Rolled
	rolled.Note = strings.Join(t.notes(), "; ")
	change := report.Roll{Rolled: rolled}.Change()
	if len(t.Groups) > 0 {
		change += "; instance refresh rolled back in " + strings.Join(t.Groups, ", ")
	}
	if len(t.Refreshed) > 0 {
		change += "; instance refresh begun in " + strings.Join(t.Refreshed, ", ")
	}
	return change
}

// follows reports whether the target was pointed at what was rolled last.
func (t *target) follows() bool { return t.known.Record.Back == nil && !t.There }

// held reports whether the target is held back, and that was not told.
func (t *target) held() bool {
	back := t.known.Record.Back
	return back != nil && back.Told.IsZero() && back.Image == t.To
}

func (t *target) line() string { return report.Roll{Region: t.Region, Rolled: t.Rolled}.Label() }
