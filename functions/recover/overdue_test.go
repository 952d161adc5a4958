package recovery_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strconv"
	"testing"
	"time"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/recover/due"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// scheduled is the look for overdue runs in an account with these plans. The
// first sweep of an account was long ago, in January 2000, when a stage begins.
func scheduled(plans ...plan.Plan) func(*steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer],
	json.RawMessage) {
	return func(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
		known := plan.Plans{Default: plans[0].Name, Plans: map[string]plan.Plan{}}
		for _, p := range plans {
			known.Plans[p.Name] = p
		}
		overdue := due.Overdue{Calendar: due.Calendar{Ledger: s.Ledger, Plans: known, Now: time.Now}}
		return func(ctx context.Context, _ json.RawMessage) (recovery.Answer, error) {
			return recovery.Answer{}, overdue.Notify(ctx)
		}, nil
	}
}

func timed(name, schedule, zone string) plan.Plan {
	p := plan.Default()
	p.Name, p.Schedule, p.Timezone = name, schedule, zone
	return p
}

// nightly is due at 02:00 UTC with a window of four hours, so that it should be done at 10:00.
var nightly = timed("nightly", "cron(0 2 * * ? *)", "UTC")

// clock passes the time until a moment.
func clock(s *steptest.Stage, moment string) {
	s.Helper()
	until, err := time.Parse(time.RFC3339, moment)
	s.Must(err)
	time.Sleep(time.Until(until))
}

// ran is a run in the ledger; one without an outcome is still at work.
func ran(s *steptest.Stage, name string, outcome plan.Outcome) {
	s.Helper()
	run := ledger.Run{Name: name, Plan: "nightly", Scheduled: time.Now(), Started: time.Now(), Outcome: string(outcome)}
	if outcome != "" {
		run.Ended = time.Now()
	}
	s.Must(s.Ledger.Kept.PutRun(s.Context(), run))
}

// Each case sweeps twice: first on the day it begins, when the plan has just been deployed,
// and once more at the moment, after the runs.
func TestOverdue(t *testing.T) {
	const looksTwice = "Sight: ok | Sight GetRun: ok"
	type at struct {
		name, moment, run string
		outcome           plan.Outcome
		want              float64
		calls             string
	}
	for _, c := range []at{
		{name: "never ran", moment: "2000-01-03T10:00:01Z", want: 1},
		{name: "never ran, and rings on", moment: "2000-01-04T09:00:00Z", want: 23 * 3600},
		{name: "never ran, since days: it is the latest run that counts", moment: "2000-01-09T10:30:00Z", want: 1800},
		{name: "ran ok", moment: "2000-01-03T12:00:00Z", run: "nightly-20000103T020000Z", outcome: plan.OK},
		{name: "ran in part", moment: "2000-01-03T12:00:00Z", run: "nightly-20000103T020000Z", outcome: plan.Partial},
		{name: "failed", moment: "2000-01-03T12:00:00Z", run: "nightly-20000103T020000Z", outcome: plan.Failed, want: 7200},
		{name: "within its window: the run before counts, and was ok", moment: "2000-01-03T05:00:00Z",
			run: "nightly-20000102T020000Z", outcome: plan.OK},
		{name: "the window is over, and the run may still be at work", moment: "2000-01-03T10:00:00Z",
			run: "nightly-20000102T020000Z", outcome: plan.OK},
		{name: "at work for too long", moment: "2000-01-03T11:00:00Z", run: "nightly-20000103T020000Z", want: 3600},
		{name: "an older success does not count", moment: "2000-01-03T11:00:00Z", run: "nightly-20000102T020000Z",
			outcome: plan.OK, want: 3600},
		{name: "a run by hand does not count: its name is not known", moment: "2000-01-03T11:00:00Z", run: "nightly-now-1",
			outcome: plan.OK, want: 3600},
		{name: "deployed after its last due time", moment: "2000-01-01T23:00:00Z", calls: "Sight: ok | Sight: ok"},
	} {
		if c.calls == "" {
			c.calls = looksTwice
		}
		steptest.Play(t, scheduled(nightly), cases{{
			Name: c.name, Want: c.calls,
			// A stage begins at midnight; the plan is deployed after the due time of that day.
			Given: func(s *steptest.Stage, _ *json.RawMessage) { clock(s, "2000-01-01T03:00:00Z") },
			Between: func(s *steptest.Stage) {
				clock(s, c.moment)
				if c.run != "" {
					ran(s, c.run, c.outcome)
				}
			},
			Then: func(s *steptest.Stage, _ recovery.Answer) { overdue(s, map[string]float64{"nightly": c.want}) },
		}})
	}
}

// overdue holds the last value of each plan against what is wanted.
func overdue(s *steptest.Stage, want map[string]float64) {
	s.Helper()
	got := map[string]float64{}
	for _, found := range emitted.FindAllStringSubmatch(s.Logs.String(), -1) {
		value, err := strconv.ParseFloat(found[2], 64)
		s.Must(err)
		got[found[1]] = value
	}
	s.Same("overdue", got, want)
}

var emitted = regexp.MustCompile(`"Plan":"([^"]+)","Overdue":([^,}]+)`)

