// Package progress shows what happens to each source while it happens, for
// somebody who watches a terminal.
package progress

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/local/clock"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/report"
)

// Printer prints a line for each thing that happens to a source. It stands
// between the state machine and the functions, and reads what they return.
type Printer struct {
	functions asl.Invoker
	clock     *clock.Clock
	old       func(ctx context.Context, plan string) iter.Seq2[job.Retirement, error]

	mu    sync.Mutex
	out   io.Writer
	quiet bool
}

// Quiet ends the printing.
func (p *Printer) Quiet() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = true
}

// New prints to out.
func New(clock *clock.Clock, out io.Writer) *Printer { return &Printer{clock: clock, out: out} }

// Around puts the printer in front of the functions.
func (p *Printer) Around(functions asl.Invoker) asl.Invoker {
	p.functions = functions
	return p
}

// Old tells the printer where what becomes of old images is written down.
func (p *Printer) Old(retirements func(ctx context.Context, plan string) iter.Seq2[job.Retirement, error]) {
	p.old = retirements
}

// Invoke calls the function and tells what came of it.
func (p *Printer) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	answer, failed := p.functions.Invoke(ctx, function, payload)
	name := workflow.FunctionIn(function)
	if failed != nil {
		if failed.Name != reached && (name != "hook" || failed.Name != notYet) {
			p.failed(name, payload, failed)
		}
		return answer, failed
	}
	if name == "retire" {
		p.retired(ctx, payload)
		return answer, failed
	}
	before, ok := jobIn(payload)
	var after job.Job
	if ok && json.Unmarshal(answer, &after) == nil {
		if text := said(name, before, after); text != "" {
			p.say(after.Source, text)
		}
	}
	return answer, failed
}

// reached ends a look at what is there already, and notYet one at a command that runs. They are no failures.
var (
	reached = reflect.TypeFor[fault.Reached]().Name()
	notYet  = reflect.TypeFor[fault.NotYet]().Name()
)

// jobIn is the job that a function is given, by itself or with what is to be done with it.
func jobIn(payload []byte) (j job.Job, ok bool) {
	var in struct {
		Job *job.Job `json:"job"`
	}
	if json.Unmarshal(payload, &in) == nil && in.Job != nil {
		return *in.Job, true
	}
	return j, json.Unmarshal(payload, &j) == nil
}

// retired tells of what the run has just done with old images.
func (p *Printer) retired(ctx context.Context, payload []byte) {
	var page job.Batch
	if p.old == nil || json.Unmarshal(payload, &page) != nil {
		return
	}
	for r, err := range p.old(ctx, page.Run.Plan) {
		if err == nil && r.Run == page.Run.Name {
			p.say(job.Source{Name: r.Name}, fmt.Sprintf("old image %s: %s: %s", r.Subject, r.Status, strings.Join(r.Why, "; ")))
		}
	}
}

// failed tells of a function that failed; the state machine may try it again.
func (p *Printer) failed(name string, payload []byte, failed *asl.Error) {
	before, ok := jobIn(payload)
	failure := job.Failure{Error: failed.Name, Cause: failed.Cause}
	if !ok || before.Source.ID == "" {
		p.Line(fmt.Sprintf("%s: %s: %s", name, failed.Name, failure.Problem()))
		return
	}
	p.say(before.Source, fmt.Sprintf("%s: %s: %s", name, failed.Name, failure.Problem()))
}

func said(function string, before, after job.Job) string {
	switch function {
	case "claim":
		return claimed(after)
	case "stop":
		return "stopping"
	case "hook":
		return commanded(before, after)
	case "image":
		return pause("stopped after", before.Times.Stopped.Sub(before.Times.StopSent)) + "creating image " + after.Image.ID
	case "start":
		return pause("snapshots there after", before.Times.Snapshotted.Sub(before.Times.ImageSent)) + "starting"
	case "roll":
		return rolled(after)
	case "refresh":
		return refreshed(before, after)
	case "release":
		return released(after)
	default:
		return ""
	}
}

func claimed(j job.Job) string {
	switch {
	case j.Decision == job.SkipIt:
		return ""
	case j.Decision == job.RegisterIt:
		return "claimed; nothing is stopped for a snapshot"
	case !j.Source.WasRunning:
		return "claimed; it is stopped already and stays so"
	default:
		return "claimed"
	}
}

// commanded tells of a command of the plan's that has been run.
func commanded(before, after job.Job) string {
	frozen := map[bool][2]string{false: {"its command before was run", "its command after was run"},
		true: {"frozen", "snapshots are there; thawed"}}[after.Frozen()]
	switch {
	case after.Skip != nil: // Its release tells.
		return ""
	case before.Hook.Before:
		return frozen[0]
	default:
		return frozen[1]
	}
}

func rolled(j job.Job) string {
	count, all := 0, len(j.Rolled)
	for _, r := range j.Rolled {
		if r.Problem == "" {
			count++
		}
	}
	if rest := j.Rest; rest != nil {
		count, all = count+rest.Rolled, all+rest.Rolled+rest.NotRolled+rest.Held
	}
	return fmt.Sprintf("image %s is available; rolled into %d of %d templates and aliases", j.Image.ID, count, all)
}

// refreshed tells of the groups whose refresh has begun, and of all once none is left to wait for.
func refreshed(before, after job.Job) string {
	var news []string
	for _, r := range after.Refreshes {
		known := slices.IndexFunc(before.Refreshes, func(b job.Refresh) bool { return b.Group == r.Group })
		switch {
		case known < 0 && r.Going():
			news = append(news, fmt.Sprintf("refreshing group %s from %s to %s", r.Group, r.From, r.To))
		case known < 0, !after.Refreshing:
			news = append(news, "group "+r.Group+": "+report.Refresh{Refresh: r}.Change())
		}
	}
	return strings.Join(news, "; ")
}

func released(j job.Job) string {
	switch {
	case j.Skip != nil:
		return "skipped: " + j.Skip.Text
	case j.Failure != nil:
		return "FAILED: " + j.Failure.Problem()
	case j.Times.Released.IsZero():
		return "out of Standby, and on its way back into service"
	case j.Times.Downtime() > 0:
		return fmt.Sprintf("done; it was down for %s", j.Times.Downtime().Round(time.Second))
	default:
		return "done"
	}
}

// pause says how long something took, when it took any time at all.
func pause(what string, took time.Duration) string {
	if took <= 0 {
		return ""
	}
	return fmt.Sprintf("%s %s; ", what, took.Round(time.Second))
}

func (p *Printer) say(s job.Source, text string) {
	p.Line(fmt.Sprintf("%-10s %s", s.Name, text))
}

// Line prints a line with the time before it.
func (p *Printer) Line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quiet {
		return
	}
	fmt.Fprintf(p.out, "%s  %s\n", p.clock.Now().Format(time.TimeOnly), text)
}
