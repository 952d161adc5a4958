package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/golden"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

var night = time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)

func run() ledger.Run {
	return ledger.Run{
		Name: "nightly-20260501T020000Z", Plan: "nightly", Scheduled: night,
		Execution: "arn:aws:states:eu-west-1:123456789012:execution:goldsmith:nightly-20260501T020000Z",
		Started:   night.Add(7 * time.Second), Ended: night.Add(14 * time.Minute),
	}
}

func nightly() plan.Plan { return plan.Plan{Name: "nightly"} }

func results() []job.Result {
	member := job.Reason{Code: job.AutoScalingMember, Text: "It belongs to Auto Scaling group web."}
	stopped := job.Times{StopSent: night.Add(time.Minute)}
	back := job.Times{StopSent: night.Add(time.Minute), Running: night.Add(3*time.Minute + 10*time.Second)}
	return []job.Result{
		{Source: "i-01", Name: "web-1", Ending: job.Imaged, Image: job.Image{ID: "ami-01", State: "available"}, Times: back,
			Rolled: []job.Rolled{
				{Target: "lt-01", Name: "web", From: "ami-00", To: "ami-01", Version: 8, Previous: 7},
				{Target: "lt-02", Name: "arm", Problem: "the template launches arm64, the image is x86_64"},
			},
			Refreshes: []job.Refresh{
				{Group: "web", ID: "r-1", Status: "Successful", From: "web 7", To: "web 8", Began: night.Add(time.Hour),
					Ended: night.Add(time.Hour + 25*time.Minute)},
				{Group: "canary", ID: "r-2", Status: "Successful", From: "web $Default", To: "web $Default", Began: night,
					Ended: night.Add(time.Minute), Note: "It can't be rolled back."},
				{Group: "idle", From: "web 8", To: "web 8"},
				{Group: "shop", ID: "r-3", Status: "RollbackSuccessful", From: "web 7", To: "web 8", Ended: night,
					Problem: "The refresh failed and was rolled back. Auto Scaling says: no."},
				{Group: "cut", ID: "r-4", Status: "InProgress", From: "web 7", To: "web 8"},
				{Group: "second", ID: "r-5", Status: "InProgress", From: "web 7", To: "web 8", Behind: true},
				{Group: "queue", Problem: "It is being deleted."},
			},
			Warnings: []job.Reason{{Code: job.AddressChanges, Text: "Its public address changes."}}},
		{Source: "i-02", Name: "batch", Ending: job.Imaged, Image: job.Image{ID: "ami-02", State: "available"}},
		{Source: "i-03", Name: "web-2", Ending: job.Skipped, Skip: &member},
		{Source: "i-04", Name: "web-3", Ending: job.Skipped,
			Skip: &job.Reason{Code: job.AutoScalingMember, Text: "It belongs to Auto Scaling group api."}},
		{Source: "i-05", Ending: job.Skipped,
			Skip: &job.Reason{Code: job.StopProtected, Text: "It is protected against being stopped."}},
		{Source: "i-06", Name: "db", Ending: job.LeftStopped, Times: stopped,
			Image:   job.Image{ID: "ami-06", State: "pending"},
			Problem: "StartInstances: InsufficientInstanceCapacity"},
		{Source: "i-07", Name: "mail\n\x1b[31m", Ending: job.Broken, Times: back,
			Problem: "CreateImage: SnapshotLimitExceeded"},
		{Source: "snap-08", Kind: job.Snapshot, Ending: job.Broken},
	}
}

