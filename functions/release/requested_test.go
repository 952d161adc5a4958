package release_test

import (
	"testing"

	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// A request is answered on the source itself.
func TestReleaseRequested(t *testing.T) {
	requested := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		step, j := scene(s)
		j.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance, Value: "now"}
		s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Request: "now"}))
		return step, j
	}
	steptest.Play(t, requested, cases{
		{
			Name: "the request tag comes off",
			Want: "PutResult Registration GetRequest DeleteTags CreateTags Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("tags", s.Tags(s.Web), map[string]string{
					"Name": "web", tag.Plan: "nightly", tag.LastImage: j.Image.ID, tag.Stopped: "",
				})
			},
		},
		{
			Name: "a new request, put on meanwhile, stays",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Request: "weekly"}))
			},
			Want: "PutResult Registration GetRequest DeleteTags CreateTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("request", s.Tags(s.Web)[tag.Request], "weekly") },
		},
		{
			Name: "skipped: the request tag comes off as well",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Decision, j.Skip = job.SkipIt, &job.Reason{Code: job.StopProtected}
			},
			Want: "PutResult Registration GetRequest DeleteTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) {
				_, there := s.Tags(s.Web)[tag.Request]
				s.Same("request", there, false)
			},
		},
		{
			Name:  "the source is gone: there is nothing to take a tag off",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Decision, j.Skip = job.SkipIt, &job.Reason{Code: job.Gone} },
			Want:  "PutResult Registration Drop: ok",
		},
		{
			Name:  "a person ran a whole plan: nothing to take off",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Run.Request = &job.Request{By: "jo"} },
			Want:  "PutResult Registration CreateTags Drop: ok",
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("request", s.Tags(s.Web)[tag.Request], "now") },
		},
		{
			Name: "a later change is to be answered by another run: the tag stays",
			Given: func(s *steptest.Stage, _ *job.Job) {
				asked(s, ledger.Request{Run: steptest.RunName, Later: &ledger.TagChange{Value: "now", Version: 5}})
			},
			Want: "PutResult Registration GetRequest CreateTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("request", s.Tags(s.Web)[tag.Request], "now") },
		},
		{
			Name:  "what is known of its request goes with the tag",
			Given: func(s *steptest.Stage, _ *job.Job) { asked(s, ledger.Request{Run: steptest.RunName}) },
			Want:  "PutResult Registration GetRequest DeleteTags DropRequest CreateTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) {
				_, ok, err := s.Ledger.Kept.GetRequest(s.Context(), s.Web)
				s.Must(err)
				s.Same("known", ok, false)
			},
		},
		{
			Name: "the request is another run's to answer: what is known of it stays",
			Given: func(s *steptest.Stage, _ *job.Job) {
				asked(s, ledger.Request{Run: "request-v9", Later: &ledger.TagChange{Value: "now", Version: 10}})
			},
			Want: "PutResult Registration GetRequest DeleteTags CreateTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) {
				_, ok, err := s.Ledger.Kept.GetRequest(s.Context(), s.Web)
				s.Must(err)
				s.Same("known", ok, true)
			},
		},
		{
			Name: "the function may not take tags off: the claim is dropped, the image noted, and people are told",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "DeleteTags", Code: "UnauthorizedOperation"})
			},
			Want: "PutResult Registration GetRequest DeleteTags CreateTags PutResult Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("claim", s.Held(s.Web), none)
				s.Same("last image", s.Tags(s.Web)[tag.LastImage], j.Image.ID)
				s.Same("warnings", s.Results(steptest.RunName)[0].Warnings, []job.Reason{{
					Code: job.RequestLeft,
					Text: "tag goldsmith:image cannot be taken off (UnauthorizedOperation): take it off by hand, it asks for " +
						"nothing until it is put on again",
				}})
			},
		},
	})
}

// asked is what is known of the request tag on web.
func asked(s *steptest.Stage, r ledger.Request) {
	s.Helper()
	r.Source, r.Value = s.Web, "now"
	_, err := s.Ledger.Kept.PutRequest(s.Context(), r)
	s.Must(err)
}
