package claim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"goldsmith/functions/claim"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

const (
	// claims are the calls of a claim that gets its place, and turned those of one that asks for a place again.
	claims = looks + " StartInstances DescribeVolumes Slots*2"
	// again are those of one that was decided before, or has waited.
	again  = "Claim DescribeInstances DescribeInstanceAttribute StartInstances DescribeVolumes Slots*2"
	turned = "Claim Slots*2"
)

// slot puts a slot of plan nightly, which another source has, into the ledger.
func slot(s *steptest.Stage, kind ledger.SlotKind, n int, since time.Time) {
	s.Helper()
	slot := ledger.Slot{
		Plan: "nightly", Kind: kind, ID: fmt.Sprintf("%06d", slotID(kind, n)), Source: fmt.Sprintf("i-other-%02d", n),
		Run: "other", Since: since, Seen: since,
	}
	_, err := s.Ledger.Kept.Take(s.Context(), slot, time.Time{})
	s.Must(err)
}

// slotID lists stops the other way round than their sources.
func slotID(kind ledger.SlotKind, n int) int {
	if kind == ledger.Stops {
		return 100 - n
	}
	return n
}

// slots are those of the plan that instance Web has.
func slots(s *steptest.Stage, kind ledger.SlotKind) (own []ledger.Slot) {
	s.Helper()
	for slot, err := range s.Ledger.Kept.Slots(s.Context(), "nightly") {
		if s.Must(err); slot.Source == s.Web && slot.Kind == kind {
			own = append(own, slot)
		}
	}
	return own
}

// fewer is a plan of which one source may be down at once.
func fewer(s *steptest.Stage) (handler.Func[claim.Input, job.Job], claim.Input) {
	step, in := scene(s)
	in.Job.Plan.Concurrency = 1
	return step, in
}

// waiting is a job whose turn has not come: another source has the only place. It asks again ten minutes later.
func waiting(s *steptest.Stage) (handler.Func[claim.Input, job.Job], claim.Input) {
	step, in := fewer(s)
	slot(s, ledger.Places, 0, time.Now())
	out, err := step(s.Context(), in)
	s.Must(err)
	time.Sleep(10 * time.Minute)
	in.Job = out
	return step, in
}

// free gives up the other source's place.
func free(s *steptest.Stage) {
	s.Helper()
	s.Must(s.Ledger.Kept.Free(s.Context(),
		ledger.Slot{Plan: "nightly", Kind: ledger.Places, ID: "000000", Source: "i-other-00", Run: "other"}))
}

// skips wants the source to be left alone for a reason that holds the text, and nothing of the plan's bounds to be
// kept.
func skips(code job.ReasonCode, text string) func(*steptest.Stage, job.Job) {
	return func(s *steptest.Stage, j job.Job) {
		s.Helper()
		s.Same("decision", j.Decision, job.SkipIt)
		if j.Skip == nil || j.Skip.Code != code || !strings.Contains(j.Skip.Text, text) {
			s.Errorf("the reason is %v, not %s: %s", j.Skip, code, text)
		}
		s.Same("place", j.Place, "")
		s.Same("turn", j.Turn, (*job.Turn)(nil))
		s.Same("places and turns", len(slots(s, ledger.Places))+len(slots(s, ledger.Turns)), 0)
	}
}

// broken marks another source of the plan as down beyond its patience, since before the run.
func broken(s *steptest.Stage) { down(s, time.Now().Add(-time.Hour)) }

func down(s *steptest.Stage, since time.Time) {
	s.Helper()
	s.Hold(ledger.Claim{Source: "i-down", Name: "db", Run: "other", Plan: "nightly", StopSent: since,
		Problem: "no room", RefusedBy: "Client.X"})
	mark := ledger.Slot{Plan: ledger.EveryPlan, Kind: ledger.Downs, ID: "i-down", Source: "i-down", Run: "other",
		Since: time.Now()}
	_, err := s.Ledger.Kept.Take(s.Context(), mark, time.Time{})
	s.Must(err)
}

