package recovery_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/eventbridge"
	"goldsmith/local/sfn"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// quiet is a sweep of an account in which nothing is claimed and nothing has run.
func quiet(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
	return account(s, nightlyOf(s)).Handle, s.Sample("sweep")
}

// asks are a sweep's looks at instances and snapshots with the request tag; the look
// before ListExecutions is the one for test instances.
const (
	asks = " DescribeInstances DescribeSnapshots Requests"
	calm = "Claims Slots DescribeInstances Unsettled ListExecutions Since" + asks + ": ok"
	// noticed is what people are told beside runs.
	noticed = " GetRun Notifying GetSecretValue Notified: ok"
	tells   = " Results Claims PutRun Notifying GetSecretValue Notified"
)

// after is a sweep's looks where people have heard of all runs, the last of which began or ended an hour after the ledger.
func after(looks string) string { return strings.Replace(looks, "Since", "Since Heard", 1) }

func TestSweepOfAQuietAccount(t *testing.T) {
	steptest.Play(t, quiet, cases{
		{Name: "nothing is claimed, nothing is asked for", Want: calm},
		{
			Name:  "the claims cannot be read: everything else is looked after, but for test instances, which may be in use",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Ledger.Break("Claims", 1) },
			Want:  "Claims DescribeInstances ListExecutions Since" + asks + ": Transient", Says: []string{"reading the claims"},
		},
		{
			Name:  "the runs cannot be listed",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Refuse("ListExecutions", "AccessDeniedException", 1) },
			Want:  "Claims Slots DescribeInstances Unsettled ListExecutions" + noticed,
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				s.Same("messages", len(s.Slack.Messages()), 1)
				said := s.Slack.Messages()[0].Terminal(false)
				s.Same("said", strings.Contains(said, "listing the runs: AccessDeniedException"), true)
			},
		},
		{
			Name:  "the runs cannot be listed for days: said once, and every sweep ends well",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Refuse("ListExecutions", "AccessDeniedException", 3) },
			Want: "Claims Slots DescribeInstances Unsettled ListExecutions" + noticed +
				strings.Repeat(" | Claims Slots DescribeInstances Unsettled ListExecutions GetRun: ok", 2),
			Then: func(s *steptest.Stage, _ recovery.Answer) { s.Same("messages", len(s.Slack.Messages()), 1) },
		},
		{
			Name: "neither can people be told: the sweep fails",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Refuse("ListExecutions", "AccessDeniedException", 1)
				s.Refuse("GetSecretValue", "AccessDeniedException", 1)
			},
			Want: "Claims Slots DescribeInstances Unsettled ListExecutions GetRun Notifying GetSecretValue: Failed",
			Says: []string{"listing the runs"},
		},
	})
}

// Runs that nobody was told of.
func TestUntold(t *testing.T) {
	const run = "nightly-20000101T003000Z"
	opened := func(s *steptest.Stage, edit func(*ledger.Run)) {
		r := ledger.Run{Name: run, Plan: "nightly", Execution: executionARN + run, Scheduled: time.Now(), Started: time.Now()}
		if edit != nil {
			edit(&r)
		}
		s.Must(s.Ledger.Kept.PutRun(s.Context(), r))
	}
	aborted := func(s *steptest.Stage, _ *json.RawMessage) {
		s.Execute(run)
		s.Abort(executionARN + run)
		time.Sleep(10 * time.Minute)
	}
	says := func(parts ...string) func(*steptest.Stage, recovery.Answer) {
		return func(s *steptest.Stage, _ recovery.Answer) {
			s.Helper()
			s.Same("messages", len(s.Slack.Messages()), 1)
			for _, part := range parts {
				s.Same("says "+part, strings.Contains(s.Slack.Messages()[0].Terminal(false), part), true)
			}
		}
	}
	steptest.Play(t, quiet, cases{
		{
			Name:  "cut off, and its event was lost: told, once",
			Given: func(s *steptest.Stage, in *json.RawMessage) { opened(s, nil); aborted(s, in) },
			Want: "Claims Slots DescribeInstances Unsettled ListExecutions Since GetRun*2" + tells + asks + ": ok | Claims " +
				"Slots DescribeInstances Unsettled ListExecutions Since GetRun" + asks + ": ok",
			Then: says("The execution ended as ABORTED before the run was done"),
		},
		{
			Name: "cut off a moment ago: its event may still come",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				opened(s, nil)
				s.Execute(run)
				s.Abort(executionARN + run)
				time.Sleep(time.Minute)
			},
			Want: calm,
		},
		{
			Name:  "it goes on",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { opened(s, nil); s.Execute(run); time.Sleep(time.Hour) },
			Want:  calm,
		},
		{
			Name: "done, and Slack was down: what it found stands",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				opened(s, func(r *ledger.Run) { r.Ended, r.Outcome = time.Now(), "ok" })
				aborted(s, in)
			},
			Want: "Claims Slots DescribeInstances Unsettled ListExecutions Since GetRun*2" + tells + asks + ": ok",
			Then: says("OK: nightly"),
		},
		{
			Name:  "cut off before it had a record, with an input of somebody's own",
			Given: aborted,
			Want: "Claims Slots DescribeInstances Unsettled ListExecutions Since GetRun DescribeExecution GetRun" + tells +
				asks + ": ok",
			Then: says("FAILED: unknown", "The execution ended as ABORTED"),
		},
		{
			Name: "long ago: nobody's news",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				opened(s, nil)
				aborted(s, in)
				time.Sleep(6 * 24 * time.Hour)
			},
			Want: calm,
		},
	})
}

