package register

import (
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// OfSnapshot is what is registered before a job's snapshots are copied, and its image registered of the copies.
func OfSnapshot(j job.Job, now time.Time) ledger.Registration {
	r := ImageOf(j)
	r.Call, r.Token, r.Asked = ledger.RegisterImage, rand.Text(), now
	return r
}

// Copied is the description of a registered image's copy of a snapshot. EC2 has no call that changes one.
func Copied(r ledger.Registration, of string) string {
	return fmt.Sprintf("Copy of %s for image %s (%s)", of, r.AMIName, r.Token)
}

// WithCopy is the registration with a copy of a snapshot that was made for its image.
func WithCopy(r ledger.Registration, of, id string) ledger.Registration {
	copies := map[string]string{of: id}
	for from, copied := range r.Copies {
		copies[from] = copied
	}
	r.Copies, r.Snapshots = copies, append(slices.Clone(r.Snapshots), id)
	if r.From == "" && of == r.Source {
		r.From = id // The root volume's.
	}
	return r
}

// CopyAmong is the registered image's copy of a snapshot among those that there are; empty for none. A description is
// shown to anyone, and may be given to a copy of the copy, or to anything: once the id is registered no other is meant,
// and until then the one that was there first.
func CopyAmong(r ledger.Registration, of string, all []types.Snapshot) string {
	var first types.Snapshot
	for _, s := range all {
		switch id := aws.ToString(s.SnapshotId); {
		case r.Copies[of] != "" && r.Copies[of] != id, aws.ToString(s.Description) != Copied(r, of), !Since(r, s):
		case first.SnapshotId == nil, aws.ToTime(s.StartTime).Before(aws.ToTime(first.StartTime)):
			first = s
		}
	}
	return aws.ToString(first.SnapshotId)
}

// CopiedOf are the snapshots that descriptions say a registered image's copies are of.
func CopiedOf(r ledger.Registration, all []types.Snapshot) (of []string) {
	for _, s := range all {
		id := snapshotForm.FindString(aws.ToString(s.Description))
		if id != "" && aws.ToString(s.Description) == Copied(r, id) && !slices.Contains(of, id) {
			of = append(of, id)
		}
	}
	return of
}

// snapshotForm is a snapshot's id.
var snapshotForm = regexp.MustCompile(`\bsnap-[0-9a-z]+\b`)

// Copies are the registered copies of an image that is registered of snapshots.
func Copies(r ledger.Registration) []string {
	made := slices.Collect(maps.Values(r.Copies))
	return slices.DeleteFunc(slices.Clone(r.Snapshots), func(id string) bool { return !slices.Contains(made, id) })
}

// AnyCopy is a filter's value for the descriptions of a registered image's copies.
func AnyCopy(r ledger.Registration) string {
	return fmt.Sprintf("Copy of snap-* for image %s (%s)", r.AMIName, r.Token)
}