func TestClaimTakesAPlace(t *testing.T) {
	steptest.Play(t, fewer, cases{
		{
			Name: "the only place of the plan", Want: claims + " Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				now := time.Now().UTC()
				s.Same("places", slots(s, ledger.Places), []ledger.Slot{{
					Plan: "nightly", Kind: ledger.Places, ID: "000000", Source: s.Web, Name: "web", Run: steptest.RunName,
					Execution: execution,
					Since:     now, Seen: now,
				}})
				s.Same("place", j.Place, "000000")
				s.Same("claimed", j.Times.Claimed, now)
				s.Same("turn", j.Turn, (*job.Turn)(nil))
				s.Same("warnings", len(j.Warnings), 0)
			},
		},
		{
			Name: "with a place already none is asked for", Want: looks + " StartInstances DescribeVolumes Slots Record: ok",
			Given: func(_ *steptest.Stage, in *claim.Input) {
				in.Job.Place, in.Job.Times.Claimed = "000007", time.Now().Add(-time.Hour)
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("place", j.Place, "000007")
				s.Same("claimed first", j.Times.Claimed, time.Now().Add(-time.Hour))
			},
		},
		{
			Name: "the bounds cannot be read", Want: looks + " StartInstances DescribeVolumes Slots: Transient",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Ledger.Break("Slots", 1) },
		},
		{
			Name: "the place cannot be written", Want: claims + " Take: Transient", Says: []string{"asking for a place for i-"},
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Ledger.Break("Take", 1) },
		},
		{
			Name: "the other source has it", Want: claims + " Take: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) { slot(s, ledger.Places, 0, time.Now()) },
			Then: func(s *steptest.Stage, j job.Job) {
				now := time.Now().UTC()
				s.Same("decision", j.Decision, job.WaitFirst)
				s.Same("turn", j.Turn, &job.Turn{Seconds: 20, Before: 1, First: 1, Since: now})
				s.Same("turns", len(slots(s, ledger.Turns)), 1)
				s.Same("looked", s.Held(s.Web).Looked, false)
			},
		},
	})
}

func TestClaimWaits(t *testing.T) {
	steptest.Play(t, waiting, cases{
		{
			Name: "still not: not even looked at, nor is whether its image could be shared", Want: "Claim Slots*2 Take: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				slot(s, ledger.Turns, 5, time.Now())
				in.Job.Plan.Share.Accounts = []string{"210987654321"}
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.WaitFirst)
				s.Same("first", j.Turn.First, 1)
				s.Same("since", j.Turn.Since, time.Now().UTC().Add(-10*time.Minute))
			},
		},
		{
			Name: "how many were before it first stays known", Want: "Claim Slots*2 Take: ok",
			Given: func(_ *steptest.Stage, in *claim.Input) { in.Job.Turn.First = 4 },
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("first", j.Turn.First, 4) },
		},
		{
			Name: "it waited for its instance until now: how many are before it begins here", Want: again + " Take: ok",
			Given: func(_ *steptest.Stage, in *claim.Input) { in.Job.Turn.Before, in.Job.Turn.First = 0, 0 },
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("first", j.Turn.First, 1) },
		},
		{
			Name: "its turn has come: looked at, and warned of the wait", Want: turned +
				" Take Free DescribeInstances DescribeInstanceAttribute StartInstances DescribeVolumes Slots Record: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) { free(s) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.StopFirst)
				s.Same("place", j.Place, "000000")
				s.Same("turn", j.Turn, (*job.Turn)(nil))
				s.Same("warnings", j.Warnings, []job.Reason{{Code: job.Waited,
					Text: "waited 10m0s for its turn: plan nightly has at most 1 down at once, and 1 was before it"}})
			},
		},
		{
			Name: "waited for something else than a turn: no warning of one", Want: again + " Take Free Record: ok",
			Given: func(s *steptest.Stage, in *claim.Input) { free(s); in.Job.Turn.First, in.Job.Turn.Before = 0, 0 },
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 0) },
		},
		{
			Name: "the window has closed while another is down", Want: "Claim Slots Claims Slots Free: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) { broken(s); time.Sleep(4 * time.Hour) },
			Then: skips(job.BreakerOpen,
				"the window closed at 2000-01-01T04:00:00Z: db (i-down) of plan nightly is down since"),
		},
		{
			Name: "the window has closed", Want: "Claim Slots*3 Free: ok",
			Given: func(*steptest.Stage, *claim.Input) { time.Sleep(4 * time.Hour) },
			Then: skips(job.WindowClosed, "the window closed at 2000-01-01T04:00:00Z, and 1 was still before it: "+
				"plan nightly has at most 1 down at once"),
		},
		{
			Name: "the window has closed, and whether another is down cannot be read", Want: "Claim Slots: Transient",
			Given: func(s *steptest.Stage, _ *claim.Input) { time.Sleep(4 * time.Hour); s.Ledger.Break("Slots", 1) },
		},
		{
			Name: "the window has closed, and a person waits", Want: "Claim Slots*3 Free: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				in.Job.Run.Request = &job.Request{Source: s.Web, By: "jo"}
				time.Sleep(4 * time.Hour)
			},
			Then: skips(job.NoTurn, "the window closed at 2000-01-01T04:00:00Z, and 1 was still before it"),
		},
		{
			Name: "the breaker is open", Want: "Claim Slots Claims Slots Free: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) { broken(s) },
			Then:  skips(job.BreakerOpen, "db (i-down) of plan nightly is down since"),
		},
		{
			Name: "whether it is cannot be read", Want: "Claim Slots: Transient",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Ledger.Break("Slots", 1) },
		},
		{
			Name: "its turn cannot be written", Want: turned + " Take: Transient",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Ledger.Break("Take", 1) },
		},
		{
			Name: "its turn has come, and it is gone: the place is given up", Want: turned +
				" Take Free DescribeInstances Slots Free: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) { free(s); s.Set(s.Web, ec2.Terminated) },
			Then:  skips(job.Terminating, ""),
		},
		{
			Name: "its turn has come, and it is stopped: imaged as it is, without a place",
			Want: turned + " Take Free DescribeInstances Record Slots Free: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				free(s)
				s.Set(s.Web, ec2.Stopped)
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.ImageNow)
				s.Same("place", j.Place, "")
				s.Same("places", len(slots(s, ledger.Places)), 0)
			},
		},
	})
}

