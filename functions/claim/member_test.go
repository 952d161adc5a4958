package claim_test

import (
	"testing"
	"time"

	"goldsmith/functions/claim"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// A member of a group of which another member is out of service waits, in no other's way; what was asked for alone is
// answered at once. One whose turn it is takes the group's place.
func TestAMemberOfWhoseGroupAnotherIsOut(t *testing.T) {
	members := func(s *steptest.Stage) (handler.Func[claim.Input, job.Job], claim.Input) {
		step, in := scene(s)
		ids := s.Group("web", 2)
		tags := s.Tags(ids[0])
		tags[tag.Plan] = "nightly"
		s.Must(s.Cloud.SetTags(ids[0], tags))
		in.Job.Source.ID, in.Job.Plan.Groups.Standby = ids[0], plan.StandbyShrink
		return step, in
	}
	other := func(s *steptest.Stage, _ *claim.Input) {
		_, err := s.Ledger.Kept.Take(s.Context(), ledger.Slot{Plan: ledger.EveryPlan, Kind: ledger.Members, ID: "web",
			Source: "i-other", Run: "another", Since: time.Now()}, time.Time{})
		s.Must(err)
	}
	full := func(s *steptest.Stage, in *claim.Input) {
		in.Job.Plan.Concurrency = 1
		slot(s, ledger.Places, 0, time.Now())
	}
	steptest.Play(t, members, cases{
		{
			Name: "none is", Anything: true,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", []any{j.Decision, j.Standby != nil}, []any{job.StopFirst, true})
			},
		},
		{
			Name: "another is: it waits, without a place", Given: other, Anything: true, Want: "|",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", []any{j.Decision, j.Place, j.Standby == nil, j.Turn.Held, j.Turn.Seconds},
					[]any{job.WaitFirst, "", true, true, 300})
			},
		},
		{
			Name: "another is, and its turn has come: what it has of the bounds is given up", Anything: true,
			Given: func(s *steptest.Stage, in *claim.Input) {
				other(s, in)
				in.Job.Run.Most = 1
				in.Job.Turn = &job.Turn{Since: time.Now().UTC().Add(-time.Hour), Before: 1, First: 3}
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("turn", []any{time.Since(j.Turn.Since), j.Turn.First}, []any{time.Hour, 3})
				s.Same("left", left(s, "nightly"), 0)
			},
		},
		{
			Name: "another is, and this one was asked for: answered", Anything: true,
			Given: func(s *steptest.Stage, in *claim.Input) {
				other(s, in)
				in.Job.Run.Request = &job.Request{Source: in.Job.Source.ID, Kind: job.Instance}
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", []any{j.Decision, j.Skip.Code}, []any{job.SkipIt, job.AutoScalingMember})
			},
		},
		{
			Name: "none is, and the plan has no place: nor does it keep its group's", Anything: true, Given: full,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", []any{j.Decision, j.Standby == nil, j.Turn.Before}, []any{job.WaitFirst, true, 1})
				s.Same("left", left(s, ledger.EveryPlan), 0)
			},
		},
		{
			Name: "and that cannot be given up", Anything: true,
			Given: func(s *steptest.Stage, in *claim.Input) { full(s, in); s.Ledger.Break("Free", 1) },
			Says:  []string{"giving up the place of group web"},
		},
		{
			Name: "the group's place cannot be asked for", Anything: true,
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Ledger.Break("Take", steptest.Attempts) },
			Says:  []string{"asking for the place of group web"},
		},
	})
}

// left is how many of a plan's slots are taken.
func left(s *steptest.Stage, plan string) (n int) {
	s.Helper()
	for _, err := range s.Ledger.Kept.Slots(s.Context(), plan) {
		s.Must(err)
		n++
	}
	return n
}

// A plan that drains has a source taken out of its target groups once it may be stopped, and not before.
func TestTheTargetGroupsOfASource(t *testing.T) {
	var pets job.Target
	drained := func(s *steptest.Stage) (handler.Func[claim.Input, job.Job], claim.Input) {
		step, in := fewer(s)
		in.Job.Plan.Drain = true
		pets = job.Target{Group: s.Balancers.Add("pets", time.Minute), Port: 80, Healthy: true}
		s.Balancers.Register(pets.Group, s.Web)
		return step, in
	}
	const (
		asks = looks + " StartInstances DescribeVolumes Slots DescribeTargetGroups"
		seen = asks + " DescribeTargetHealth DescribeTargetGroupAttributes"
	)
	steptest.Play(t, drained, cases{
		{
			Name: "it may be stopped", Want: seen + " Slots Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("standby", j.Standby, &job.Standby{Drained: []job.Target{pets}})
			},
		},
		{
			Name: "another has the place: it stays in them", Want: seen + " Slots Take: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) { slot(s, ledger.Places, 0, time.Now()) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", []any{j.Decision, j.Standby == nil}, []any{job.WaitFirst, true})
			},
		},
		{
			Name: "one drains for too long", Want: seen + " DescribeTargetHealth DescribeTargetGroupAttributes: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Balancers.Register(s.Balancers.Add("slow", time.Hour), s.Web)
			},
			Then: skips(job.TargetGroups, "target group slow lets connections drain for 1h"),
		},
		{
			Name: "they cannot be looked for: nothing is stopped", Want: asks + ": Failed",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Refuse("DescribeTargetGroups", "AccessDenied", 1) },
			Says:  []string{"looking for the target groups of i-"},
		},
	})
}

// What runs has its plan's commands around its image; what is stopped takes none.
func TestWhatHasCommands(t *testing.T) {
	hooked := func(state ec2.State) func(*steptest.Stage, *claim.Input) {
		return func(s *steptest.Stage, in *claim.Input) {
			in.Job.Plan.Hooks.Before, in.Job.Plan.Hooks.After = "freeze", "thaw"
			s.Set(s.Web, state)
		}
	}
	has := func(want bool) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) { s.Same("hook", j.Hook, job.Hook{Before: want, Due: want}) }
	}
	steptest.Play(t, scene, cases{
		{Name: "it runs", Given: hooked(ec2.Running), Anything: true, Then: has(true)},
		{Name: "it is stopped", Given: hooked(ec2.Stopped), Anything: true, Then: has(false)},
		{Name: "its plan has none", Anything: true, Then: has(false)},
	})
}
