package report_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/functions/report"
	"goldsmith/shared/bucket"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// scene is a run that imaged one source, has been told of, and whose messages lead to its page.
func scene(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
	s.Must(s.Ledger.Kept.PutRun(s.Context(), ledger.Run{Name: steptest.RunName, Plan: "nightly", Started: time.Now(),
		Ended: time.Now().Add(time.Hour), Outcome: string(plan.OK)}))
	s.Must(s.Ledger.Kept.PutResult(s.Context(), job.Result{Run: steptest.RunName, Source: s.Web, Kind: job.Instance,
		Name: "web", Plan: "nightly", Ending: job.Imaged, Image: job.Image{ID: "ami-0abcdef1234567890"}, At: time.Now()}))
	p := job.Batch{Run: s.Run(), Plan: s.Plan, Outcome: plan.OK}
	p.Plan.Notify.Link = plan.Console
	return report.Step{Ledger: s.Ledger, Bucket: s.Pages(), Now: time.Now}.Handle, p
}

type cases = []steptest.Case[job.Batch, job.Batch]

const reads = "GetRun Results Claims Retirements"

// pages are those that lie in the bucket afterwards.
func pages(want int, parts ...string) func(*steptest.Stage, job.Batch) {
	return func(s *steptest.Stage, _ job.Batch) {
		s.Helper()
		all := s.Buckets().Objects("goldsmith-pages")
		s.Same("pages", len(all), want)
		for _, o := range all {
			s.Same("place", o.Key, bucket.Key(steptest.RunName))
			s.Same("kind", o.ContentType, "text/html; charset=utf-8")
			for _, part := range parts {
				s.Same("says "+part, strings.Contains(string(o.Body), part), true)
			}
		}
	}
}

func TestReport(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "written, and the same again where the step is repeated", Want: reads + " PutObject: ok | " + reads +
				" PutObject: ok", Then: pages(1, "<title>", "nightly", "web", "ami-0abcdef1234567890"),
		},
		{
			Name:  "nobody is led to a page: none",
			Given: func(_ *steptest.Stage, p *job.Batch) { p.Plan.Notify.Link = "" },
			Want:  ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				pages(0)(s, p)
				s.Same("handed on", p.Outcome, plan.OK)
			},
		},
		{
			Name:  "a run that the ledger has lost has none",
			Given: func(_ *steptest.Stage, p *job.Batch) { p.Run.Name = "lost" },
			Want:  "GetRun: ok", Then: pages(0),
		},
		{
			Name: "what was cut off is on it",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Hold(ledger.Claim{Source: "i-cut", Name: "cut", Run: steptest.RunName})
			},
			Want: reads + " PutObject: ok", Then: pages(1, "its execution ended before its work was done"),
		},
		{
			Name:  "S3 is busy",
			Given: func(s *steptest.Stage, _ *job.Batch) { s.Refuse("PutObject", "SlowDown", 10) },
			Want:  reads + " PutObject*6: Transient", Then: pages(0),
		},
		{
			Name:  "the role may not put it",
			Given: func(s *steptest.Stage, _ *job.Batch) { s.Refuse("PutObject", "AccessDenied", 1) },
			Want:  reads + " PutObject: Failed", Then: pages(0), Says: []string{steptest.RunName, "bucket goldsmith-pages"},
		},
		{
			Name:  "the ledger is busy",
			Given: func(s *steptest.Stage, _ *job.Batch) { s.Ledger.Break("Retirements", 1) },
			Want:  reads + ": Transient", Then: pages(0),
		},
	})
}

// A bucket of that name that is another account's gets no page.
func TestABucketOfAnother(t *testing.T) {
	steptest.Play(t, func(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
		_, p := scene(s)
		pages := s.Pages()
		pages.Account = "999999999999"
		return report.Step{Ledger: s.Ledger, Bucket: pages, Now: time.Now}.Handle, p
	}, cases{{Name: "refused", Want: reads + " PutObject: Failed", Then: pages(0)}})
}
