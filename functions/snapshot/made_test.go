package snapshot_test

import (
	"testing"
	"time"

	"goldsmith/functions/snapshot"
	"goldsmith/local/ec2"
	"goldsmith/shared/attribute"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// imagedOnce has an image made of a snapshot of the web instance, whose registration is then edited.
func imagedOnce(s *steptest.Stage, edit func(*ledger.Registration)) {
	s.Helper()
	handle, in := copied(s)
	_, err := handle(s.Context(), in)
	s.Must(err)
	for r, err := range s.Ledger.Registrations(s.Context(), "") {
		s.Must(err)
		edit(&r)
		_, err = s.Ledger.Amend(s.Context(), r)
		s.Must(err)
	}
}

// An image that is registered as good, and is the registered one, says what the next snapshot of its volume is; no
// other does.
func TestWhoseImageIsOfTheSource(t *testing.T) {
	for _, c := range []struct {
		what  string
		edit  func(*ledger.Registration)
		other bool // whether the snapshot is of another instance's volume
		says  bool
	}{
		{what: "it proved good", edit: func(r *ledger.Registration) { r.Good = true }, says: true},
		{what: "it did not", edit: func(*ledger.Registration) {}},
		{what: "EC2's facts are others",
			edit: func(r *ledger.Registration) { r.Good, r.From = true, "snap-0123456789abcdef0" }},
		{what: "of another volume", edit: func(r *ledger.Registration) { r.Good = true }, other: true},
	} {
		steptest.Play(t, scene, []given{{
			Name: c.what, Anything: true,
			Given: func(s *steptest.Stage, in *snapshot.Input) {
				of := s.Web
				if c.other {
					of = s.Launch("other", nil)
					time.Sleep(time.Hour)
				}
				next := s.Stored(of, map[string]string{tag.Request: "nightly"})
				imagedOnce(s, c.edit)
				for _, id := range []string{s.Web, of} {
					s.Must(s.Cloud.SetState(id, ec2.Terminated))
				}
				time.Sleep(24 * time.Hour)
				in.Job = s.SnapshotJob(next)
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("an image", j.Registering != nil, c.says)
				if c.says {
					root := attribute.Carried(j.Registering).Value(attribute.RootDeviceName)
					s.Same("root device", root, "/dev/xvda")
				}
			},
		}})
	}
}
