package claim_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/functions/claim"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// What has gone down since the run began holds its other sources back until the window closes: they wait, and are in
// the way of none.
func TestClaimIsHeldBack(t *testing.T) {
	held := func(s *steptest.Stage, j job.Job) {
		s.Helper()
		s.Same("decision", j.Decision, job.WaitFirst)
		s.Same("seconds", j.Turn.Seconds, 300)
		s.Same("held", j.Turn.Held, true)
		s.Same("since", j.Turn.Since.IsZero(), false)
		s.Same("places and turns", len(slots(s, ledger.Places))+len(slots(s, ledger.Turns)), 0)
	}
	steptest.Play(t, fewer, cases{
		{
			Name: "at its first claim", Want: looks + " StartInstances DescribeVolumes Slots Claims Slots: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) { down(s, time.Now()) }, Then: held,
		},
		{
			Name: "a request for it is answered at once", Want: looks + " StartInstances DescribeVolumes Slots Claims: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				down(s, time.Now())
				in.Job.Run.Request = &job.Request{Source: s.Web, By: "jo"}
			},
			Then: skips(job.BreakerOpen, "db (i-down)"),
		},
		{
			Name: "a run of the whole plan that a person began waits",
			Want: looks + " StartInstances DescribeVolumes Slots Claims Slots: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				down(s, time.Now())
				in.Job.Run.Request = &job.Request{By: "jo"}
			},
			Then: held,
		},
		{
			Name: "the ledger does not know who is down at all", Want: looks + " DescribeInstances Slots Claims: ok",
			Given: func(s *steptest.Stage, in *claim.Input) { lost(s, in) }, Then: held,
		},
		{
			Name: "until the window closes", Want: found + ": ok",
			Given: func(s *steptest.Stage, in *claim.Input) { lost(s, in); time.Sleep(5 * time.Hour) },
			Then:  skips(job.LedgerLost, "its table was lost"),
		},
		{
			Name: "and who asks for it waits for half an hour", Want: "Claim Slots " +
				strings.TrimPrefix(looks, "Claim Reserve*2 ") + " DescribeInstances Slots Claims Slots: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				lost(s, in)
				in.Job.Run.Request = &job.Request{Source: s.Web, By: "jo"}
				in.Job.Turn = &job.Turn{Held: true, Since: time.Now().Add(-30 * time.Minute)}
			},
			Then: skips(job.LedgerLost, "its table was lost"),
		},
		{
			Name: "by now it does", Want: looks + " DescribeInstances StartInstances DescribeVolumes Slots*2 Take Record: ok",
			Given: func(_ *steptest.Stage, in *claim.Input) { in.Job.Run.Held = &job.Reason{Code: job.LedgerLost} },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("held", j.Run.Held, (*job.Reason)(nil))
				s.Same("decision", j.Decision, job.StopFirst)
			},
		},
	})
	steptest.Play(t, waiting, cases{
		{
			Name: "while it waits for its turn: that is given up", Want: "Claim Slots Claims Slots Free: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) { down(s, time.Now()) },
			Then: func(s *steptest.Stage, j job.Job) {
				held(s, j)
				s.Same("since", j.Turn.Since, time.Now().UTC().Add(-10*time.Minute))
			},
		},
		{
			Name: "still: not even looked at", Want: "Claim Slots Claims Slots Free: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				down(s, time.Now())
				in.Job.Turn.Before, in.Job.Turn.Held = 0, true
			},
			Then: held,
		},
		{
			Name: "until the window closes", Want: "Claim Slots Claims Slots Free: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				down(s, time.Now())
				in.Job.Turn.Before, in.Job.Turn.Held = 0, true
				time.Sleep(5 * time.Hour)
			},
			Then: skips(job.BreakerOpen, "the window closed at 2000-01-01T04:00:00Z: db (i-down) of plan nightly is down since"),
		},
		{
			Name: "until that is back, after the window", Want: "Claim Slots*3 Free: ok",
			Given: func(_ *steptest.Stage, in *claim.Input) {
				in.Job.Turn.Before, in.Job.Turn.Held = 0, true
				time.Sleep(5 * time.Hour)
			},
			Then: skips(job.WindowClosed, "the window closed at 2000-01-01T04:00:00Z before its turn came"),
		},
		{
			Name: "until that is back: it takes its place",
			Want: "Claim Slots " + strings.TrimPrefix(claims, "Claim Reserve*2 ") +
				" Take Free Record: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				free(s)
				in.Job.Turn.Before, in.Job.Turn.Held = 0, true
			},
			Then: func(s *steptest.Stage, j job.Job) { s.Same("decision", j.Decision, job.StopFirst) },
		},
		{
			Name: "whether it is cannot be read", Want: "Claim Slots: Transient",
			Given: func(s *steptest.Stage, in *claim.Input) {
				in.Job.Turn.Before, in.Job.Turn.Held = 0, true
				s.Ledger.Break("Slots", 1)
			},
		},
		{
			Name: "its turn cannot be given up: tried again", Want: "Claim Slots Claims Slots Free: Transient",
			Given: func(s *steptest.Stage, _ *claim.Input) { down(s, time.Now()); s.Ledger.Break("Free", 1) },
		},
	})
}

// lost has an instance down that an execution of ours has stopped and of which the ledger knows nothing.
func lost(s *steptest.Stage, in *claim.Input) {
	s.Helper()
	id := s.Launch("lost",
		map[string]string{tag.Stopped: "arn:aws:states:eu-central-1:123456789012:execution:goldsmith/source:1"})
	s.Set(id, ec2.Stopped)
	in.Job.Run.Held = &job.Reason{Code: job.LedgerLost, Text: "its table was lost"}
}
