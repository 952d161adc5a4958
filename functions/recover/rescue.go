package recovery

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/metric"
	"goldsmith/shared/source"
)

// Instances looks at instances and starts them.
type Instances interface {
	source.Lister
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
}

// Executions tells whether somebody still works on a claim.
type Executions interface {
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// Claims is the ledger's claims as far as rescuing needs them.
type Claims interface {
	Claims(ctx context.Context) iter.Seq2[ledger.Claim, error]
	Record(ctx context.Context, c ledger.Claim) error
	Drop(ctx context.Context, source, run string) error
}

// Results is the ledger's results as far as rescuing needs them.
type Results interface {
	Results(ctx context.Context, run string) iter.Seq2[job.Result, error]
	PutResult(ctx context.Context, r job.Result) error
}

// Rescue settles the claims that nobody works on any more.
type Rescue struct {
	EC2        Instances
	Executions Executions
	Claims     Claims
	Results    Results
	Proofs     Proofs
	Now        func() time.Time
}

// Settle brings the claim's instance back if its run has ended, and drops the
// claim once there is nothing left to undo. It returns whether the instance is
// down because of a run that has ended.
func (r Rescue) Settle(ctx context.Context, c ledger.Claim) (down bool, err error) {
	worked, err := r.workedOn(ctx, c)
	if err != nil || worked {
		return false, err
	}
	instance, ok, err := source.Find(ctx, r.EC2, c.Source)
	if err != nil {
		return !c.StopSent.IsZero(), err
	}
	switch verdict, problem := r.judge(c, instance, ok); verdict {
	case over:
		return false, r.close(ctx, c, problem)
	case startable:
		return true, r.start(ctx, c)
	default:
		return true, nil
	}
}

// verdict is what is to be done about an abandoned claim.
type verdict int

const (
	// later means that nothing can be done now.
	later verdict = iota
	// over means that nothing is left to undo.
	over
	// startable means that the instance is down and can be started.
	startable
)

// judge says what is to be done, and for a claim that is over, what became of the source.
func (r Rescue) judge(c ledger.Claim, instance types.Instance, known bool) (verdict, string) {
	state := source.State(instance)
	switch {
	case !known, source.Ending(state):
		return over, "the run ended, and somebody terminated it"
	case !c.WasRunning, c.StopSent.IsZero():
		return over, "the run ended before it was touched"
	case c.StopMayLand(r.Now()):
		return later, ""
	case state == types.InstanceStateNameRunning:
		return over, "the run ended early; it is running again"
	case state == types.InstanceStateNameStopped:
		return startable, ""
	default:
		return later, ""
	}
}

// workedOn reports whether an execution still has the claim in hand. A claim
// that its job left behind is nobody's, even while the rest of the run goes on.
func (r Rescue) workedOn(ctx context.Context, c ledger.Claim) (bool, error) {
	if !c.Left.IsZero() {
		return false, nil
	}
	status, _, err := r.statusOf(ctx, c.Execution)
	return status == sfntypes.ExecutionStatusRunning || status == sfntypes.ExecutionStatusPendingRedrive, err
}

// statusOf is an execution's status, "" for one that Step Functions does not
// know, and when it ended.
func (r Rescue) statusOf(ctx context.Context, execution string) (sfntypes.ExecutionStatus, time.Time, error) {
	out, err := r.Executions.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(execution)})
	if fault.IsNotFound(err) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("asking about execution %s: %w", execution, err)
	}
	return out.Status, aws.ToTime(out.StopDate), nil
}

// start sends StartInstances; the claim stays until a describe shows the instance running.
func (r Rescue) start(ctx context.Context, c ledger.Claim) error {
	log := handler.Log(ctx)
	if _, err := r.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{c.Source}}); err != nil {
		log.ErrorContext(ctx, "an instance is down and cannot be started", "source", c.Source, "name", c.Name,
			"run", c.Run, "down_since", c.StopSent, "error", err)
		return fmt.Errorf("starting it: %w", err)
	}
	log.WarnContext(ctx, "started an instance that a run left stopped", "source", c.Source, "name", c.Name, "run", c.Run, "down_since", c.StopSent)
	if !c.Left.IsZero() {
		return nil
	}
	c.Left = r.Now().UTC()
	if err := r.Claims.Record(ctx, c); err != nil {
		return fmt.Errorf("recording the start: %w", err)
	}
	return r.record(ctx, c, job.Broken, "the run ended early; recover has started it again")
}

// close writes the result and drops the claim.
func (r Rescue) close(ctx context.Context, c ledger.Claim, problem string) error {
	if err := r.record(ctx, c, job.Broken, problem); err != nil {
		return err
	}
	if err := r.Claims.Drop(ctx, c.Source, c.Run); err != nil {
		return fmt.Errorf("dropping the claim: %w", err)
	}
	return nil
}

// record writes what became of the source, unless its job has done so; one
// that was left stopped is stopped no more.
func (r Rescue) record(ctx context.Context, c ledger.Claim, ending job.Ending, problem string) error {
	for known, err := range r.Results.Results(ctx, c.Run) {
		switch {
		case err != nil:
			return fmt.Errorf("reading the results of run %s: %w", c.Run, err)
		case known.Source == c.Source && known.Ending != job.LeftStopped:
			return nil
		case known.Source == c.Source:
			known.Ending, known.At = ending, r.Now().UTC()
			return r.put(ctx, known)
		}
	}
	return r.put(ctx, job.Result{
		Run: c.Run, Source: c.Source, Kind: c.Kind, Name: c.Name, Plan: c.Plan,
		Ending: ending, Problem: problem, At: r.Now().UTC(),
		Times: job.Times{Claimed: c.Since, StopSent: c.StopSent},
	})
}

func (r Rescue) put(ctx context.Context, result job.Result) error {
	if err := r.Results.PutResult(ctx, result); err != nil {
		return fmt.Errorf("recording what became of it: %w", err)
	}
	return nil
}

func report(ctx context.Context, a Answer, oldest time.Duration) {
	log := handler.Log(ctx)
	metric.Put(ctx, log, metric.OldestClaim, "all", oldest.Seconds())
	metric.Put(ctx, log, metric.LeftStopped, "all", float64(a.Down))
}
