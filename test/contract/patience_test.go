package contract

import (
	"fmt"
	"slices"
	"time"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/wait"
)

// hasty are waits that go on to another wait for the same, whatever ends them but a failure.
func hasty(d *definition, s *asl.State) bool {
	i := slices.IndexFunc(s.Catch, func(c asl.Catcher) bool { return slices.Contains(c.ErrorEquals, asl.ErrAll) })
	if i < 0 || !s.WaitForToken {
		return false
	}
	next := d.child.States[s.Catch[i].Next]
	return next != nil && next.WaitForToken && awaited(d, next) == awaited(d, s) && s.Next == next.Next
}

// looks: a look is done before the heartbeat kills its token, with time to spare for the start of the
// function and for spending the token, and before the function's own end.
func looks(d *definition) []string {
	const spare = 2
	var problems []string
	for _, s := range tasks(d.child) {
		if !s.WaitForToken {
			continue
		}
		parameters, _ := d.states[s.Name]["Parameters"].(object)
		payload, _ := parameters["Payload"].(object)
		within, _ := payload["within"].(float64)
		if within < 1 || int64(within) > s.Heartbeat.Fixed-spare || time.Duration(within)*time.Second >= limitOf("watch") {
			problems = append(problems, fmt.Sprintf("a look of %s may take %v s of its heartbeat's %d", s.Name, within,
				s.Heartbeat.Fixed))
		}
	}
	return problems
}

// limitOf is a function's own timeout.
func limitOf(name string) time.Duration {
	i := slices.IndexFunc(workflow.Functions, func(f workflow.Function) bool { return f.Name == name })
	return workflow.Functions[i].Timeout
}

// Step Functions' limit of an execution's history, and what one attempt of a wait takes of it: the task is
// scheduled, started, submitted, and times out or fails.
const (
	mostEvents    = 25_000
	attemptEvents = 4
)

// patience: a wait reaches beyond its last moment even when no event comes, every look fails once, or none
// works for all that time: watch gives it up, and not the retries, which count for the whole visit of a state.
// Together they leave the execution's history room.
func patience(d *definition) []string {
	var problems []string
	begun := time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)
	sent := job.Job{
		Times:     job.Times{StopSent: begun, ImageSent: begun, StartSent: begun, TestSent: begun, Released: begun},
		Refreshes: []job.Refresh{{Group: "web", ID: "refresh"}},
	}
	sent.Plan.Verify.Patience = plan.MaxPatience
	for _, s := range tasks(d.child) {
		if !s.WaitForToken {
			continue
		}
		await, err := wait.For(sent, job.For(awaited(d, s)))
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", s.Name, err))
			continue
		}
		if !hasty(d, s) {
			problems = append(problems, impatient(s, await.Until.Sub(begun))...)
		}
	}
	return problems
}

// passing are errors that may strike any look: the service's, AWS's when it is busy, and one without a name.
var passing = append([]string{"Transient", "Runtime.ExitError"}, lambdaErrors...)

// impatient says which errors end a wait before it is over.
func impatient(s *asl.State, limit time.Duration) (problems []string) {
	lasts := time.Duration(attempts(s, asl.ErrHeartbeatTimeout)*s.Heartbeat.Fixed) * time.Second
	if lasts < limit {
		problems = append(problems, fmt.Sprintf("%s lasts %s, what it awaits may take %s", s.Name, lasts, limit))
	}
	often := int64(limit.Seconds())/max(s.Heartbeat.Fixed, 1) + 1
	events := often * attemptEvents
	for _, name := range passing {
		if n := attempts(s, name); n < often {
			problems = append(problems, fmt.Sprintf("%s bears %s %d times, and looks %d times", s.Name, name, n, often))
		}
	}
	for _, r := range s.Retry {
		if slices.Contains(r.ErrorEquals, asl.ErrHeartbeatTimeout) || r.MaxAttempts == 0 {
			continue
		}
		events += r.MaxAttempts * attemptEvents
		if bears := borne(r); slices.ContainsFunc(r.ErrorEquals, lasting) && bears < limit {
			problems = append(problems,
				fmt.Sprintf("%s bears %s for %s, and may last %s", s.Name, r.ErrorEquals[0], bears, limit))
		}
	}
	if events > mostEvents {
		problems = append(problems, fmt.Sprintf("%s may write %d events, an execution's history takes %d", s.Name, events,
			mostEvents))
	}
	return problems
}

// borne is for how long a retrier tries again.
func borne(r asl.Retrier) time.Duration {
	bears := time.Duration(r.MaxAttempts*r.MaxDelaySeconds) * time.Second
	if r.JitterStrategy == "FULL" {
		bears /= 2 // on average
	}
	return bears
}

// lasting reports whether an error may strike for as long as a wait lasts.
func lasting(name string) bool { return name == "Transient" || slices.Contains(lambdaErrors, name) }
