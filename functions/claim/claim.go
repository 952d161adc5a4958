// Package claim takes the exclusive right to a source, writes down what must be
// brought back, and decides what is done with it.
package claim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/balancer"
	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/pace"
	"goldsmith/shared/rollout"
	"goldsmith/shared/sharing"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// instances tells how an instance is, stop protection included, and how a snapshot is.
type instances interface {
	source.Lister
	source.Protector
	source.Starter
	lineage.Snapshots
	ec2.DescribeVolumesAPIClient
}

// claimsAPI is the ledger's claims as far as claiming needs them.
type claimsAPI interface {
	Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error)
	Record(ctx context.Context, c ledger.Claim) error
}

// ledgerAPI is the ledger as far as claiming needs it.
type ledgerAPI interface {
	claimsAPI
	pace.Ledger
	bound.Ledger
	breaker.Reader
}

// Step claims a source.
type Step struct {
	EC2         instances
	AutoScaling asg.Members
	Balancers   balancer.Groups
	Keys        source.Keys
	// Sharing says what will come of sharing images.
	Sharing sharing.Lookout
	// Takers finds the groups that take images.
	Takers rollout.Takers
	Ledger ledgerAPI
	Now    func() time.Time
}

// Input is the job and the ARN of the execution that works on it.
type Input struct {
	Job       job.Job `json:"job"`
	Execution string  `json:"execution"`
}

// LogAttrs are the ids an operator searches by.
func (in Input) LogAttrs() []slog.Attr { return in.Job.LogAttrs() }

// Handle claims the job's source. The claim comes before the look: a run that
// looked first could take an instance that another run has stopped for a stopped one.
func (s Step) Handle(ctx context.Context, in Input) (job.Job, error) {
	s.EC2 = once{s.EC2, map[string]*ec2.DescribeVolumesOutput{}}
	j, now := in.Job, s.Now().UTC()
	j.Execution, j.Decision, j.Standby = in.Execution, "", nil // one that waited is decided anew
	j.Hook = job.Hook{}
	if j.Times.Claimed.IsZero() {
		j.Times.Claimed = now
	}
	claim, err := s.Ledger.Claim(ctx, ledger.ClaimOf(j, now))
	var held *ledger.HeldError
	if errors.As(err, &held) {
		j.Source.Name = held.By.Name
		reason := held.Reason()
		return skip(j, reason.Code, reason.Text), nil
	}
	if err != nil {
		return j, fmt.Errorf("claiming %s: %w", j.Source.ID, err)
	}
	asked := j.Turn != nil || claim.Looked
	j, done, err := s.paced(ctx, j, asked)
	if err == nil && !done {
		j, done, err = s.stillWaits(ctx, j)
	}
	if err == nil && !done {
		j, err = s.decide(ctx, j, claim)
	}
	if err != nil {
		return j, err
	}
	j = s.ahead(ctx, j)
	return s.settled(ctx, asked, j)
}

func (s Step) decide(ctx context.Context, j job.Job, claim ledger.Claim) (job.Job, error) {
	if j.Source.Kind == job.Snapshot {
		return s.snapshot(ctx, j, claim)
	}
	instance, ok, err := source.Find(ctx, s.EC2, j.Source.ID)
	if err != nil {
		return j, err
	}
	if !ok {
		return s.absent(j, source.Gone)
	}
	return s.instance(ctx, j, claim, instance)
}

// instance decides about one that EC2 shows.
func (s Step) instance(
	ctx context.Context, j job.Job, claim ledger.Claim, instance types.Instance,
) (job.Job, error) {
	j.Source = describe(j.Source, instance)
	f := facts(j, instance, s.Now())
	// A repeated claim finds what the first one saw; what it sees itself may be our own doing.
	if claim.Looked {
		f.WasRunning = claim.WasRunning
	}
	j.Source.WasRunning = f.WasRunning
	decision, err := source.Ask(ctx, s.EC2, f)
	if err != nil {
		return j, err
	}
	if decision.Skip != nil {
		return s.skipped(ctx, j, *decision.Skip)
	}
	j.Warnings, j.Image.Name = decision.Warnings, image.Name(j)
	if j.Source.Lineage, err = s.lineage(ctx, j.Source); err != nil {
		return j, err
	}
	j, told, err := s.leaveOut(ctx, j, f)
	if err != nil {
		return j, err
	}
	j, err = s.settle(ctx, j, claim, decision.Do, f)
	if j.Decision == job.StopFirst || j.Decision == job.ImageNow {
		j.Warnings = append(slices.Clone(j.Warnings), told...)
	}
	return j, err
}

