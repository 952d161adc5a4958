package asl

import "time"

// MapRun is what a run of a distributed Map has come to.
type MapRun struct {
	ARN     string
	Started time.Time
	// Stopped is zero while it goes on.
	Stopped time.Time
	Status  Status
	// Total counts the items.
	Total               int
	Concurrency         int
	ToleratedCount      int64
	ToleratedPercentage float64
	Redrives            int
	Redriven            time.Time
	children            map[int]*Execution
	Pending, Running    int
	Succeeded, Failed   int
	TimedOut, Aborted   int
}

// MapRuns are the runs of distributed Maps that the execution has begun, the oldest first.
func (e *Execution) MapRuns() []MapRun {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]MapRun, len(e.mapRuns))
	for i, run := range e.mapRuns {
		all[i] = run.counted()
	}
	return all
}

// counted is the run with its children by their status; items without a child are pending while it goes on.
func (r *MapRun) counted() MapRun {
	out := *r
	for _, child := range r.children {
		switch child.Outcome().Status {
		case Running:
			out.Running++
		case Succeeded:
			out.Succeeded++
		case Failed:
			out.Failed++
		case TimedOut:
			out.TimedOut++
		case Aborted:
			out.Aborted++
		}
	}
	left := out.Total - len(r.children)
	if out.Status == Running {
		out.Pending = left
	} else {
		out.Aborted += left
	}
	return out
}

// begins notes a run of a distributed Map, or that it was redriven.
func (e *Execution) begins(run *mapRun, limit int) {
	now := e.runtime.options.Clock.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, known := range e.mapRuns {
		if known.ARN == run.arn {
			known.Status, known.Stopped = Running, time.Time{}
			known.Redrives, known.Redriven = known.Redrives+1, now
			run.told = known
			return
		}
	}
	run.told = &MapRun{
		ARN: run.arn, Started: now, Status: Running, Total: run.total, Concurrency: limit,
		ToleratedCount: max(run.state.limit.count, 0), ToleratedPercentage: max(run.state.limit.percentage, 0),
		children: map[int]*Execution{},
	}
	e.mapRuns = append(e.mapRuns, run.told)
}

// endsRun notes how the run of a distributed Map ended.
func (e *Execution) endsRun(run *mapRun, status Status) {
	e.mu.Lock()
	defer e.mu.Unlock()
	run.told.Status, run.told.Stopped = status, e.runtime.options.Clock.Now()
}
