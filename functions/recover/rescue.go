package recovery

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"goldsmith/functions/recover/executions"
	"goldsmith/functions/recover/leftovers"
	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/hook"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
	"goldsmith/shared/request"
	"goldsmith/shared/source"
	"goldsmith/shared/standby"
)

// instancesAPI looks at instances, starts them, and takes their tags off.
type instancesAPI interface {
	source.Lister
	request.Untagger
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
}

// claimsAPI is the ledger's claims as far as rescuing needs them.
type claimsAPI interface {
	Claims(ctx context.Context) iter.Seq2[ledger.Claim, error]
	Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error)
	Record(ctx context.Context, c ledger.Claim) error
	Drop(ctx context.Context, source, run string) error
	DropUnstopped(ctx context.Context, source, run string) (dropped bool, err error)
	bound.Ledger
}

// Rescue settles the claims that no execution works on any more.
type Rescue struct {
	EC2        instancesAPI
	Executions executions.API
	Claims     claimsAPI
	Waits      ledger.Waiting
	Results    leftovers.Results
	// Service brings members of Auto Scaling groups back into service.
	Service standby.Service
	// Hooks runs the commands that plans have after images.
	Hooks hook.Runner
	// Runs and Notices are how people hear that something runs again of which a run has told that it does not.
	Runs    executions.Ledger
	Notices executions.Noticer
	Notify  plan.Notify
	Now     func() time.Time

	// listed are the executions that this sweep has listed.
	listed statuses
}

// atOnce is how many claims are looked at together: a thousand of them fit one
// invocation then, and EC2's StartInstances takes two a second in any case.
const atOnce = 16

// Sweep looks at every claim, and returns those it found, nil when they could not be read. One that cannot be
// settled does not keep the others from it.
func (r Rescue) Sweep(ctx context.Context) (answer Answer, claims []ledger.Claim, err error) {
	claims, unread, err := r.read(ctx)
	if err != nil {
		return answer, nil, err
	}
	r.listed = r.children(ctx, claims)
	found, problems := make([]settled, len(claims)), make([]error, len(claims))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, claim := range claims {
		group.Go(func() error {
			var err error
			if found[i], err = r.Settle(ctx, claim); err != nil {
				problems[i] = fmt.Errorf("recovering %s: %w", claim.Source, err)
			}
			return nil
		})
	}
	_ = group.Wait() // problems holds them all
	answer.Claims, answer.Unread = len(claims), unread
	for _, s := range found {
		if s.down {
			answer.Down++
		}
	}
	measure(ctx, answer, oldest(claims, r.Now()))
	handler.Log(ctx).InfoContext(ctx, "swept", "claims", answer.Claims, "down", answer.Down)
	return answer, claims, errors.Join(append(problems, r.tidy(ctx, claims, unread), r.notifyOfBack(ctx, found),
		r.notifyOfNotBack(ctx, found))...)
}

// read gives the claims, and the sources of those that cannot be understood: nothing is known of
// what these say, and they keep no other from being looked after.
func (r Rescue) read(ctx context.Context) (claims []ledger.Claim, unread []string, err error) {
	claims = []ledger.Claim{}
	for claim, err := range r.Claims.Claims(ctx) {
		var unreadable *ledger.UnreadableError
		switch {
		case errors.As(err, &unreadable):
			handler.Log(ctx).ErrorContext(ctx, "a claim cannot be read", "source", claim.Source, "error", err)
			unread = append(unread, claim.Source)
		case err != nil:
			return nil, nil, fmt.Errorf("reading the claims: %w", err)
		default:
			claims = append(claims, claim)
		}
	}
	return claims, unread, nil
}

func oldest(claims []ledger.Claim, now time.Time) time.Duration {
	var age time.Duration
	for _, claim := range claims {
		age = max(age, now.Sub(claim.Since))
	}
	return age
}

// settled is what was found of a claim.
type settled struct {
	// down is whether its instance is down because of a run that has ended.
	down bool
	// was is the result that said so, when that is over; is says what became of it.
	was *job.Result
	is  string
	// claim is of one that cannot be started; nil of any other.
	claim *ledger.Claim
}

