package selection_test

import (
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// The newest of each source is chosen, and neither Goldsmith's own copies nor what has been imaged.
func TestSelectSnapshots(t *testing.T) {
	daily := map[string]string{"Backup": "daily"}
	var newest, other, inherited, unknown, left string
	steptest.Play(t, scene, []steptest.Case[job.Batch, job.Batch]{{
		Name: "snapshots that another tool makes", Anything: true,
		Given: func(s *steptest.Stage, p *job.Batch) {
			p.Plan.Sources.Snapshots.Tags = map[string][]string{"Backup": {"daily"}}
			p.Plan.Sources.Exclude = map[string][]string{"Team": {"db"}}
			s.Stored(s.Web, daily)
			newest = s.Stored(s.Web, daily)
			s.Stored(s.Web, map[string]string{"Backup": "weekly"})
			s.Stored(s.Web, map[string]string{"Backup": "daily", tag.Managed: "true"})
			s.Stored(s.Launch("db", nil), map[string]string{"Backup": "daily", "Team": "db"})
			lost := s.Launch("lost", nil)
			other = s.Stored(lost, daily)
			s.Set(lost, ec2.Terminated)
			left = s.Stored(s.Launch("old", nil), map[string]string{"Backup": "daily", "Name": "old", tag.LastImage: "ami-1"})
			_, err := s.Ledger.Kept.Register(s.Context(), ledger.Registration{
				Kind: ledger.MadeImage, Lineage: "vol-1", Source: left, AMIName: "old", ID: "ami-1",
			})
			s.Must(err)
			// Its tool copies the tags of instances, that of the other's last image among them.
			inherited = s.Stored(s.Launch("new", nil), map[string]string{"Backup": "daily", tag.LastImage: "ami-1"})
			unknown = s.Stored(s.Launch("newer", nil), map[string]string{"Backup": "daily", tag.LastImage: "ami-2"})
			time.Sleep(time.Hour)
		},
		Then: func(s *steptest.Stage, p job.Batch) {
			want := map[string]bool{newest: true, other: true, inherited: true, unknown: true}
			for _, src := range p.Sources {
				s.Same("kind", src.Kind, job.Snapshot)
				s.Same(src.ID, want[src.ID], true)
				delete(want, src.ID)
			}
			s.Same("missing", len(want), 0)
			s.Same("more", p.More, false)
			for r, err := range s.Ledger.Kept.Results(s.Context(), p.Run.Name) {
				s.Must(err)
				s.Same("left alone", r.Source, left)
				s.Same("reason", r.Skip.Code, job.AlreadyImaged)
				left = ""
			}
			s.Same("told", left, "")
		},
	}})
}
