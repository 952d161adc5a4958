package retire_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/retire"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// What was read of it before it cannot be read any more is told.
func TestTheBinIsReadAsFarAsItCanBe(t *testing.T) {
	rounds(t, func(s *steptest.Stage, due string, a *answers) retire.Ledger {
		until := time.Now().Add(7 * 24 * time.Hour)
		a.bin = []types.ImageRecycleBinInfo{{ImageId: aws.String(due), RecycleBinExitTime: &until}, {}}
		a.refused = 2
		return s.Ledger
	}, func(s *steptest.Stage, due string, err error) {
		s.Must(err)
		s.Same("told", strings.Contains(strings.Join(record(s, due).Why, "; "), "it lies in the Recycle Bin until "), true)
	})
}

// A plan without rules retires nothing, and its run goes on as it is.
func TestAPlanWithoutRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		var due string
		step, page := aged(&due)(s)
		page.Plan.Keep = plan.Keep{}
		got, err := step(s.Context(), page)
		s.Must(err)
		s.Same("run", []any{got.Run.Name, got.Plan.Name, got.Retire.More}, []any{page.Run.Name, page.Plan.Name, false})
	})
}

// Snapshots that were there before an adopted image stay, and are told; its own go with the next sweep.
func TestSnapshotsThatWereThereBefore(t *testing.T) {
	rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
		r := registrationOf(s, due)
		r.Adopted, r.Snapshots = "ada", []string{}
		_, err := s.Ledger.Kept.Amend(s.Context(), r)
		s.Must(err)
		return s.Ledger
	}, func(s *steptest.Stage, due string, err error) {
		s.Must(err)
		s.Same("image", is(s, due), "gone")
		s.Same("told",
			strings.Contains(strings.Join(record(s, due).Why, "; "), "not made with it, so they stay: snap-"), true)
		s.Same("its snapshot", snapshots(s), 2)
		s.Same("asked", s.Sent("DeregisterImage")[0].Get("DeleteAssociatedSnapshots"), "false")
	})
}