// What is due in Berlin at 01:30 is due at 00:30 UTC in winter, at 23:30 of the day before in
// summer, and once in the night in which it shows 02:30 twice, at the first.
func TestOverdueThroughChangesOfTheClocks(t *testing.T) {
	for _, c := range []struct{ name, clock, moment, run string }{
		{"before the clocks go forward", "30 1", "2000-03-25T12:00:00Z", "nightly-20000325T003000Z"},
		{"after them", "30 1", "2000-03-27T12:00:00Z", "nightly-20000326T233000Z"},
		{"the night in which 02:30 comes twice", "30 2", "2000-10-29T12:00:00Z", "nightly-20001029T003000Z"},
		{"the night in which 02:30 does not come: the night before counts", "30 2", "2000-03-26T12:00:00Z",
			"nightly-20000325T013000Z"},
	} {
		berlin := timed("nightly", "cron("+c.clock+" * * ? *)", "Europe/Berlin")
		steptest.Play(t, scheduled(berlin), cases{{
			Name: c.name, Want: "Sight: ok | Sight GetRun: ok",
			Between: func(s *steptest.Stage) { clock(s, c.moment); ran(s, c.run, plan.OK) },
			Then:    func(s *steptest.Stage, _ recovery.Answer) { overdue(s, map[string]float64{"nightly": 0}) },
		}})
	}
}

func TestOverdueOfSeveralPlans(t *testing.T) {
	weekly, request := timed("weekly", "cron(0 5 ? * SUN *)", "UTC"), timed("on-demand", "", "UTC")
	hourly, yearly := timed("hourly", "rate(1 hour)", "UTC"), timed("yearly", "cron(0 0 2 1 ? *)", "UTC")
	wrong := timed("broken", "cron(0 5 * * * *)", "UTC")
	all := func(moment string) func(s *steptest.Stage) {
		return func(s *steptest.Stage) {
			clock(s, moment)
			ran(s, job.RunName("nightly", time.Now().Truncate(24*time.Hour).Add(2*time.Hour)), plan.OK)
		}
	}
	then := func(want map[string]float64) func(*steptest.Stage, recovery.Answer) {
		return func(s *steptest.Stage, _ recovery.Answer) { overdue(s, want) }
	}
	const first = "Sight*2: ok"
	steptest.Play(t, scheduled(nightly, weekly, request, hourly), cases{
		{
			// 2000-01-02 is a Sunday; of plans on request and at a rate nothing is known.
			Name: "each by its own", Want: first + " | Sight GetRun Sight GetRun: ok", Between: all("2000-01-07T13:00:00Z"),
			Then: then(map[string]float64{"nightly": 0, "weekly": 5 * 24 * 3600}),
		},
		{
			Name: "the ledger cannot be reached for one: the others are told of, and the sweep has done its work", Want: first +
				" | Sight*2 GetRun: Transient",
			Between: func(s *steptest.Stage) { all("2000-01-07T13:00:00Z")(s); s.Logs.Reset(); s.Ledger.Break("Sight", 1) },
			Says:    []string{"looking whether plan nightly is overdue"},
			Then:    then(map[string]float64{"weekly": 5 * 24 * 3600}),
		},
		{
			Name:  "what cannot be written down counts from the next sweep",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Ledger.Break("Sight", 2) },
			Want:  "Sight*2: Transient | " + first, Between: all("2000-01-07T13:00:00Z"),
			Then: then(map[string]float64{"nightly": 0, "weekly": 0}),
		},
	})
	steptest.Play(t, scheduled(nightly, wrong), cases{{
		Name: "a schedule that is none keeps no other from its own", Want: "Sight: Failed",
		Says: []string{"looking whether plan broken is overdue", "exactly one must be ?"},
		Then: then(map[string]float64{"nightly": 0}),
	}})
	steptest.Play(t, scheduled(yearly), cases{
		{
			Name:    "a yearly run that did not come rings for as long as the ledger would remember it",
			Want:    "Sight: ok | Sight GetRun: ok",
			Between: func(s *steptest.Stage) { clock(s, "2000-03-03T00:00:00Z") },
			Then:    then(map[string]float64{"yearly": (61*24 - 8) * 3600}),
		},
		{
			Name: "and no longer: that it came would be forgotten, too",
			Want: "Sight: ok | Sight: ok", Between: func(s *steptest.Stage) { clock(s, "2000-03-04T00:00:00Z") },
			Then: then(map[string]float64{"yearly": 0}),
		},
	})
}

// A plan is judged by when it got its schedule, also when that is long ago.
func TestOverdueSinceItsSchedule(t *testing.T) {
	const name = "schedule of nightly: cron(0 2 * * ? *) UTC"
	seen := func(s *steptest.Stage) ledger.Sighting {
		sighting, err := s.Ledger.Kept.Sight(s.Context(), name, time.Now())
		s.Must(err)
		return sighting
	}
	steptest.Play(t, scheduled(nightly), cases{
		{
			Name: "seen first by this sweep", Want: "Sight: ok",
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				s.Same("sighting", seen(s), ledger.Sighting{Key: name, First: time.Now().UTC(), Last: time.Now().UTC()})
			},
		},
		{
			Name: "the record outlives what the ledger remembers, and its moment stays",
			Want: "Sight: ok | Sight GetRun: ok | Sight GetRun: ok | Sight GetRun: ok",
			Between: func(s *steptest.Stage) {
				if time.Now().Month() < time.March {
					time.Sleep(ledger.Remembered / 2)
					return
				}
				time.Sleep(time.Hour)
			},
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				sighting := seen(s)
				s.Same("first", sighting.First, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
				s.Same("last", sighting.Last, sighting.First.Add(ledger.Remembered))
			},
		},
	})
	// The same account after another deployment, with another schedule.
	changed := func(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
		before, in := scheduled(nightly)(s)
		_, err := before(s.Context(), in)
		s.Must(err)
		clock(s, "2000-01-05T12:00:00Z")
		s.Logs.Reset()
		later, _ := scheduled(timed("nightly", "cron(0 3 * * ? *)", "UTC"))(s)
		return later, in
	}
	steptest.Play(t, changed, cases{{
		Name: "another schedule: what was due before it is forgiven", Want: "Sight: ok",
		Then: func(s *steptest.Stage, _ recovery.Answer) { overdue(s, map[string]float64{"nightly": 0}) },
	}})
}