// leaveOut settles which volumes are left out of the image and whether a general one is made of it, and what is to be
// said of that. The other volumes are what is waited for. The tags of the volumes are asked for only where the plan
// goes by them; where EC2 does not answer that, nothing is stopped.
func (s Step) leaveOut(ctx context.Context, j job.Job, f source.Facts) (job.Job, []job.Reason, error) {
	j.Image.LeftOut = nil
	if j.Plan.Image.Volumes.Tagged {
		var err error
		if f, err = source.WithKeys(ctx, s.EC2, f); err != nil {
			return j, nil, err
		}
	}
	out, told := f.LeaveOut()
	j.Image.LeftOut = out
	j.Source = source.Without(j.Source, out)
	general, left := f.General()
	j.General = general
	return j, append(told, left...), nil
}

// skipped is a source that may not be imaged, or not now.
func (s Step) skipped(ctx context.Context, j job.Job, reason job.Reason) (job.Job, error) {
	switch reason.Code {
	case job.NotEnrolled, job.Withdrawn:
		return s.unwanted(j, reason)
	case job.WindowClosed:
		return s.late(ctx, j, reason)
	default:
		return s.unfit(j, reason), nil
	}
}

// unwanted is a source that was not asked for, or not any more.
func (s Step) unwanted(j job.Job, reason job.Reason) (job.Job, error) {
	if s.early(j) {
		return j, &fault.NotYet{Err: fmt.Errorf("EC2 does not show tag %s of %s yet", tag.Request, j.Source.ID)}
	}
	return skip(j, reason.Code, reason.Text), nil
}

// absent is a source that EC2 does not show.
func (s Step) absent(j job.Job, gone job.Reason) (job.Job, error) {
	if s.early(j) {
		return j, &fault.NotYet{Err: fmt.Errorf("EC2 does not show %s yet", j.Source.ID)}
	}
	return skip(j, gone.Code, gone.Text), nil
}

// describe fills in what the later steps need to know of the instance.
func describe(s job.Source, instance types.Instance) job.Source {
	s.Tags = source.Tags(instance)
	s.Name = source.Name(s.Tags, s.ID)
	s.InstanceType = string(instance.InstanceType)
	s.Architecture = string(instance.Architecture)
	if p := instance.Placement; p != nil {
		s.Zone, s.Host = aws.ToString(p.AvailabilityZone), aws.ToString(p.HostId)
	}
	s.Volumes, s.Kept, s.Products = source.Volumes(instance), source.Kept(instance), source.Products(instance)
	s.Server = source.Server(instance)
	return s
}

// showing is how long EC2 may not show an instance or a tag that it has sent an event of.
const showing = time.Minute

// early reports whether a request's source or tag may not be shown yet.
func (s Step) early(j job.Job) bool {
	return j.Run.Request != nil && j.Run.Request.Value != "" && s.Now().Sub(j.Run.Scheduled) < showing
}

func facts(j job.Job, instance types.Instance, now time.Time) source.Facts {
	f := source.Facts{Run: j.Run, Plan: j.Plan, Now: now}.Of(instance)
	for _, note := range j.Source.Notes {
		f.InstanceStore = f.InstanceStore || note == job.InstanceStoreData
		f.StoreUnseen = f.StoreUnseen || note == job.StoreUnseen
		f.SlowVolume = f.SlowVolume || note == job.SlowVolume
		f.OneTimeSpot = f.OneTimeSpot || note == job.OneTimeSpot
		f.KeyUnseen = f.KeyUnseen || note == job.KeyUnseen
	}
	return f
}

// settle records who is to be started again before anything can be stopped.
func (s Step) settle(ctx context.Context, j job.Job, claim ledger.Claim, decision job.Decision, f source.Facts,
) (job.Job, error) {
	if decision == job.StopFirst {
		var err error
		if j, err = s.mayStop(ctx, j, f); err != nil || j.Decision != "" {
			return j, err
		}
	}
	j = waited(j, s.Now())
	j.Decision, j.Back = decision, decision != job.StopFirst
	// What does not run takes no command.
	hooked := j.Plan.Commanded() && j.Source.WasRunning
	j.Hook = job.Hook{Before: hooked, Due: hooked}
	claim.Name, claim.WasRunning, claim.Looked = j.Source.Name, j.Source.WasRunning, true
	claim.InstanceType, claim.Zone, claim.Host = j.Source.InstanceType, j.Source.Zone, j.Source.Host
	if err := s.Ledger.Record(ctx, claim); err != nil {
		return j, fmt.Errorf("recording the claim of %s: %w", j.Source.ID, err)
	}
	return j, nil
}

func skip(j job.Job, code job.ReasonCode, text string) job.Job {
	j.Decision, j.Skip, j.Back = job.SkipIt, &job.Reason{Code: code, Text: text}, true
	j.Warnings = nil // they are of a stop and a start
	return j
}
