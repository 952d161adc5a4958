// Package start brings back the instance that the run stopped, and nothing else.
package start

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/pace"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
)

// starter starts instances.
type starter interface {
	source.Lister
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
}

// claims is the ledger as far as starting needs it.
type claims interface {
	Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error)
	breaker.Ledger
	pace.Waiting
}

// results is where it goes why a source is left alone.
type results interface {
	PutResult(ctx context.Context, r job.Result) error
}

// marks are those of what was denied to be started.
type marks interface {
	breaker.Marks
	breaker.Freer
}

// Step starts an instance.
type Step struct {
	EC2    starter
	Claims claims
	// Results and Marks are for what could not be started.
	Results results
	Marks   marks
	Now     func() time.Time
}

// Handle starts the job's instance if the run stopped it. After a failure it looks first: how far the failed step
// came is not known then. So it does where the instance was down for as long as its image took: a person may have
// started it. Where EC2 does not say, the claim does.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	if j.Decision != job.StopFirst || j.Back {
		j.Gone = s.vanished(ctx, j)
		j.Back = true
		return j, nil
	}
	j.NoRoom = false
	if !looksFirst(j) {
		j, _, err := s.send(ctx, j)
		return j, err
	}
	j, blind, err := s.look(ctx, j)
	if j.Back || err != nil {
		return backAlready(j), err
	}
	again := blind && !j.Times.StartSent.IsZero()
	j, before, err := s.send(ctx, j)
	if err == nil && again && before == types.InstanceStateNameStopped {
		s.noteTakenBack(ctx, j)
	}
	return j, err
}

// backAlready is a job whose instance other hands have started: its command after is due at once.
func backAlready(j job.Job) job.Job {
	j.Hook.After = j.Hook.Due && j.Back
	return j
}

// looksFirst reports whether the job's instance may run, or have been stopped by other hands.
func looksFirst(j job.Job) bool {
	return j.Failure != nil || !j.Times.StartSent.IsZero() || j.Plan.Restart == plan.Available
}

// send sends the start, and notes that it did, or why the source stays down. It gives the state before that, as EC2
// says.
func (s Step) send(ctx context.Context, j job.Job) (sent job.Job, before types.InstanceStateName, err error) {
	before, err = pace.Starter{EC2: s.EC2, Ledger: s.Claims, Now: s.Now}.Start(ctx, ledger.Slot{
		Source: j.Source.ID, Name: j.Source.Name, Run: j.Run.Name, Execution: j.Execution,
	})
	switch {
	case fault.IsNotFound(err):
		j, err := s.unknown(ctx, j, err)
		return j, "", err
	case fault.IsNotYet(err):
		return j, "", s.inNoState(ctx, j, err)
	case err != nil:
		s.refused(ctx, j, false, breaker.CodeOf(err), "it cannot be started: "+fault.Brief(err))
		return j, "", fmt.Errorf("starting %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
	j.Times.StartSent, j.Hook.After = s.Now().UTC(), j.Hook.Due
	brief, cancel := context.WithTimeout(ctx, noting)
	defer cancel()
	if err := bound.Started(brief, s.Claims, j, j.Times.StartSent); err != nil {
		handler.Log(ctx).ErrorContext(ctx, "start not recorded", "source", j.Source.ID,
			"error", err)
	}
	return j, before, nil
}

// noting is how long the ledger has to take that a start was sent, which it does not decide.
const noting = 5 * time.Second

// noteTakenBack has the sweep start the source again without a look, should this job not bring it back: it was down
// though EC2 had accepted a start before.
func (s Step) noteTakenBack(ctx context.Context, j job.Job) {
	now := s.Now().UTC()
	claim, err := s.Claims.Claim(ctx, ledger.ClaimOf(j, now))
	if claim.TakenBack = now; err == nil {
		err = s.Claims.Record(ctx, claim)
	}
	if err != nil {
		handler.Log(ctx).ErrorContext(ctx, "start taken back, not recorded", "source", j.Source.ID,
			"error", err)
	}
}

// vanished reports whether a source that was imaged as it was is gone, which the message of its failure says.
func (s Step) vanished(ctx context.Context, j job.Job) bool {
	if j.Failure == nil || j.Decision != job.ImageNow || j.Source.Kind == job.Snapshot {
		return false
	}
	instance, ok, err := source.Find(ctx, s.EC2, j.Source.ID)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "whether the source is gone is not known", "source", j.Source.ID, "error", err)
		return false
	}
	return !ok || source.Ending(source.State(instance))
}

// refused notes why the source stays down, so that nothing more is stopped that would stay down with it.
// The start itself matters more: what cannot be noted is logged.
func (s Step) refused(ctx context.Context, j job.Job, takenBack bool, code, problem string) {
	now := s.Now().UTC()
	claim, err := s.Claims.Claim(ctx, ledger.ClaimOf(j, now))
	if takenBack {
		claim.TakenBack = now
	}
	if err == nil {
		_, err = breaker.Refused(ctx, s.Claims, claim, code, problem, now)
	}
	if err != nil {
		handler.Log(ctx).ErrorContext(ctx, "source stays down, not recorded", "source", j.Source.ID,
			"error", err)
	}
}

// takenBack notes a start that EC2 took back.
func (s Step) takenBack(ctx context.Context, j job.Job, instance types.Instance) {
	code := breaker.FellBack
	if r := instance.StateReason; r != nil && aws.ToString(r.Code) != "" {
		code = aws.ToString(r.Code)
	}
	s.refused(ctx, j, true, code, "it does not stay up: "+source.Why(instance))
}

