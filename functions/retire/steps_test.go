package retire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// newest is last night's image.
func newest(s *steptest.Stage) string {
	s.Helper()
	for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
		if s.Must(err); r.Run == "nightly-001" {
			return r.ID
		}
	}
	return ""
}

func TestRetireSteps(t *testing.T) {
	var due string
	after := func(state, said string) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, p job.Batch) {
			s.Same("image", is(s, due), state)
			s.Same("status", status(s, due), said)
			s.Same("more", p.Retire.More, false)
		}
	}
	steptest.Play(t, aged(&due), cases{
		{
			Name: "the plan has no rule", Want: ": ok",
			Given: func(_ *steptest.Stage, p *job.Batch) { p.Plan.Keep.Last = 0 },
			Then:  after("available", ""),
		},
		{
			Name: "it is kept", Want: sees + "*2" + ": ok",
			Given: func(_ *steptest.Stage, p *job.Batch) { p.Plan.Keep.Last = 2 },
			Then:  after("available", ""),
		},
		{
			Name: "first it is deprecated", Want: sees + "*2" + gates + " PutRetirement EnableImageDeprecation" + ": ok",
			Then: after("deprecated", "deprecated: no rule keeps it"),
		},
		{
			Name:  "and then the grace period passes",
			Given: func(s *steptest.Stage, _ *job.Batch) { deprecated(s, due, 71*time.Hour) },
			Want:  sees + "*2" + gates + ": ok",
			Then:  after("deprecated", "deprecated: "),
		},
		{
			Name:  "and then it goes with its snapshots",
			Given: func(s *steptest.Stage, _ *job.Batch) { deprecated(s, due, 72*time.Hour) },
			Want:  sees + "*2" + gates + gone + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				after("gone", "retired: no rule keeps it")(s, p)
				s.Same("snapshots", snapshots(s), 1)
			},
		},
		{
			Name: "or is disabled first",
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Plan.Keep.Disable = true
				deprecated(s, due, 72*time.Hour)
			},
			Want: sees + "*2" + gates + " PutRetirement DisableImage" + ": ok | " + sees + gates + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				after("disabled", "disabled: no rule keeps it")(s, p)
				told := record(s, due)
				s.Same("when it goes", told.Due.Sub(told.Since), time.Duration(p.Plan.Keep.Grace))
			},
		},
		{
			Name: "and goes after a second grace period",
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Plan.Keep.Disable = true
				deprecated(s, due, 72*time.Hour)
				_, err := s.EC2.DisableImage(s.Context(), &sdk.DisableImageInput{ImageId: aws.String(due)})
				s.Must(err)
			},
			Want: sees + gates + gone + ": ok",
			Then: after("gone", "retired: no rule keeps it"),
		},
		{
			Name: "it is kept again",
			Given: func(s *steptest.Stage, p *job.Batch) {
				deprecated(s, due, 71*time.Hour)
				p.Plan.Keep.Last = 2
			},
			Want: sees + "*2 DisableImageDeprecation PutRetirement" + ": ok",
			Then: after("available", "restored: last 2/2"),
		},
		{
			Name: "somebody took the deprecation back",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				deprecated(s, due, 100*time.Hour)
				_, err := s.EC2.DisableImageDeprecation(s.Context(), &sdk.DisableImageDeprecationInput{ImageId: aws.String(due)})
				s.Must(err)
			},
			Want: sees + "*2" + gates + " PutRetirement EnableImageDeprecation" + ": ok",
			Then: after("deprecated", "deprecated: no rule keeps it"),
		},
		{
			Name: "an image that is not known to be good is neither counted nor retired",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Must(s.Ledger.Kept.PutResult(s.Context(),
					job.Result{Run: "nightly-001", Source: s.Web, Ending: job.Broken, At: time.Now()}))
			},
			Want: sees + "*2" + ": ok",
			Then: after("available", ""),
		},
		{
			Name: "its job made another image: any image of a good job is not good",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				other := job.Image{ID: "ami-0123456789abcdef0", State: "available"}
				s.Must(s.Ledger.Kept.PutResult(s.Context(),
					job.Result{Run: "nightly-001", Source: s.Web, Ending: job.Imaged, At: time.Now(), Image: other}))
			},
			Want: sees + "*2" + ": ok",
			Then: after("available", ""),
		},
		{
			Name: "its test was not passed",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				unproven := job.Image{ID: newest(s), State: job.Unproven}
				s.Must(s.Ledger.Kept.PutResult(s.Context(),
					job.Result{Run: "nightly-001", Source: s.Web, Ending: job.Imaged, At: time.Now(), Image: unproven}))
			},
			Want: sees + "*2" + ": ok",
			Then: after("available", ""),
		},
		{
			Name: "the register says that it is good, whatever its result says", Want: strings.TrimSuffix(sees, " Results") +
				gates + " PutRetirement EnableImageDeprecation: ok",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
					s.Must(err)
					r.Good = true
					_, err := s.Ledger.Kept.Amend(s.Context(), r)
					s.Must(err)
				}
			},
			Then: after("deprecated", "deprecated: no rule keeps it"),
		},
		{
			Name: "it was had back, and still carries an older deprecation: it begins anew",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				deprecated(s, due, 72*time.Hour)
				r := registrationOf(s, due)
				r.Anew = time.Now().Add(-time.Hour)
				_, err := s.Ledger.Kept.Amend(s.Context(), r)
				s.Must(err)
			},
			Want: sees + "*2" + gates + " PutRetirement EnableImageDeprecation: ok",
			Then: after("deprecated", "deprecated: no rule keeps it"),
		},
		{
			Name: "no image is known to be good",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				for _, run := range []string{"nightly-001", "nightly-010"} {
					s.Must(s.Ledger.Kept.PutResult(s.Context(),
						job.Result{Run: run, Source: s.Web, Ending: job.Broken, At: time.Now()}))
				}
			},
			Want: sees + "*2 PutRetirement" + ": ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("status", status(s, "web"), "suspended: no current image: retiring suspended")
			},
		},
		{
			Name: "a run has it in hand",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				_, err := s.Ledger.Kept.Claim(s.Context(), ledger.Claim{Source: s.Web, Run: "nightly-010"})
				s.Must(err)
			},
			Want: sees + "*2" + ": ok",
			Then: after("available", ""),
		},
		{
			Name: "its source wishes otherwise",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				old(s, 0, map[string]string{tag.Keep: "last=3"})
			},
			Want: sees + "*3" + ": ok",
			Then: after("available", ""),
		},
		{
			Name: "its source's wish cannot be read",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				old(s, 0, map[string]string{tag.Keep: "last:3"})
			},
			Want: sees + "*3 PutRetirement" + ": ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("status", strings.HasPrefix(status(s, "web"), "suspended: its tag goldsmith:keep cannot be read"), true)
			},
		},
		{
			Name: "the newest image is tagged to keep fewer", Want: sees + "*2: ok", Then: after("available", ""),
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Plan.Keep.Last = 9
				tagNewest(s, map[string]string{tag.Keep: "last=1"})
			},
		},
		{
			Name: "it is tagged to keep more", Want: sees + "*2: ok", Then: after("available", ""),
			Given: func(s *steptest.Stage, _ *job.Batch) { tagNewest(s, map[string]string{tag.Keep: "last=2"}) },
		},
		{
			Name: "its source wished for fewer", Want: sees + "*2" + gates + " PutRetirement EnableImageDeprecation: ok",
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Plan.Keep.Last = 9
				wishNewest(s, "last=1")
			},
			Then: after("deprecated", "deprecated: no rule keeps it"),
		},
		{
			Name: "its source wished for more, and the tag is gone", Want: sees + "*2: ok", Then: after("available", ""),
			Given: func(s *steptest.Stage, _ *job.Batch) { wishNewest(s, "last=2") },
		},
		{
			Name: "another source is asked for",
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Run.Request = &job.Request{Source: "i-0a1b2c3d4e5f60718", Kind: job.Instance}
			},
			Want: sees + "*2: ok",
			Then: after("available", ""),
		},
		{
			Name: "its source is asked for",
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance}
			},
			Want: sees + "*2" + gates + " PutRetirement EnableImageDeprecation: ok",
			Then: after("deprecated", "deprecated: no rule keeps it"),
		},
	})
}

func tagNewest(s *steptest.Stage, tags map[string]string) {
	s.Helper()
	_, err := s.EC2.CreateTags(s.Context(), &sdk.CreateTagsInput{Resources: []string{newest(s)}, Tags: tag.List(tags)})
	s.Must(err)
}

// wishNewest is what the source's tag goldsmith:keep said when last night's run claimed it.
func wishNewest(s *steptest.Stage, wish string) {
	s.Helper()
	r := registrationOf(s, newest(s))
	r.Keep = &wish
	_, err := s.Ledger.Kept.Amend(s.Context(), r)
	s.Must(err)
}
