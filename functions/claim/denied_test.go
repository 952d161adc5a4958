package claim_test

import (
	"fmt"
	"testing"

	"goldsmith/functions/claim"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// A call that is denied is an error, or a reason to leave the source alone; tried again, the claim is as it would have
// been.
func TestClaimWithACallDenied(t *testing.T) {
	noticed := func(s *steptest.Stage, call string, err error, j job.Job) {
		if err == nil && j.Skip == nil {
			s.Errorf("%s was denied, and the claim goes on: %+v", call, j)
		}
	}
	end := func(s *steptest.Stage) string {
		c := s.Held(s.Web)
		return fmt.Sprintf("looked %t, was running %t, %d places, %d turns",
			c.Looked, c.WasRunning, len(slots(s, ledger.Places)), len(slots(s, ledger.Turns)))
	}
	steptest.Each[claim.Input, job.Job]{Scene: scene, Noticed: noticed, End: end}.Play(t)
	turn := func(s *steptest.Stage, _ *claim.Input) { free(s) }
	steptest.Each[claim.Input, job.Job]{Scene: waiting, Given: turn, Noticed: noticed, End: end}.Play(t)
}

// So it is with the claim of a snapshot.
func TestClaimOfASnapshotWithACallDenied(t *testing.T) {
	steptest.Each[claim.Input, job.Job]{
		Scene: scene, Given: asked(map[string]string{tag.Request: "nightly"}),
		Noticed: func(s *steptest.Stage, call string, err error, j job.Job) {
			if err == nil {
				s.Errorf("%s was denied, and the claim goes on: %+v", call, j)
			}
		},
	}.Play(t)
}

// While the ledger does not know of what is down, nothing that is denied lets a source be stopped.
func TestClaimBesideWhatIsLostWithACallDenied(t *testing.T) {
	steptest.Each[claim.Input, job.Job]{
		Scene: fewer, Given: lost,
		Noticed: func(s *steptest.Stage, call string, err error, j job.Job) {
			if err == nil && j.Skip == nil {
				s.Errorf("%s was denied, and the claim goes on: %+v", call, j)
			}
		},
	}.Play(t)
}

// While Auto Scaling is busy nothing says whether the instance of a snapshot is a member of a group.
func TestClaimOfAMembersSnapshotWhileAutoScalingIsBusy(t *testing.T) {
	var lineages []string
	steptest.Play(t, scene, cases{{
		Name: "tried again",
		Given: func(s *steptest.Stage, in *claim.Input) {
			id := s.Stored(member(s), map[string]string{tag.Request: "nightly"})
			in.Job.Source = job.Source{ID: id, Kind: job.Snapshot}
			in.Job.Run.Request = &job.Request{Source: id, Kind: job.Snapshot, Value: "nightly"}
			s.Refuse("DescribeAutoScalingInstances", "Throttling", steptest.Attempts)
		},
		Want: request + " DescribeInstances DescribeAutoScalingInstances*6: Transient | " + request +
			" DescribeInstances DescribeAutoScalingInstances DescribeAutoScalingGroups Record: ok",
		Then: func(s *steptest.Stage, j job.Job) {
			lineages = append(lineages, lineage.Key(j.Source.Lineage))
			s.Same("lineages", lineages, []string{"group/fleet"})
		},
	}})
}
