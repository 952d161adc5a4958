// Package snapshot makes the image of a snapshot: it reads the disk, decides how an image of it is registered, copies
// it, and registers an image of the copy. Nothing is stopped for it.
package snapshot

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

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
	attribute.Register
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

// LogAttrs are the ids an operator searches by.
func (in Input) LogAttrs() []slog.Attr { return in.Job.LogAttrs() }

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
	var data map[string]string
	asked := j.Run.Request
	if asked != nil {
		data = asked.Data
	}
	looker := attribute.Looker{EC2: s.EC2, EBS: s.EBS, Made: s.Ledger}
	found, err := looker.Plan(ctx, j.Source.ID, data, j.Plan, j.Source.InstanceType)
	if fault.IsNotFound(err) {
		return j, deleted(j, err)
	}
	if err != nil {
		return j, err
	}
	decided := found.Decision
	if decided.Refused != nil {
		reason := decided.Refused.Reason(asked != nil && asked.Source == j.Source.ID)
		j.Decision, j.Warnings, j.Skip = job.SkipIt, nil, &reason
		return j, nil
	}
	j.Source.InstanceType, j.Source.Architecture = found.InstanceType, decided.Value(attribute.Architecture)
	j.Warnings = append(slices.Clone(j.Warnings), decided.Notable()...)
	j.Registering = &job.Registering{Attributes: decided.Carry(), Disks: []job.Disk{{From: j.Source.ID}}}
	snapshots := []types.Snapshot{found.Evidence.Snapshot}
	for n, v := range decided.Data {
		j.Registering.Disks = append(j.Registering.Disks, job.Disk{
			Device: v.Device, From: v.Snapshot, Kept: v.Kept, Type: v.Type, IOPS: v.IOPS, Throughput: v.Throughput,
		})
		snapshots = append(snapshots, found.Evidence.Data[n].Snapshot)
	}
	return s.copies(ctx, j, snapshots)
}

func deleted(j job.Job, err error) error {
	return fault.Failure("", "%s (%s) was deleted during the run: %w", j.Source.Name, j.Source.ID, err)
}
