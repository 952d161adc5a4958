package register

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"

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

// Copies are the registered copies of an image that is registered of snapshots.
func Copies(r ledger.Registration) []string {
	made := slices.Collect(maps.Values(r.Copies))
	return slices.DeleteFunc(slices.Clone(r.Snapshots), func(id string) bool { return !slices.Contains(made, id) })
}

// AnyCopy is a filter's value for the descriptions of a registered image's copies.
func AnyCopy(r ledger.Registration) string {
	return fmt.Sprintf("Copy of snap-* for image %s (%s)", r.AMIName, r.Token)
}
