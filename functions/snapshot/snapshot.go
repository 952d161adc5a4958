// Package snapshot makes the image of a snapshot: it reads the disk, decides how an image of it is registered, copies
// it, and registers an image of the copy. Nothing is stopped for it.
package snapshot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/attribute"
	"goldsmith/shared/disk"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// ec2API is what is asked of EC2 and done there.
type ec2API interface {
	attribute.API
	CopySnapshot(context.Context, *ec2.CopySnapshotInput, ...func(*ec2.Options)) (*ec2.CopySnapshotOutput, error)
	RegisterImage(context.Context, *ec2.RegisterImageInput, ...func(*ec2.Options)) (*ec2.RegisterImageOutput, error)
}

// ledgerAPI is the register of what Goldsmith makes.
type ledgerAPI interface {
	Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
}

// Step makes the image of a snapshot.
type Step struct {
	EC2    ec2API
	EBS    disk.API
	Ledger ledgerAPI
	Region string
	Now    func() time.Time
}

// Do is what is to be done.
type Do string

// The parts of making an image.
const (
	// Copy decides, and copies the snapshots.
	Copy Do = "copy"
	// Register registers the image of the copies.
	Register Do = "register"
	// Compare compares how the image is billed with what it was.
	Compare Do = "compare"
)

// Input is the job and what is to be done.
type Input struct {
	Do  Do      `json:"do"`
	Job job.Job `json:"job"`
}

// Handle does it.
func (s Step) Handle(ctx context.Context, in Input) (job.Job, error) {
	switch in.Do {
	case Copy:
		return s.copy(ctx, in.Job)
	case Register:
		return s.register(ctx, in.Job)
	case Compare:
		return s.compare(ctx, in.Job)
	default:
		return in.Job, fmt.Errorf("nothing is known of doing %q to snapshot %s", in.Do, in.Job.Source.ID)
	}
}

// copy decides, and copies what the image is registered of.
func (s Step) copy(ctx context.Context, j job.Job) (job.Job, error) {
	evidence, err := s.look(ctx, j)
	if err != nil {
		return j, err
	}
	decided := attribute.Decide(evidence)
	if decided.Refused != nil {
		return refusedBy(j, decided.Refused), nil
	}
	j.Source.InstanceType = instanceType(j, evidence.Instance)
	if v := j.Plan.Verify; v.Boot && v.InstanceType == "" && j.Source.InstanceType == "" {
		return refused(j, "plan "+j.Run.Plan+" has images tested, and nothing says on which instance type",
			"Set verify.instanceType in the plan, then ask again."), nil
	}
	j.Source.Architecture = decided.Value(attribute.Architecture)
	j.Warnings = append(slices.Clone(j.Warnings), decided.Notable()...)
	j.Registering = &job.Registering{Attributes: decided.Carry(), Disks: []job.Disk{{From: j.Source.ID}}}
	snapshots := []types.Snapshot{evidence.Snapshot}
	for _, v := range evidence.Data {
		id := aws.ToString(v.Snapshot.SnapshotId)
		j.Registering.Disks = append(j.Registering.Disks, job.Disk{Device: v.Device, From: id})
		snapshots = append(snapshots, v.Snapshot)
	}
	return s.copies(ctx, j, snapshots)
}

// look finds what tells of the snapshot, what the request names and the plan sets included.
func (s Step) look(ctx context.Context, j job.Job) (attribute.Evidence, error) {
	var data map[string]string
	if r := j.Run.Request; r != nil {
		data = r.Data
	}
	evidence, err := attribute.Looker{EC2: s.EC2, EBS: s.EBS}.Look(ctx, j.Source.ID, data)
	if fault.IsNotFound(err) {
		return evidence, deleted(j, err)
	}
	if err != nil {
		return evidence, err
	}
	if text := j.Plan.Image.Settings; text != "" {
		plans := attribute.Settings{Source: "plan " + j.Run.Plan + ", image.settings", Text: text}
		evidence.Settings = append(evidence.Settings, plans)
	}
	return evidence, nil
}

// refusedBy is the job of a snapshot that the decision refuses. One that is no root volume's is skipped as that, unless
// it is what was asked for: a plan's selector takes it with the others.
func refusedBy(j job.Job, r *attribute.Refusal) job.Job {
	j = refused(j, r.Text, r.Do)
	asked := j.Run.Request
	if r.Code == attribute.NotRoot && (asked == nil || asked.Source != j.Source.ID) {
		j.Skip = &job.Reason{Code: job.NotARootVolume, Text: r.Text}
	}
	return j
}

// instanceType is the source's own, or that of the instance whose root volume it is of; "" when neither is known.
func instanceType(j job.Job, i *attribute.Instance) string {
	if i != nil && i.Root && j.Source.InstanceType == "" {
		return string(i.InstanceType)
	}
	return j.Source.InstanceType
}

func deleted(j job.Job, err error) error {
	return fault.Failure("", "%s (%s) was deleted by somebody during the run: %w", j.Source.Name, j.Source.ID, err)
}

// refused is the job of a snapshot of which no image is made. It is told with every run that it is refused in.
func refused(j job.Job, what, do string) job.Job {
	j.Decision, j.Warnings = job.SkipIt, nil
	j.Skip = &job.Reason{Code: job.NotRegistrable, Text: what + ". " + do}
	return j
}