// A claim that was cut off after it had a place gives it up when it is left alone after all.
func TestClaimGivesUpItsPlace(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "terminated since", Want: claims + " Take Record: ok | Claim DescribeInstances Slots Free: ok",
			Then:    skips(job.Terminating, ""),
			Between: func(s *steptest.Stage) { s.Set(s.Web, ec2.Terminated) },
		},
		{
			Name: "and that fails", Want: claims + " Take Record: ok | Claim DescribeInstances Slots Free: Transient",
			Says:    []string{"giving up the turn of i-"},
			Between: func(s *steptest.Stage) { s.Set(s.Web, ec2.Terminated); s.Ledger.Break("Free", 1) },
		},
	})
}

func TestClaimMayNotStop(t *testing.T) {
	unstartable := func(s *steptest.Stage) {
		s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation"})
	}
	asked := func(ago time.Duration) func(*steptest.Stage, *claim.Input) {
		return func(s *steptest.Stage, in *claim.Input) {
			unstartable(s)
			in.Job.Run.Asked = time.Now().Add(-ago)
		}
	}
	late := func(s *steptest.Stage, _ *claim.Input) { time.Sleep(5 * time.Hour); broken(s) }
	steptest.Play(t, scene, cases{
		{
			Name: "EC2 would not start it again", Want: looks + " StartInstances: ok",
			Then:  skips(job.CannotStart, "UnauthorizedOperation"),
			Given: func(s *steptest.Stage, _ *claim.Input) { unstartable(s) },
		},
		{
			Name: "and select has found that out: EC2 is not asked again", Want: looks + ": ok",
			Given: func(_ *steptest.Stage, in *claim.Input) {
				in.Job.Source.Refused = &job.Reason{Code: job.CannotStart, Text: "no"}
			},
			Then: skips(job.CannotStart, "no"),
		},
		{
			Name: "EC2 cannot say whether it would", Want: looks + " StartInstances*6: Transient",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "RequestLimitExceeded"})
			},
		},
		{Name: "select has just asked", Want: looks + " Slots*2 Take Record: ok", Given: asked(29 * time.Minute)},
		{Name: "select asked half an hour ago", Want: looks + " StartInstances: ok", Given: asked(30 * time.Minute)},
		{
			Name: "the breaker is open", Want: looks + " StartInstances DescribeVolumes Slots Claims: ok",
			Then:  skips(job.BreakerOpen, "db (i-down)"),
			Given: func(s *steptest.Stage, _ *claim.Input) { broken(s) },
		},
		{
			Name: "the window closed while the breaker was open", Want: found + " Slots Claims: ok", Given: late,
			Then: skips(job.BreakerOpen, "db (i-down)"),
		},
		{
			Name: "the window closed", Want: found + " Slots*2: ok",
			Given: func(*steptest.Stage, *claim.Input) { time.Sleep(5 * time.Hour) },
			Then:  skips(job.WindowClosed, "the window closed at"),
		},
		{
			Name: "the window closed, and whether the breaker was open cannot be read", Want: found + " Slots: Transient",
			Given: func(s *steptest.Stage, in *claim.Input) { late(s, in); s.Ledger.Break("Slots", 1) },
		},
		{
			Name: "another run has it: its name is known from that", Want: "Claim: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Hold(ledger.Claim{Source: s.Web, Name: "web", Run: "weekly-1", Since: time.Now()})
			},
			Then: func(s *steptest.Stage, j job.Job) { s.Same("name", j.Source.Name, "web") },
		},
	})
}