// Settle brings the claim's instance back if its run has ended, and drops the
// claim once there is nothing left to undo.
func (r Rescue) Settle(ctx context.Context, c ledger.Claim) (settled, error) {
	worked, err := r.workedOn(ctx, c)
	if err != nil || worked {
		return settled{}, err
	}
	if c.Kind == job.Snapshot {
		_, err := r.close(ctx, c, "the run ended before an image was made of it", types.InstanceStateNameRunning)
		return settled{}, err
	}
	instance, ok, err := source.Find(ctx, r.EC2, c.Source)
	if err != nil {
		return settled{down: !c.StopSent.IsZero()}, errors.Join(err, r.unseen(ctx, c))
	}
	if !ok {
		return r.unknown(ctx, c)
	}
	return r.settle(ctx, c, instance, true)
}

// unknown settles the claim of an instance that a describe does not know.
func (r Rescue) unknown(ctx context.Context, c ledger.Claim) (settled, error) {
	switch {
	case c.WasRunning && !c.StopSent.IsZero():
		return r.missing(ctx, c)
	case c.Hook.Due():
		if there, err := r.there(ctx, c); err != nil || there {
			return settled{down: true}, err
		}
	}
	return r.settle(ctx, c, types.Instance{}, false)
}

// settle does what the instance's state asks for.
func (r Rescue) settle(ctx context.Context, c ledger.Claim, instance types.Instance, ok bool) (settled, error) {
	state := source.State(instance)
	switch verdict, problem := r.judge(c, instance, ok); verdict {
	case over:
		c, waits, why, err := r.undo(ctx, c, state)
		if err != nil || waits {
			return settled{down: true}, err
		}
		problem += why
		was, err := r.close(ctx, c, problem, state)
		return settled{was: was, is: strings.TrimPrefix(problem, early)}, err
	case startable:
		c, err := r.start(ctx, c, instance)
		if c.Problem == "" {
			return settled{down: true}, err
		}
		return settled{down: true, claim: &c}, err
	default:
		return settled{down: true}, r.showing(ctx, c, string(state), time.Time{})
	}
}

// undo does what is left to undo of a source that is up or gone: its application first, then its group's service.
func (r Rescue) undo(ctx context.Context, c ledger.Claim, state types.InstanceStateName) (
	undone ledger.Claim, waits bool, why string, err error) {
	c, waits, why, err = r.after(ctx, c, state)
	if err != nil || waits {
		return ledger.Claim{}, true, "", err
	}
	if told, err := r.tellOfAfter(ctx, c, state); err != nil || !told {
		return ledger.Claim{}, true, "", err
	}
	c, waits, more, err := r.serve(ctx, c, state)
	return c, waits, why + more, err
}

// start sends StartInstances; the claim stays until a describe shows the instance
// running. What keeps it down is kept in the claim, so that the run's message says it.
func (r Rescue) start(ctx context.Context, c ledger.Claim, instance types.Instance) (ledger.Claim, error) {
	log := handler.Log(ctx).With("source", c.Source, "name", c.Name, "run", c.Run, "down_since", c.StopSent)
	if _, err := r.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{c.Source}}); err != nil {
		// It is known, told with its run and tried again: the sweep itself has not failed.
		log.ErrorContext(ctx, "an instance is down and cannot be started", "error", err)
		return breaker.Refused(ctx, r.Claims, c, breaker.CodeOf(err), "it cannot be started: "+fault.Brief(err),
			r.Now().UTC())
	}
	now, first := r.Now().UTC(), c.Left.IsZero()
	if onlyStartIsDenied(c, now) {
		if err := breaker.Deny(ctx, r.Claims, c, now); err != nil {
			return c, err
		}
	}
	c, takenBack := started(c, instance, now)
	log.WarnContext(ctx, "started an instance that a run left stopped", "problem", c.Problem)
	if first {
		c.Left = now
	}
	if err := r.Claims.Record(ctx, c); err != nil {
		return c, fmt.Errorf("recording the start: %w", err)
	}
	if takenBack {
		return c, errors.Join(breaker.Mark(ctx, r.Claims, c), r.amend(ctx, c, r.staysDown))
	}
	if !first {
		return c, r.amend(ctx, c, r.startedSince)
	}
	return c, r.showing(ctx, c, string(types.InstanceStateNamePending), now)
}

