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
	"goldsmith/test/steptest"
)

// What a limit was spent on is named.
func TestClaimOverTheLimit(t *testing.T) {
	limited := func(most, stopped int, edit func(*claim.Input)) func(*steptest.Stage, *claim.Input) {
		return func(s *steptest.Stage, in *claim.Input) {
			time.Sleep(time.Hour)
			for n := range stopped {
				slot(s, ledger.Stops, stopped-n, time.Now().Add(-time.Minute))
			}
			in.Job.Run.Most = most
			if edit != nil {
				edit(in)
			}
		}
	}
	const again = ". Raise the plan's limit, or ask again later"
	steptest.Play(t, scene, cases{
		{
			Name: "one", Given: limited(1, 1, nil), Want: claims + ": ok",
			Then: skips(job.OverLimit,
				"plan nightly may stop 1 source in the last 24 hours, and these were stopped or asked before: i-other-01"+again),
		},
		{
			Name: "ten, as a percentage, since its schedule", Want: claims + ": ok",
			Given: limited(10, 10, func(in *claim.Input) {
				in.Job.Plan.Limit, in.Job.Run.Since = plan.Limit{Percent: 50}, time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC)
			}),
			Then: skips(job.OverLimit,
				"plan nightly may stop 10 sources (50%) since its last scheduled start at 2000-01-01 00:30 UTC, and these were "+
					"stopped or asked before: "+
					"i-other-01, i-other-02, i-other-03, i-other-04, i-other-05, i-other-06, i-other-07, i-other-08, i-other-09, "+
					"i-other-10"+again),
		},
		{
			Name: "one percent", Given: limited(1, 1, func(in *claim.Input) { in.Job.Plan.Limit = plan.Limit{Percent: 1} }),
			Want: claims + ": ok",
			Then: skips(job.OverLimit, "plan nightly may stop 1 source (1%) in the last 24 hours"),
		},
		{
			Name: "more than are named", Given: limited(12, 12, nil), Want: claims + ": ok",
			Then: skips(job.OverLimit, "i-other-09, i-other-10 and 2 more"+again),
		},
		{
			Name: "those before its schedule do not count", Want: claims + " Take Slots Take Slots Record: ok",
			Given: limited(1, 1, func(in *claim.Input) { in.Job.Run.Since = time.Now() }),
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.StopFirst)
				s.Same("stops", slots(s, ledger.Stops)[0].Since, time.Now().UTC())
			},
		},
	})
}

// Each of select's notes counts, whatever else it noted.
func TestClaimNotes(t *testing.T) {
	noted := func(first job.ReasonCode, more ...job.ReasonCode) func(*steptest.Stage, *claim.Input) {
		return func(_ *steptest.Stage, in *claim.Input) {
			in.Job.Source.Notes = append([]job.ReasonCode{first}, more...)
			in.Job.Plan.InstanceStore = plan.Lose
		}
	}
	warns := func(code job.ReasonCode) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) {
			s.Helper()
			for _, w := range j.Warnings {
				if w.Code == code {
					return
				}
			}
			s.Errorf("%v does not warn of %s", j.Warnings, code)
		}
	}
	steptest.Play(t, scene, cases{
		{
			Name: "a slow volume, and data on instance store", Want: claims + " Take Record: ok",
			Given: noted(job.SlowVolume, job.InstanceStoreData), Then: warns(job.SlowVolume),
		},
		{
			Name: "a one-time Spot request, and a slow volume", Want: found + ": ok",
			Given: noted(job.OneTimeSpot, job.SlowVolume), Then: skips(job.OneTimeSpot, ""),
		},
	})
}

// A request waits for an instance that changes its state, for half an hour; a plan's run does not.
func TestClaimOfAChangingInstance(t *testing.T) {
	requested := func(s *steptest.Stage) (handler.Func[claim.Input, job.Job], claim.Input) {
		step, in := scene(s)
		in.Job.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance, By: "jo"}
		s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Stuck: true})
		s.Must(s.StopWeb())
		time.Sleep(time.Minute)
		return step, in
	}
	turn := func(before int, ago time.Duration) func(*steptest.Stage, *claim.Input) {
		return func(_ *steptest.Stage, in *claim.Input) {
			in.Job.Turn = &job.Turn{Before: before, First: before, Since: time.Now().UTC().Add(-ago)}
		}
	}
	waits := func(since time.Duration) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) {
			s.Helper()
			s.Same("decision", j.Decision, job.WaitFirst)
			s.Same("turn", j.Turn, &job.Turn{Seconds: 30, Since: time.Now().UTC().Add(-since)})
		}
	}
	const stopping = "it is stopping, on its way to another state"
	steptest.Play(t, requested, cases{
		{Name: "it begins to wait", Want: found + ": ok", Then: waits(0)},
		{Name: "it waits since a while", Given: turn(0, 29*time.Minute),
			Want: "Claim DescribeInstances: ok", Then: waits(29 * time.Minute)},
		{
			Name: "it has waited for half an hour", Given: turn(0, 30*time.Minute),
			Want: "Claim DescribeInstances Slots: ok",
			Then: skips(job.ChangingState, stopping+", and was so for 30m0s. Ask again once it runs or is stopped"),
		},
		{
			Name: "it waited for its turn before that", Given: turn(1, time.Hour),
			Want: turned + " Take DescribeInstances: ok", Then: waits(0),
		},
		{
			Name: "another reason", Want: found + ": ok", Then: skips(job.Hibernation, ""),
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Must(s.Cloud.SetHibernation(s.Web, true))
				s.Set(s.Web, ec2.Running)
			},
		},
		{
			Name: "the request is for a whole plan", Want: found + ": ok", Then: skips(job.ChangingState, stopping),
			Given: func(_ *steptest.Stage, in *claim.Input) { in.Job.Run.Request.Source = "" },
		},
	})
}

// What EC2 has sent an event of may not be shown for a minute.
func TestClaimOfWhatIsNotShownYet(t *testing.T) {
	steptest.Play(t, requested, cases{
		{Name: "its tag", Want: "Claim Reserve*2 DescribeInstances: NotYet",
			Says: []string{"EC2 does not show tag goldsmith:image of i-"}},
		{
			Name: "itself", Want: "Claim Reserve*2 DescribeInstances*2: NotYet",
			Says:  []string{"EC2 does not show i-00000000000000bad yet"},
			Given: func(_ *steptest.Stage, in *claim.Input) { in.Job.Source.ID = "i-00000000000000bad" },
		},
	})
}