// A run that its schedule did not start is made up for while its window holds, and told of later.
func TestMissedRuns(t *testing.T) {
	due := func(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
		s.Plan.Schedule = "cron(0 2 * * ? *)"
		s.Must(s.Bus.Schedule(eventbridge.Schedule{
			Name: "goldsmith-nightly", Group: "goldsmith", Function: "trigger", Input: []byte("{}"),
			Next: func(after time.Time) (time.Time, bool) { return after.Add(24 * time.Hour), true },
		}))
		step := account(s, nightlyOf(s))
		_, err := step.Handle(s.Context(), s.Sample("sweep")) // the plan is known since midnight
		s.Must(err)
		return step.Handle, s.Sample("sweep")
	}
	at := func(moment string, more ...func(*steptest.Stage)) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, _ *json.RawMessage) {
			clock(s, moment)
			for _, m := range more {
				m(s)
			}
		}
	}
	const (
		run   = "nightly-20000101T020000Z"
		looks = "Claims Slots DescribeInstances Unsettled ListExecutions Since" + asks + " Sight"
		late  = " Sight" // of the look for overdue runs
	)
	runs := func(n int) func(*steptest.Stage, recovery.Answer) {
		return func(s *steptest.Stage, _ recovery.Answer) {
			s.Helper()
			s.Same("runs", len(s.States.List(sfn.Filter{})), n)
			s.Same("messages", len(s.Slack.Messages()), 0)
		}
	}
	steptest.Play(t, due, cases{
		{Name: "due a moment ago: Scheduler may still start it", Given: at("2000-01-01T02:05:00Z"),
			Want: looks + "*2: ok", Then: runs(0)},
		{
			Name: "not started, and its window holds: started late, once", Given: at("2000-01-01T02:20:00Z"),
			Want: looks + " DescribeExecution GetRun GetSchedule StartExecution" + late + ": ok | " + after(looks) + "*2: ok",
			Then: func(s *steptest.Stage, a recovery.Answer) {
				runs(1)(s, a)
				s.Same("name", s.States.List(sfn.Filter{})[0].Name, run)
			},
		},
		{Name: "it has begun", Given: at("2000-01-01T02:20:00Z", func(s *steptest.Stage) { s.Execute(run) }),
			Want: after(looks) + "*2: ok", Then: runs(1)},
		{
			Name:  "somebody has switched the schedule off: no run, and no news",
			Want:  looks + " DescribeExecution GetRun GetSchedule" + late + ": ok",
			Given: at("2000-01-01T02:20:00Z", func(s *steptest.Stage) { s.Bus.Enable("goldsmith-nightly", false) }),
			Then:  runs(0),
		},
		{
			Name: "somebody has deleted the schedule: no run, and no news",
			Want: looks + " DescribeExecution GetRun GetSchedule" + late + ": ok",
			Given: at("2000-01-01T02:20:00Z", func(s *steptest.Stage) {
				s.Refuse("GetSchedule", "ResourceNotFoundException", 1)
			}), Then: runs(0),
		},
		{
			Name:  "it cannot be told whether it is switched off: not started",
			Want:  looks + " DescribeExecution GetRun GetSchedule Sight GetRun Notifying GetSecretValue Notified: ok",
			Given: at("2000-01-01T02:20:00Z", func(s *steptest.Stage) { s.Refuse("GetSchedule", "AccessDeniedException", 1) }),
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				s.Same("runs", len(s.States.List(sfn.Filter{})), 0)
				said := s.Slack.Messages()[0].Terminal(false)
				s.Same("said", strings.Contains(said, "looking whether plan nightly has run"), true)
			},
		},
		{
			Name: "its window is over: told, once", Given: at("2000-01-01T06:30:00Z"),
			Want: looks + " DescribeExecution GetRun GetSchedule GetRun" + tells + late + ": ok | " + looks +
				" DescribeExecution GetRun Sight: ok",
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				s.Same("messages", len(s.Slack.Messages()), 1)
				s.Same("says",
					strings.Contains(s.Slack.Messages()[0].Terminal(false), "The schedule started no run at 2000-01-01T02:00:00Z"),
					true)
				s.Same("runs", len(s.States.List(sfn.Filter{})), 0)
			},
		},
	})
}