// onlyStartIsDenied reports whether function start was denied the start that the sweep was allowed at its first try.
func onlyStartIsDenied(c ledger.Claim, now time.Time) bool {
	return c.Started.IsZero() && fault.DeniedCode(c.RefusedBy) && now.Sub(c.Refused) < between
}

// between is how long after a refused start the first sweep is at most.
const between = 5 * time.Minute

// started notes a start that was sent now, and whether EC2 took the one before it back. While that is not to be seen
// yet the time of the first stands.
func started(c ledger.Claim, before types.Instance, now time.Time) (noted ledger.Claim, takenBack bool) {
	switch {
	case c.Started.IsZero():
		c.Started, c.Problem = now, ""
	case source.StartOf(before, c.Started, now) == source.TakenBack:
		c.Started, c.TakenBack = now, now
		c.Problem, c.RefusedBy = "it does not stay up: "+source.Why(before), codeOf(before)
		if c.Refused.IsZero() {
			c.Refused = now
		}
		return c, true
	}
	return c, false
}

// codeOf is EC2's code for the state that an instance is in.
func codeOf(i types.Instance) string {
	if r := i.StateReason; r != nil && aws.ToString(r.Code) != "" {
		return aws.ToString(r.Code)
	}
	return breaker.FellBack
}

// close forgets what the run waited for, writes the result and drops the claim.
func (r Rescue) close(ctx context.Context, c ledger.Claim, problem string,
	state types.InstanceStateName) (was *job.Result, err error) {
	if err := ledger.Forget(ctx, r.Waits, c.Source, c.Run); err != nil {
		return nil, err
	}
	if was, err = r.record(ctx, c, problem, state); err != nil {
		return nil, err
	}
	if err := r.free(ctx, c); err != nil {
		return nil, err
	}
	stopped := !c.StopSent.IsZero() || c.Standby != nil
	if !stopped && c.Hook == nil {
		return was, r.letGo(ctx, c)
	}
	if err := r.drop(ctx, c, state, stopped); err != nil {
		return nil, err
	}
	return was, nil
}

// drop drops a claim of which all is undone.
func (r Rescue) drop(ctx context.Context, c ledger.Claim, state types.InstanceStateName, stopped bool) error {
	if state == types.InstanceStateNameStopped {
		// A person has stopped it. Without the claim its tag would say that the run has.
		if err := TakeOff(ctx, r.EC2, c.Execution, c.Source); err != nil {
			return err
		}
	}
	if err := bound.Leave(ctx, r.Claims, c.Plan, c.Source, c.Run, stopped); err != nil {
		return err
	}
	if err := r.Claims.Drop(ctx, c.Source, c.Run); err != nil {
		return fmt.Errorf("dropping the claim: %w", err)
	}
	return nil
}

// letGo drops a claim without a stop, and then gives up its place. Function stop goes on for a while when its
// execution has ended: a stop that it has noted since keeps both, and the next sweep brings the instance back.
func (r Rescue) letGo(ctx context.Context, c ledger.Claim) error {
	dropped, err := r.Claims.DropUnstopped(ctx, c.Source, c.Run)
	if err != nil {
		return fmt.Errorf("dropping the claim: %w", err)
	}
	if !dropped {
		return nil
	}
	return bound.Leave(ctx, r.Claims, c.Plan, c.Source, c.Run, false)
}

func (r Rescue) put(ctx context.Context, result job.Result) error {
	if err := r.Results.PutResult(ctx, result); err != nil {
		return fmt.Errorf("recording what became of it: %w", err)
	}
	return nil
}

func measure(ctx context.Context, a Answer, oldest time.Duration) {
	log := handler.Log(ctx)
	metric.Put(ctx, log, metric.OldestClaim, "all", oldest.Seconds())
	metric.Put(ctx, log, metric.LeftStopped, "all", float64(a.Down))
}
