package report_test

import (
	"fmt"
	"testing"
	"time"

	"gotest.tools/v3/golden"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

func retirements() []job.Retirement {
	later := night.Add(72 * time.Hour)
	return []job.Retirement{
		{Subject: "ami-08", Name: "web", Status: job.Retired, Why: []string{"no rule keeps it"}, Pruned: 2},
		{Subject: "ami-07", Name: "web", Status: job.InUse,
			Why: []string{"instance i-09 (stopped)", "parameter /golden/web"}},
		{Subject: "ami-09", Name: "web", Status: job.Deprecated, Why: []string{"no rule keeps it"}, Due: later},
		{Subject: "ami-05", Name: "db", Status: job.Disabled, Why: []string{"no rule keeps it"}, Due: later},
		{Subject: "ami-04", Name: "db", Status: job.Restored, Why: []string{"daily 2/7"}},
		{Subject: "ami-03", Name: "db", Status: job.Retiring, Why: []string{"no rule keeps it"}},
		{Subject: "mail", Name: "mail", Status: job.Suspended, Why: []string{"no current image: retiring suspended"}},
		{Subject: "snap-01", Name: "web", Status: job.Swept, Why: []string{"its image is gone"}},
		{Subject: "snap-02", Name: "web", Status: job.Stuck,
			Why: []string{"it stays after its image ami-08 is gone, since EC2 says missing-permissions"}},
	}
}

func TestRetiringText(t *testing.T) {
	r := report.Of(run(), []job.Result{{Source: "i-02", Name: "batch", Ending: job.Imaged,
		Image: job.Image{ID: "ami-02", State: "available"}}}, nightly()).With(retirements())
	golden.Assert(t, r.Text(), "retired.txt")
	if r.Outcome != plan.Partial {
		t.Errorf("the outcome is %s", r.Outcome)
	}
	failed := run()
	failed.Retiring = "Lambda.TooManyRequestsException: no more"
	golden.Assert(t, report.Of(failed, nil, nightly()).Text(), "not-retired.txt")
}

// What could not be retired makes a good run partial, and no other any better; refusals change nothing.
func TestRetiringOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		problem, retiring string
		statuses          []job.Status
		want              plan.Outcome
	}{
		"all is well": {statuses: []job.Status{job.Retired, job.Deprecated, job.Disabled, job.InUse, job.Restored,
			job.Suspended, job.Swept}, want: plan.OK},
		"something is stuck":      {statuses: []job.Status{job.Retired, job.Stuck}, want: plan.Partial},
		"something was cut off":   {statuses: []job.Status{job.Retiring}, want: plan.Partial},
		"others deregistered one": {statuses: []job.Status{job.Missed}, want: plan.Partial},
		"a status nobody knows":   {statuses: []job.Status{"odd"}, want: plan.Partial},
		"the function failed":     {retiring: "States.Timeout", want: plan.Partial},
		"the run broke with that": {problem: "States.Timeout", statuses: []job.Status{job.Stuck}, want: plan.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			var retired []job.Retirement
			for i, status := range c.statuses {
				retired = append(retired, job.Retirement{Subject: fmt.Sprint(i), Status: status})
			}
			r := report.Of(ledger.Run{Name: "r", Problem: c.problem, Retiring: c.retiring}, nil, nightly()).With(retired)
			if r.Outcome != c.want {
				t.Errorf("%s, want %s", r.Outcome, c.want)
			}
		})
	}
}

// Nothing that was done to old images is left out of the report.
func TestEveryRetirementOnce(t *testing.T) {
	statuses := []job.Status{job.Deprecated, job.Disabled, job.Retiring, job.Retired, job.InUse, job.Restored,
		job.Suspended,
		job.Swept, job.Missed, job.Stuck, "odd"}
	rapid.Check(t, func(r *rapid.T) {
		var retired []job.Retirement
		for i, status := range rapid.SliceOf(rapid.SampledFrom(statuses)).Draw(r, "statuses") {
			retired = append(retired, job.Retirement{Subject: fmt.Sprint(i), Status: status})
		}
		listed := 0
		for _, list := range report.Of(run(), nil, nightly()).With(retired).Retiring.Lists() {
			listed += len(list.Of)
		}
		if listed != len(retired) {
			r.Fatalf("%d of %d are listed", listed, len(retired))
		}
	})
}
