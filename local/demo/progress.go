package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/clock"
	"goldsmith/shared/job"
)

// progress prints a line for each thing that happens to a source: it stands
// between the state machine and the functions and reads what they return.
type progress struct {
	asl.Invoker
	clock *clock.Clock

	mu  sync.Mutex
	out io.Writer
}

// Invoke calls the function and tells what came of it.
func (p *progress) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	answer, failed := p.Invoker.Invoke(ctx, function, payload)
	var before, after job.Job
	if json.Unmarshal(payload, &before) == nil && json.Unmarshal(answer, &after) == nil && failed == nil {
		if text := said(short(function), before, after); text != "" {
			p.say(after.Source, text)
		}
	}
	return answer, failed
}

// short is a function's name without the account's part.
func short(function string) string {
	const before = "function:goldsmith-"
	for i := 0; i+len(before) <= len(function); i++ {
		if function[i:i+len(before)] == before {
			return function[i+len(before):]
		}
	}
	return function
}

func said(function string, before, after job.Job) string {
	switch function {
	case "claim":
		return claimed(after)
	case "stop":
		return "stopping"
	case "image":
		return pause("stopped after", before.Times.Stopped.Sub(before.Times.StopSent)) + "creating image " + after.Image.ID
	case "start":
		return pause("snapshots there after", before.Times.Snapshotted.Sub(before.Times.ImageSent)) + "starting"
	case "roll":
		return rolled(after)
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
	case j.Decision == job.ImageNow:
		return "claimed; it is stopped already and stays so"
	default:
		return "claimed"
	}
}

func rolled(j job.Job) string {
	count := 0
	for _, r := range j.Rolled {
		if r.Problem == "" {
			count++
		}
	}
	return fmt.Sprintf("image %s is available; rolled into %d of %d templates and aliases", j.Image.ID, count, len(j.Rolled))
}

func released(j job.Job) string {
	switch {
	case j.Skip != nil:
		return "skipped: " + j.Skip.Text
	case j.Failure != nil:
		return "FAILED: " + j.Failure.Problem()
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

func (p *progress) say(s job.Source, text string) {
	p.line(fmt.Sprintf("%-10s %s", s.Name, text))
}

func (p *progress) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, "%s  %s\n", p.clock.Now().Format(time.TimeOnly), text) //nolint:errcheck // a terminal that has gone
}
