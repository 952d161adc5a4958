package request_test

import (
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/request"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

const run = "request-1"

// asked is an instance with a request tag of that value, and what the ledger knows of the request; nil for nothing.
func asked(s *steptest.Stage, value string, known *ledger.Request) job.Request {
	s.Helper()
	s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Request: value}))
	if known != nil {
		known.Source, known.Kind, known.Value, known.At, known.Since = s.Web, job.Instance, value, time.Now(), time.Now()
		_, err := s.Ledger.Kept.PutRequest(s.Context(), *known)
		s.Must(err)
	}
	return job.Request{Source: s.Web, Kind: job.Instance, Value: value}
}

// A run takes the tag off that it answers, and forgets the request; no other tag, and no other request.
func TestTakeOff(t *testing.T) {
	for _, c := range []struct {
		name, value, now string
		known            *ledger.Request
		fails            func(s *steptest.Stage)
		says             string
		tagged, kept     bool
	}{
		{name: "answered", value: "now", known: &ledger.Request{Run: run}},
		{name: "the ledger does not know it", value: "now"},
		{name: "another run answers it: the tag goes, the request is that run's", value: "now",
			known: &ledger.Request{Run: "other"}, kept: true},
		{name: "put on anew with another value", value: "now", now: "weekly", known: &ledger.Request{Run: run}, tagged: true},
		{
			name: "changed meanwhile: another run answers it", value: "now", tagged: true, kept: true,
			known: &ledger.Request{Run: run, Later: &ledger.TagChange{Value: "now", At: time.Now()}},
		},
		{
			name: "changed meanwhile, and not this run's", value: "now", kept: true,
			known: &ledger.Request{Run: "other", Later: &ledger.TagChange{Value: "now", At: time.Now()}},
		},
		{
			name: "the ledger cannot be read", value: "now", known: &ledger.Request{Run: run}, tagged: true, kept: true,
			fails: func(s *steptest.Stage) { s.Ledger.Break("GetRequest", 1) }, says: "looking up the request of i-",
		},
		{
			name: "the tag may not be taken off: the request is kept, so that it is not answered again", value: "now",
			known: &ledger.Request{Run: run}, tagged: true, kept: true, says: "taking the request tag off i-",
			fails: func(s *steptest.Stage) {
				s.Cloud.Inject(ec2.Fault{Action: "DeleteTags", Code: "UnauthorizedOperation"})
			},
		},
		{
			name: "the ledger cannot be written", value: "now", known: &ledger.Request{Run: run}, kept: true,
			fails: func(s *steptest.Stage) { s.Ledger.Break("DropRequest", 1) }, says: "forgetting the request of i-",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				r := asked(s, c.value, c.known)
				if c.now != "" {
					s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Request: c.now}))
				}
				if c.fails != nil {
					c.fails(s)
				}
				err := request.TakeOff(s.Context(), s.EC2, s.Ledger, r, run)
				said := ""
				if err != nil {
					said = err.Error()[:min(len(c.says), len(err.Error()))]
				}
				s.Same("error", said, c.says)
				_, tagged := s.Tags(s.Web)[tag.Request]
				s.Same("tagged", tagged, c.tagged)
				s.Same("other tags", s.Tags(s.Web)["Name"], "web")
				_, kept, err := s.Ledger.Kept.GetRequest(s.Context(), s.Web)
				s.Must(err)
				s.Same("kept", kept, c.kept)
			})
		})
	}
}
