// Package recovery sees to it that nothing is left of runs that were cut off:
// it brings back what they left stopped, answers requests and schedules that
// were not told of, and tells of runs that could not tell of themselves. It works
// from claims and from what AWS says, never from memory, so it may run at any
// time and twice at once.
package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"goldsmith/functions/recover/adoption"
	"goldsmith/functions/recover/due"
	"goldsmith/functions/recover/executions"
	"goldsmith/functions/recover/exemption"
	"goldsmith/functions/recover/leftovers"
	"goldsmith/functions/recover/requests"
	"goldsmith/shared/balancer"
	"goldsmith/shared/command"
	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/hook"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/runs"
	"goldsmith/shared/source"
	"goldsmith/shared/standby"
)

// Step recovers.
type Step struct {
	rescue    Rescue
	traces    Traces
	images    leftovers.Images
	tests     leftovers.Tests
	runs      executions.Runs
	requests  requests.Requests
	missed    due.Missed
	overdue   due.Overdue
	adoption  adoption.Adoption
	exemption exemption.Exemption
	problems  Problems
	home      event.Home
}

// ec2API is what recovering does to instances, and what it asks.
type ec2API interface {
	instancesAPI
	leftovers.EC2
	leftovers.Ender
	source.Asker
}

// stepFunctions is what recovering asks of executions, and how runs begin.
type stepFunctions interface {
	histories
	runs.Executions
}

// runNotifier tells people of runs, and of what else they should know.
type runNotifier interface {
	executions.Reporter
	executions.Noticer
}

// Account is what recovering works with.
type Account struct {
	EC2        ec2API
	Usage      leftovers.UsageFinder
	Origins    adoption.Origins
	Executions stepFunctions
	// Groups and Balancers are Auto Scaling and Elastic Load Balancing, of what is out of service.
	Groups    standby.Groups
	Balancers balancer.Registerer
	// SSM runs what plans have run after images.
	SSM       command.API
	Schedules due.Schedules
	Ledger    ledger.Ledger
	Notifier  runNotifier
	Plans     plan.Plans
	// Machine is the ARN of the state machine's alias, or its own.
	Machine string
	// Path is where the aliases of images lie in Parameter Store.
	Path string
	// Home is the account and the Region whose events are believed.
	Home event.Home
	Now  func() time.Time
}

// New makes the step.
func New(a Account) Step {
	starter := runs.Starter{Executions: a.Executions, Plans: a.Plans, Machine: a.Machine}
	calendar := due.Calendar{Ledger: a.Ledger, Plans: a.Plans, Now: a.Now}
	runs := executions.Runs{Executions: a.Executions, Ledger: a.Ledger, Notifier: a.Notifier, Plans: a.Plans,
		Machine: starter.Base(), Now: a.Now}
	rescue := Rescue{EC2: a.EC2, Executions: a.Executions, Claims: a.Ledger, Waits: a.Ledger, Results: a.Ledger,
		Now: a.Now}
	rescue.Service = standby.Service{Groups: a.Groups, Balancers: a.Balancers, Claims: a.Ledger, Now: a.Now}
	rescue.Hooks = hook.Runner{EC2: a.EC2, SSM: a.SSM, Plans: a.Plans, Claims: a.Ledger, Now: a.Now}
	rescue.Runs, rescue.Notices, rescue.Notify = a.Ledger, a.Notifier, a.Plans.Plans[a.Plans.Default].Notify
	return Step{
		rescue: rescue,
		traces: Traces{
			EC2: a.EC2, Executions: a.Executions, Rescue: rescue, Notices: a.Notifier,
			Notify:  a.Plans.Plans[a.Plans.Default].Notify,
			Machine: starter.Base(), Now: a.Now,
		},
		images: leftovers.Images{EC2: a.EC2, Usage: a.Usage, Register: a.Ledger, Waits: a.Ledger, Results: a.Ledger,
			Tests: tested(a.Plans), Now: a.Now},
		tests:    leftovers.Tests{EC2: a.EC2, Register: a.Ledger, Waits: a.Ledger, WorkedOn: rescue.workedOn, Now: a.Now},
		runs:     runs,
		requests: requests.Requests{EC2: a.EC2, Ledger: a.Ledger, Runs: runs, Starter: starter},
		missed: due.Missed{Calendar: calendar, Executions: a.Executions, Schedules: a.Schedules, Notifier: a.Notifier,
			Starter: starter},
		overdue: due.Overdue{Calendar: calendar},
		adoption: adoption.Adoption{
			EC2: a.EC2, Origins: a.Origins, Ledger: a.Ledger, Executions: a.Executions, Execution: starter.Execution,
			Tests: tested(a.Plans),
		},
		exemption: exemption.Exemption{Ledger: a.Ledger, Notices: a.Notifier, Notify: a.Plans.Plans[a.Plans.Default].Notify,
			Now: a.Now},
		problems: Problems{EC2: a.EC2, Notices: a.Notifier, Notify: a.Plans.Plans[a.Plans.Default].Notify},
		home:     a.Home,
	}
}

