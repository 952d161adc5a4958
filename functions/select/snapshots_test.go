package selection_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// A snapshot that is older than one that was imaged is left alone, also when the instance is gone since.
func TestSelectNoOlderSnapshot(t *testing.T) {
	daily := map[string]string{"Backup": "daily"}
	for _, c := range []struct {
		what   string
		r      func(volume string, s *steptest.Stage) ledger.Registration
		chosen int
	}{
		{what: "of the instance", r: func(_ string, s *steptest.Stage) ledger.Registration {
			return ledger.Registration{Lineage: s.Web, ID: "ami-1"}
		}},
		{what: "of the volume", r: func(volume string, _ *steptest.Stage) ledger.Registration {
			return ledger.Registration{Lineage: "i-gone", Volume: volume, ID: "ami-1"}
		}},
		{what: "of another", chosen: 1, r: func(string, *steptest.Stage) ledger.Registration {
			return ledger.Registration{Lineage: "i-other", Volume: "vol-other", ID: "ami-1"}
		}},
		{what: "whose image was not made", chosen: 1, r: func(_ string, s *steptest.Stage) ledger.Registration {
			return ledger.Registration{Lineage: s.Web}
		}},
	} {
		steptest.Play(t, scene, []steptest.Case[job.Batch, job.Batch]{{
			Name: c.what, Anything: true,
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Plan.Sources.Snapshots.Tags = map[string][]string{"Backup": {"daily"}}
				id := s.Stored(s.Web, daily)
				out, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{SnapshotIds: []string{id}})
				s.Must(err)
				older := out.Snapshots[0]
				r := c.r(aws.ToString(older.VolumeId), s)
				r.Kind, r.AMIName, r.Source = ledger.MadeImage, "web", "snap-deleted"
				r.Taken = older.StartTime.Add(time.Minute)
				_, err = s.Ledger.Kept.Register(s.Context(), r)
				s.Must(err)
			},
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("chosen", len(p.Sources), c.chosen) },
		}})
	}
}

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