func TestOutcome(t *testing.T) {
	one := func(e job.Ending) job.Result { return job.Result{Source: "i-" + string(e), Ending: e} }
	imaged, skipped, failed, left := one(job.Imaged), one(job.Skipped), one(job.Broken), one(job.LeftStopped)
	for name, c := range map[string]struct {
		problem string
		results []job.Result
		want    plan.Outcome
	}{
		"nothing to do":            {want: plan.OK},
		"all imaged":               {results: []job.Result{imaged}, want: plan.OK},
		"skips alone":              {results: []job.Result{skipped}, want: plan.OK},
		"imaged and skipped":       {results: []job.Result{imaged, skipped}, want: plan.OK},
		"some failed":              {results: []job.Result{imaged, failed}, want: plan.Partial},
		"some left stopped":        {results: []job.Result{imaged, left}, want: plan.Partial},
		"all failed":               {results: []job.Result{failed}, want: plan.Failed},
		"all attempted failed":     {results: []job.Result{failed, skipped}, want: plan.Failed},
		"nothing but left stopped": {results: []job.Result{left}, want: plan.Failed},
		"the run broke":            {results: []job.Result{imaged}, problem: "States.Timeout", want: plan.Failed},
		"the run broke at once":    {problem: "limit: 41 sources, at most 40", want: plan.Failed},
		"a group not refreshed": {results: []job.Result{{Source: "i-1", Ending: job.Imaged,
			Refreshes: []job.Refresh{{Group: "web", Problem: "no"}}}}, want: plan.Partial},
		"a refresh cut off": {results: []job.Result{{Source: "i-1", Ending: job.Imaged,
			Refreshes: []job.Refresh{{Group: "web", ID: "1"}}}}, want: plan.Partial},
		"a group refreshed": {results: []job.Result{{Source: "i-1", Ending: job.Imaged,
			Refreshes: []job.Refresh{{Group: "web", ID: "1", Ended: night}}}}, want: plan.OK},
		"an ending nobody knows":    {results: []job.Result{imaged, one("odd")}, want: plan.Partial},
		"only an ending unknown":    {results: []job.Result{one("")}, want: plan.Failed},
		"imaged, failed, and skips": {results: []job.Result{skipped, failed, imaged}, want: plan.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			r := run()
			r.Problem = c.problem
			got := report.Of(r, c.results, nightly())
			if got.Outcome != c.want {
				t.Errorf("outcome %s, want %s", got.Outcome, c.want)
			}
			if got.Urgent() != (c.want != plan.OK) {
				t.Errorf("urgent %v for %s", got.Urgent(), c.want)
			}
		})
	}
}

// A run that was cut off between the release and its groups says so, where the plan refreshes any.
func TestCutOffBeforeTheGroups(t *testing.T) {
	cut := []job.Result{{Source: "i-1", Ending: job.Imaged, Refreshing: true}}
	p := nightly()
	if got := report.Of(run(), cut, p); got.Outcome != plan.OK {
		t.Errorf("outcome %s for a plan that refreshes nothing", got.Outcome)
	}
	p.Roll.Refresh.Enabled = true
	if got := report.Of(run(), cut, p); got.Outcome != plan.Partial || len(got.NotRefreshed) != 1 {
		t.Errorf("outcome %s, %+v", got.Outcome, got.NotRefreshed)
	}
}

func TestWanted(t *testing.T) {
	for _, c := range []struct {
		on   []plan.Outcome
		want bool
	}{
		{nil, true},
		{[]plan.Outcome{plan.OK}, true},
		{[]plan.Outcome{plan.Partial, plan.Failed}, false},
	} {
		p := nightly()
		p.Notify.On = c.on
		if got := report.Of(run(), nil, p).Wanted(); got != c.want {
			t.Errorf("on %v: wanted %v, want %v", c.on, got, c.want)
		}
	}
}

func TestOf(t *testing.T) {
	got := report.Of(run(), results(), nightly())
	want := report.Counts{Sources: 8, Imaged: 2, Skipped: 3, Failed: 2, LeftStopped: 1, Rolled: 1, NotRolled: 1,
		Refreshed: 3, NotRefreshed: 4}
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	down := report.Downtime{Longest: 130 * time.Second, Total: 260 * time.Second, Of: "mail\n\x1b[31m"}
	if diff := cmp.Diff(down, got.Downtime); diff != "" {
		t.Errorf("downtime (-want +got):\n%s", diff)
	}
	var order []string
	for _, s := range got.Sources {
		order = append(order, s.ID)
	}
	if diff := cmp.Diff([]string{"i-06", "i-07", "snap-08", "i-02", "i-01", "i-05", "i-03", "i-04"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if since := got.Sources[0].DownSince; !since.Equal(night.Add(time.Minute)) {
		t.Errorf("down since %s", since)
	}
	if g := got.Skips[0]; g.Code != job.AutoScalingMember || len(g.Of) != 2 || g.Text != "" {
		t.Errorf("first group of skips: %+v", g)
	}
	if g := got.Skips[1]; g.Text != "It is protected against being stopped." {
		t.Errorf("second group of skips: %+v", g)
	}
}

func TestText(t *testing.T) {
	broke := run()
	broke.Problem = "States.Timeout: the execution ran longer than 30h"
	asked := run()
	asked.Request = &job.Request{Source: "i-01", By: "ada"}
	for name, r := range map[string]report.Report{
		"mixed":   report.Of(run(), results(), nightly()),
		"broke":   report.Of(broke, results()[:1], nightly()),
		"asked":   report.Of(asked, results()[:2], nightly()),
		"nothing": report.Of(ledger.Run{Name: "empty", Scheduled: night}, nil, nightly()),
	} {
		t.Run(name, func(t *testing.T) { golden.Assert(t, r.Text(), name+".txt") })
	}
}

// Whatever the results and their order, nothing is lost and the report is the same.
func TestEverySourceOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.Custom(anyResult), 0, 20).Draw(t, "results")
		for i := range drawn {
			drawn[i].Source = fmt.Sprintf("i-%02d", i)
		}
		got := report.Of(run(), drawn, nightly())
		if diff := cmp.Diff(got, report.Of(run(), rapid.Permutation(drawn).Draw(t, "shuffled"), nightly())); diff != "" {
			t.Fatalf("order matters:\n%s", diff)
		}
		c := got.Counts
		if sum := c.Imaged + c.Skipped + c.Failed + c.LeftStopped; sum != len(drawn) || c.Sources != sum ||
			len(got.Sources) != sum {
			t.Fatalf("%d results, counts %+v", len(drawn), c)
		}
		allListed(t, got)
	})
}

