// Package trace knows what the tag goldsmith:stopped proves. The tag names the execution that stops an instance, and
// is a pointer only: anyone can write one, or write it back. That an instance is down because of Goldsmith is shown
// by what Step Functions says of that execution and what EC2 says of the instance, or not at all.
package trace

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
)

// Names of states of the definition, in which an execution stops its instance or starts it. A contract test holds them
// equal to those that invoke functions stop and start.
const (
	StopState  = "Stop the instance"
	StartState = "Start the instance"
	BackState  = "Bring the instance back"
	// WaitState follows BackState when that has sent a start; it sends none for what runs, was never stopped or is gone.
	WaitState = "Wait until it is back"
)

// Evidence is what Step Functions says of an execution that a tag names.
type Evidence struct {
	// Job is what it was given, Began and Ended when it worked on that.
	Job          job.Job
	Began, Ended time.Time

	state  string
	stops  []span
	starts []time.Time
	// back is when BackState was answered last.
	back time.Time
}

// span is the time of one invocation; to is zero while it is open.
type span struct{ from, to time.Time }

// Of is what a description of an execution says; its history is to be read.
func Of(out *sfn.DescribeExecutionOutput) *Evidence {
	e := &Evidence{Began: aws.ToTime(out.StartDate), Ended: aws.ToTime(out.StopDate)}
	if json.Unmarshal([]byte(aws.ToString(out.Input)), &e.Job) != nil {
		e.Job = job.Job{} // Somebody has started it by hand, with an input of their own.
	}
	return e
}

// Read takes the next event of the execution's history. Of invocations only those count that were answered: what a
// failed one did is not known, and another may have stopped the instance meanwhile.
func (e *Evidence) Read(event sfntypes.HistoryEvent) {
	at := aws.ToTime(event.Timestamp)
	if entered := event.StateEnteredEventDetails; entered != nil {
		if e.state = aws.ToString(entered.Name); e.state == WaitState {
			e.starts = append(e.starts, e.back)
		}
		return
	}
	switch event.Type {
	case sfntypes.HistoryEventTypeLambdaFunctionScheduled:
		if e.state == StopState {
			e.stops = append(e.stops, span{from: at})
		}
	case sfntypes.HistoryEventTypeLambdaFunctionSucceeded:
		e.answered(at)
	case sfntypes.HistoryEventTypeLambdaFunctionFailed, sfntypes.HistoryEventTypeLambdaFunctionTimedOut,
		sfntypes.HistoryEventTypeLambdaFunctionScheduleFailed, sfntypes.HistoryEventTypeLambdaFunctionStartFailed:
		if e.state == StopState && len(e.stops) > 0 {
			e.stops = e.stops[:len(e.stops)-1]
		}
	default: // The others say nothing of stops and starts.
	}
}

func (e *Evidence) answered(at time.Time) {
	switch e.state {
	case StopState:
		if last := len(e.stops) - 1; last >= 0 {
			e.stops[last].to = at
		}
	case StartState:
		e.starts = append(e.starts, at)
	case BackState:
		e.back = at
	}
}

// Against is why the evidence does not prove that the execution's stop is what keeps the instance down; "" when it
// does. It is asked of a stopped instance.
func (e *Evidence) Against(i types.Instance) string {
	if e.Job.Source.ID != aws.ToString(i.InstanceId) || e.Job.Source.Kind == job.Snapshot || e.Job.Run.Name == "" {
		return "that execution did not work on this instance"
	}
	at, known := source.StoppedAt(i)
	if !known {
		return "EC2 does not say when it was stopped (" + source.Why(i) + ")"
	}
	stop, ours := e.stopAt(at)
	switch {
	case !ours:
		return fmt.Sprintf("it was stopped at %s, and not by that execution", at.Format(time.DateTime+" UTC"))
	case !aws.ToTime(i.LaunchTime).Before(stop.from):
		return "it was started after that execution had stopped it"
	case e.startedAfter(stop.from):
		return "that execution has started it again"
	default:
		return ""
	}
}

// skew is how far the clocks of EC2 and of Step Functions may be apart. EC2 gives whole seconds.
const skew = time.Second

// stopAt is the invocation of function stop that EC2 was told at that moment by. One that was cut off with its
// execution counts until the execution's end.
func (e *Evidence) stopAt(at time.Time) (span, bool) {
	for _, s := range e.stops {
		if s.to.IsZero() {
			s.to = e.Ended
		}
		if !at.Before(s.from.Truncate(time.Second).Add(-skew)) && !at.After(s.to.Add(skew)) {
			return s, true
		}
	}
	return span{}, false
}

func (e *Evidence) startedAfter(stop time.Time) bool {
	for _, at := range e.starts {
		if at.After(stop) {
			return true
		}
	}
	return false
}

// Claim is the claim that the run had of the instance: as much of it as recovering needs.
func (e *Evidence) Claim(i types.Instance, execution string) ledger.Claim {
	at, _ := source.StoppedAt(i)
	c := ledger.Claim{
		Source: e.Job.Source.ID, Kind: job.Instance, Name: source.Name(source.Tags(i), e.Job.Source.ID),
		Run: e.Job.Run.Name, Plan: e.Job.Run.Plan, Execution: execution, Since: e.Began,
		WasRunning: true, Looked: true, StopSent: at, StopTried: at, InstanceType: string(i.InstanceType),
	}
	if p := i.Placement; p != nil {
		c.Zone, c.Host = aws.ToString(p.AvailabilityZone), aws.ToString(p.HostId)
	}
	return c
}