// tested tells the plans that have their images tested.
func tested(plans plan.Plans) func(string) bool {
	return func(name string) bool { return plans.Plans[name].Verify.Boot }
}

// Answer says what was found, for the log and for a person who called it by hand.
type Answer struct {
	// Claims is how many there are; Down how many of them keep an instance from running.
	Claims int `json:"claims"`
	Down   int `json:"down"`
	// Unread are the sources whose claims cannot be read: a person has to look at them.
	Unread []string `json:"unread,omitempty"`
	// Ignored says why the event is nothing to recover from.
	Ignored string `json:"ignored,omitempty"`
	// Adopted is set when images were to be registered.
	Adopted *adoption.Adopted `json:"adopted,omitempty"`
	// Exempted is set when a person exempted a source, or took that back.
	Exempted *exemption.Exempted `json:"exempted,omitempty"`
}

// Handle sweeps on a schedule, and brings back what was left stopped on the event of
// an execution that did not end well.
func (s Step) Handle(ctx context.Context, raw json.RawMessage) (Answer, error) {
	decoded, err := event.Decode(raw, s.home)
	if err != nil {
		return Answer{}, &fault.Failed{Err: err}
	}
	switch e := decoded.(type) {
	case event.Sweep:
		answer, err := s.sweep(ctx)
		return answer, s.problems.settle(ctx, err)
	case event.Adopt:
		adopted, err := s.adoption.Adopt(ctx, e)
		return Answer{Adopted: &adopted}, err
	case event.Exempt:
		exempted, err := s.exemption.Exempt(ctx, e)
		return Answer{Exempted: exempted}, err
	case event.ExecutionEnded:
		if !s.ours(e) || e.Status == "SUCCEEDED" {
			return Answer{Ignored: "execution " + e.ARN + " leaves nothing behind"}, nil
		}
		answer, claims, err := s.rescue.Sweep(ctx)
		return answer, errors.Join(err, s.traces.Follow(ctx, claims), s.ended(ctx, e))
	default:
		return Answer{Ignored: fmt.Sprintf("%T is nothing to recover from", decoded)}, nil
	}
}

// sweep looks after everything, the instances first. What stands in the way of one
// thing does not stand in the way of the next.
func (s Step) sweep(ctx context.Context) (Answer, error) {
	answer, claims, swept := s.rescue.Sweep(ctx)
	swept = errors.Join(swept, s.traces.Follow(ctx, claims), s.problems.unread(ctx, answer.Unread))
	if claims != nil { // Without the claims it is not known what is in hand.
		swept = errors.Join(swept, s.settle(ctx, claims))
	}
	runs, err := s.runs.Recent(ctx)
	if err != nil {
		return answer, errors.Join(swept, err, s.overdue.Notify(ctx))
	}
	return answer, errors.Join(swept,
		s.runs.NotifyOfEnded(ctx, runs),
		s.requests.Answer(ctx, claims, runs),
		s.missed.MakeUp(ctx, runs),
		s.overdue.Notify(ctx),
	)
}

// settle looks at what is registered and not settled. The register is read after the claims: whoever
// registers holds the claim by then.
func (s Step) settle(ctx context.Context, claims []ledger.Claim) error {
	var open []ledger.Registration
	for r, err := range s.images.Register.Unsettled(ctx) {
		if err != nil {
			return fmt.Errorf("reading the register: %w", err)
		}
		open = append(open, r)
	}
	return errors.Join(s.images.Settle(ctx, claims, open), s.tests.End(ctx, claims, open))
}

// ended tells of a run that ended without doing so. A child's end is told by its run.
func (s Step) ended(ctx context.Context, e event.ExecutionEnded) error {
	if strings.Contains(e.Machine, "/") {
		return nil
	}
	return s.runs.NotifyOf(ctx, e.Name, e.ARN, e.Status)
}

// ours reports whether the execution is one of the suite's; a child of its Map
// has the machine's name with a label after a slash.
func (s Step) ours(e event.ExecutionEnded) bool {
	machine, _, _ := strings.Cut(e.Machine, "/")
	return machine == s.runs.Machine
}