func allListed(t *rapid.T, r report.Report) {
	listed := 0
	for _, ending := range []job.Ending{job.LeftStopped, job.Broken, job.Imaged, job.Skipped} {
		listed += len(r.EndedAs(ending))
	}
	if listed != len(r.Sources) {
		t.Fatalf("%d of %d sources are listed", listed, len(r.Sources))
	}
	for _, s := range r.Sources {
		if down := s.Ending == job.Broken || s.Ending == job.LeftStopped; down != (s.Failure != nil) {
			t.Fatalf("%s %s has failure %v", s.ID, s.Ending, s.Failure)
		}
	}
}

func anyResult(t *rapid.T) job.Result {
	r := job.Result{
		Name: rapid.String().Draw(t, "name"),
		Ending: rapid.SampledFrom([]job.Ending{job.Imaged, job.Skipped, job.Broken, job.LeftStopped, "odd"}).Draw(t,
			"ending"),
		Problem: rapid.String().Draw(t, "problem"),
	}
	if r.Ending == job.Skipped {
		code := rapid.SampledFrom([]job.ReasonCode{job.Gone, job.Claimed}).Draw(t, "code")
		r.Skip = &job.Reason{Code: code, Text: rapid.SampledFrom([]string{"one", "two"}).Draw(t, "text")}
	}
	return r
}

// What EC2 has accepted a start of may run by now, and hangs in no stop.
func TestStartedAndNotSeen(t *testing.T) {
	down := job.Result{Source: "i-01", Ending: job.LeftStopped, Problem: "looking at i-01: Blocked: no",
		Times: job.Times{StopSent: night, StartSent: night.Add(time.Minute)}}
	f := report.Of(run(), []job.Result{down}, nightly()).Sources[0].Failure
	want := report.Failure{
		What: "looking at i-01: Blocked: no",
		Did: "Goldsmith stopped it at 02:00 UTC and started it at 02:01 UTC, but has not seen it running since; it goes on " +
			"trying every few minutes.",
		Do: "See whether it runs, and start it if it does not: aws ec2 start-instances --instance-ids i-01 --region " +
			"eu-west-1",
	}
	if diff := cmp.Diff(&want, f); diff != "" {
		t.Error(diff)
	}
}

// What is told of times is in the plan's zone, and in the night in which clocks go back the abbreviation tells apart
// the two hours of one name.
func TestTimesInThePlansZone(t *testing.T) {
	first := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	run := ledger.Run{Name: "nightly-1", Plan: "nightly", Scheduled: first, Timezone: "Europe/Berlin"}
	down := []job.Result{{
		Source: "i-01", Ending: job.LeftStopped, Times: job.Times{StopSent: first.Add(time.Hour)},
	}}
	gone := []job.Retirement{{Subject: "ami-01", Status: job.Deprecated, Due: first.Add(2 * time.Hour)}}
	text := report.Of(run, down, plan.Plan{Timezone: "Asia/Tokyo"}).With(gone).Text()
	for _, want := range []string{
		"scheduled for 2026-10-25 02:30 CEST", "Goldsmith stopped it at 02:30 CET", "goes from 2026-10-25 03:30 CET",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	for _, zone := range []string{"", "Mars/Olympus"} {
		run.Timezone = zone
		if text := report.Of(run, nil, plan.Plan{}).Text(); !strings.Contains(text, "2026-10-25 00:30 UTC") {
			t.Errorf("in zone %q it does not say UTC:\n%s", zone, text)
		}
	}
}