// unknown is an instance of which EC2 says for a start that there is none. It is gone, unless a describe shows it: what
// is down is not left behind for one answer.
func (s Step) unknown(ctx context.Context, j job.Job, refused error) (job.Job, error) {
	instance, ok, err := source.Find(ctx, s.EC2, j.Source.ID)
	switch {
	case err == nil && ok && !source.Ending(source.State(instance)):
		s.refused(ctx, j, false, breaker.CodeOf(refused), "it cannot be started: "+fault.Brief(refused))
		return j, &fault.NotYet{Err: fmt.Errorf("starting %s (%s), which EC2 shows as %s: %w", j.Source.Name, j.Source.ID,
			source.State(instance), refused)}
	case j.Failure != nil:
		j.Back, j.Gone = true, true
		return j, nil
	default:
		return j, fault.Failure("", "%s (%s) was terminated during the run: %w", j.Source.Name, j.Source.ID, refused)
	}
}

// inNoState is the refusal of an instance that is in no state to be started: one
// that is stopping will be, one that was terminated never.
func (s Step) inNoState(ctx context.Context, j job.Job, refused error) error {
	instance, _, _ := source.Find(ctx, s.EC2, j.Source.ID) // Without an answer it is none that ends.
	if source.Ending(source.State(instance)) {
		return fault.Failure("",
			"%s (%s) was terminated during the run: %w", j.Source.Name, j.Source.ID, refused)
	}
	return fmt.Errorf("starting %s (%s): %w", j.Source.Name, j.Source.ID, refused)
}

// looking is how long EC2 is asked how the instance is. The rest of the function's minute is for the start.
const looking = 25 * time.Second

// look sees whether there is nothing to start: the instance was never stopped, a person started it or has stopped
// it since, or it was terminated. One that a describe does not know may be there all the same, for it may lag: a start
// that is sent tells. blind is whether EC2 does not say how it is.
func (s Step) look(ctx context.Context, j job.Job) (seen job.Job, blind bool, err error) {
	brief, cancel := context.WithTimeout(ctx, looking)
	defer cancel()
	instance, ok, err := source.Find(brief, s.EC2, j.Source.ID)
	if err == nil && !ok {
		err = source.Missing(j.Source.ID)
	}
	if err != nil {
		j, err = s.unseen(ctx, j, err)
		return j, true, err
	}
	state := source.State(instance)
	if source.Ending(state) {
		j.Back, j.Gone = true, true
		return j, false, nil
	}
	switch state {
	case types.InstanceStateNameRunning:
		j.Back, err = s.staysUp(ctx, j)
		return j, false, err
	case types.InstanceStateNameStopped:
		return s.stopped(ctx, j, instance), false, nil
	case types.InstanceStateNameStopping:
		return j, false, &fault.NotYet{Err: fmt.Errorf("%s (%s) is still stopping", j.Source.Name, j.Source.ID)}
	default:
		return j, false, nil
	}
}

// stopped looks at a stopped instance that a start may have been sent to before.
func (s Step) stopped(ctx context.Context, j job.Job, instance types.Instance) job.Job {
	if source.StartedByOthers(instance, j) {
		j.Back, j.Warnings = true, append(slices.Clone(j.Warnings), source.StoppedByOthers)
		return j
	}
	if j.Times.StartSent.IsZero() {
		return j
	}
	switch source.StartOf(instance, j.Times.StartSent, s.Now()) {
	case source.TakenBack:
		s.takenBack(ctx, j, instance)
	case source.StoppedAgain:
		j.Back, j.Warnings = true, append(slices.Clone(j.Warnings), source.StoppedSince)
	case source.Unshown: // The start is sent again: an instance that comes up is not changed by it.
	}
	return j
}

// unseen goes by the claim where EC2 does not say how the instance is. What the run has stopped is started: that
// changes nothing if it runs, and waiting for an answer would keep it down.
func (s Step) unseen(ctx context.Context, j job.Job, problem error) (job.Job, error) {
	claim, mine, err := s.claim(ctx, j)
	switch {
	case err != nil:
		return j, fmt.Errorf("%w, and EC2 does not say how it is: %s", err, fault.Brief(problem))
	case !mine, untouched(j, claim):
		j.Back = true
		return j, nil
	case claim.StopMayLand(s.Now().UTC()):
		return j, &fault.NotYet{Err: problem}
	}
	handler.Log(ctx).ErrorContext(ctx, "the instance is started without a look", "source", j.Source.ID, "error", problem)
	return j, nil
}

// untouched reports whether the run never sent a stop. A claim that is younger than the job's is not the one that
// would say so: the ledger has lost that.
func untouched(j job.Job, c ledger.Claim) bool {
	return j.Times.StopSent.IsZero() && c.StopSent.IsZero() && !c.Since.After(j.Times.Claimed)
}

// staysUp asks the journal whether a running instance may be about to stop,
// because of a StopInstances that the failed step had sent.
func (s Step) staysUp(ctx context.Context, j job.Job) (bool, error) {
	claim, _, err := s.claim(ctx, j) // Another run's says nothing.
	if err != nil {
		return false, err
	}
	if claim.StopMayLand(s.Now().UTC()) {
		return false, &fault.NotYet{Err: fmt.Errorf("%s (%s) is running, but was to be stopped a moment ago", j.Source.Name,
			j.Source.ID)}
	}
	return true, nil
}

// claim is the job's; mine is false when the run has lost it: the run that has it now answers for the source.
func (s Step) claim(ctx context.Context, j job.Job) (claim ledger.Claim, mine bool, err error) {
	claim, err = s.Claims.Claim(ctx, ledger.ClaimOf(j, s.Now().UTC()))
	var held *ledger.HeldError
	switch {
	case errors.As(err, &held):
		return claim, false, nil
	case err != nil:
		return claim, true, fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	default:
		return claim, true, nil
	}
}
