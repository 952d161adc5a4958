package job

import (
	"log/slog"
	"time"

	"goldsmith/shared/plan"
)

// Batch is the document of the run itself: up to PageSize sources at a time,
// asked for again until More is false, so that a fleet of any size fits Step
// Functions' 256 KiB. It is also the run's input, as trigger writes it.
type Batch struct {
	Run  Run       `json:"run"`
	Plan plan.Plan `json:"plan"`
	// Execution is the ARN of the run's execution.
	Execution string `json:"execution"`
	// Ask are those of Sources that are to be stopped, of which EC2 was not asked yet whether it would start them again.
	Ask []string `json:"ask,omitempty"`
	// Sources are worked on in this round, Width of them at once.
	Sources []Source `json:"sources"`
	Width   int      `json:"width"`
	// Cursor is the last id handed out.
	Cursor string `json:"cursor"`
	More   bool   `json:"more"`
	// Stand are the members that stand for their Auto Scaling groups, by the group's name, while there is more.
	Stand map[string]string `json:"stand,omitempty"`
	// Problem is why the run cannot be done at all; set by trigger for a request that makes no sense.
	Problem string `json:"problem,omitempty"`
	// Failure is what a Catch caught.
	Failure *Failure `json:"failure,omitempty"`
	// Retire is how far retiring has come.
	Retire Retire `json:"retire"`
	// Outcome is how the run ended; set by notify.
	Outcome plan.Outcome `json:"outcome,omitempty"`
}

// Retire is how far retiring old images has come, a bounded number in each round.
type Retire struct {
	// Region is that of the copies that are looked at; empty for the suite's own images.
	Region string `json:"region,omitempty"`
	// Since is when the round before was done: so long the Region has been tried.
	Since time.Time `json:"since,omitzero"`
	// Cursor is the last source name that is done.
	Cursor string `json:"cursor"`
	// More asks for another round.
	More bool `json:"more"`
	// Failure is what a Catch caught: it ends the retiring, not the run.
	Failure *Failure `json:"failure,omitempty"`
}

// PageSize is how many sources select hands out at most: a thousand ids with
// two notes each are about 100 KB of the 256 KiB.
const PageSize = 1000

// LogAttrs are the ids an operator searches by.
func (p Batch) LogAttrs() []slog.Attr {
	return []slog.Attr{slog.String("run", p.Run.Name), slog.String("plan", p.Run.Plan)}
}

// LogAttrs are the ids an operator searches by.
func (j Job) LogAttrs() []slog.Attr {
	return []slog.Attr{slog.String("run", j.Run.Name), slog.String("plan", j.Run.Plan), slog.String("source", j.Source.ID)}
}
