package selection_test

import (
	"fmt"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// A page is worked on by more at once than may be down, so that what has its place no more keeps none from being
// stopped.
func TestSelectWidth(t *testing.T) {
	for concurrency, want := range map[int]int{1: 11, 10: 20, 100: 110, 990: 1000, 1000: 1000} {
		steptest.Play(t, scene, cases{{
			Name: fmt.Sprint(concurrency, " at once"), Want: asks + ": ok",
			Given: func(_ *steptest.Stage, p *job.Batch) { p.Plan.Concurrency = concurrency },
			Then:  func(s *steptest.Stage, p job.Batch) { s.Same("width", p.Width, want) },
		}})
	}
}

// While something is down that the ledger does not know of, nothing of the page is stopped.
func TestSelectHolds(t *testing.T) {
	lost := func(s *steptest.Stage, tagged string) string {
		id := s.Launch("lost", map[string]string{tag.Stopped: tagged})
		s.Set(id, ec2.Stopped)
		return id
	}
	const child = "arn:aws:states:eu-central-1:123456789012:execution:goldsmith/source:1"
	steptest.Play(t, scene, cases{
		{
			Name: "it carries the tag of an execution of ours", Want: looks + " DescribeInstances Slots Claims: ok",
			Given: func(s *steptest.Stage, _ *job.Batch) { lost(s, child) },
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("held", p.Run.Held.Code, job.LedgerLost)
				s.Same("chosen", idsOf(p), []string{s.Web})
			},
		},
		{
			Name: "it carries any text", Want: looks + " DescribeInstances: ok",
			Given: func(s *steptest.Stage, _ *job.Batch) { lost(s, "yes") },
			Then:  func(s *steptest.Stage, p job.Batch) { s.Same("held", p.Run.Held, (*job.Reason)(nil)) },
		},
		{
			Name: "it has its place", Want: looks + " DescribeInstances Slots: ok",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				place := ledger.Slot{Plan: "nightly", Kind: ledger.Places, ID: "000000", Source: lost(s, child), Run: "r"}
				_, err := s.Ledger.Kept.Take(s.Context(), place, time.Time{})
				s.Must(err)
			},
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("held", p.Run.Held, (*job.Reason)(nil)) },
		},
		{
			Name: "who is down cannot be read", Want: looks + " DescribeInstances Slots: Transient",
			Given: func(s *steptest.Stage, _ *job.Batch) { lost(s, child); s.Ledger.Break("Slots", 1) },
		},
		{
			Name: "what is on the page is not held for an earlier page's reason", Want: asks + ": ok",
			Given: func(_ *steptest.Stage, p *job.Batch) { p.Run.Held = &job.Reason{Code: job.LedgerLost} },
			Then:  func(s *steptest.Stage, p job.Batch) { s.Same("held", p.Run.Held, (*job.Reason)(nil)) },
		},
	})
}
