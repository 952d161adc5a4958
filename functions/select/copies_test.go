package selection_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/source"
	"goldsmith/test/steptest"
)

// copyOf is a completed copy of a snapshot, with a description of its tool's; "" is EC2's own.
func copyOf(s *steptest.Stage, id, description string, tags map[string]string) string {
	s.Helper()
	in := &sdk.CopySnapshotInput{SourceRegion: aws.String(steptest.Region), SourceSnapshotId: &id}
	if description != "" {
		in.Description = &description
	}
	out, err := s.EC2.CopySnapshot(s.Context(), in)
	s.Must(err)
	s.Must(s.Cloud.SetTags(*out.SnapshotId, tags))
	time.Sleep(5 * time.Minute)
	return *out.SnapshotId
}

// far is a description of a copy from another Region, whose original EC2 does not show here.
const far = "[Copied snap-0123456789abcdef0 from us-east-1] Created for policy: policy-0123456789abcdef0"

// The copies that a tool makes of one volume are one source, whatever they say it by; those that say nothing are each
// their own.
func TestSelectCopies(t *testing.T) {
	daily := map[string]string{"Backup": "daily", "Name": "web"}
	with := func(key, value string) map[string]string {
		all := maps.Clone(daily)
		all[key] = value
		return all
	}
	for _, c := range []struct {
		what    string
		made    func(s *steptest.Stage) []string // the oldest first
		lineage string
		chosen  []int
	}{
		{"of one snapshot", func(s *steptest.Stage) []string {
			of := s.Stored(s.Web, nil)
			return []string{copyOf(s, of, "", daily), copyOf(s, of, "", daily), copyOf(s, of, "", daily)}
		}, "copies/vol-", []int{2}},
		{"of several snapshots of one volume, and a copy of a copy", func(s *steptest.Stage) []string {
			first, second := s.Stored(s.Web, nil), s.Stored(s.Web, nil)
			a := copyOf(s, first, "", daily)
			return []string{a, copyOf(s, second, "", daily), copyOf(s, a, "", daily)}
		}, "copies/vol-", []int{2}},
		{"whose original is gone, and whose volume their description says", func(s *steptest.Stage) []string {
			of, text := s.Stored(s.Web, nil), "nightly copy of vol-0123456789abcdef0"
			return []string{copyOf(s, of, text, daily), copyOf(s, of, text, daily)}
		}, "copies/vol-0123456789abcdef0", []int{1}},
		{"whose volume AWS Backup says", func(s *steptest.Stage) []string {
			of, said := s.Stored(s.Web, nil), with("aws:backup:source-resource", "vol-0123456789abcdef0:AB12")
			return []string{copyOf(s, of, "AWS Backup", said), copyOf(s, of, "AWS Backup", said)}
		}, "copies/vol-0123456789abcdef0", []int{1}},
		{"of an instance, as AWS Backup says: the run's set", func(s *steptest.Stage) []string {
			of, said := s.Stored(s.Web, nil), with("aws:backup:source-resource", "i-0123456789abcdef0:AB12")
			old := copyOf(s, of, "AWS Backup", said)
			time.Sleep(time.Hour)
			return []string{old, copyOf(s, of, "AWS Backup", said), copyOf(s, of, "AWS Backup", said)}
		}, "copies/i-0123456789abcdef0", []int{1, 2}},
		{"of another Region, by their name: the run's set", func(s *steptest.Stage) []string {
			of := s.Stored(s.Web, nil)
			old := copyOf(s, of, far, daily)
			time.Sleep(time.Hour)
			return []string{old, copyOf(s, of, far, daily), copyOf(s, of, far, daily)}
		}, "copies/web", []int{1, 2}},
		{"of another Region, without a name", func(s *steptest.Stage) []string {
			of, bare := s.Stored(s.Web, nil), map[string]string{"Backup": "daily"}
			return []string{copyOf(s, of, far, bare), copyOf(s, of, far, bare)}
		}, "snap-", []int{0, 1}},
		{"that say nothing", func(s *steptest.Stage) []string {
			of := s.Stored(s.Web, nil)
			return []string{copyOf(s, of, "a copy", daily), copyOf(s, of, "a copy", daily)}
		}, "snap-", []int{0, 1}},
	} {
		var made []string
		steptest.Play(t, scene, []steptest.Case[job.Batch, job.Batch]{{
			Name: c.what, Anything: true,
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Plan.Sources.Snapshots.Tags = map[string][]string{"Backup": {"daily"}}
				made = c.made(s)
				time.Sleep(time.Hour)
			},
			Then: func(s *steptest.Stage, p job.Batch) {
				chosen := map[string]bool{}
				for _, src := range p.Sources {
					chosen[src.ID] = true
				}
				want := map[string]bool{}
				for _, n := range c.chosen {
					want[made[n]] = true
				}
				s.Same("chosen", chosen, want)
				found, err := lineage.OfStored(s.Context(), s.EC2, made, source.Name)
				s.Must(err)
				last := found[made[len(made)-1]]
				s.Same("lineage "+last, last[:len(c.lineage)], c.lineage)
			},
		}})
	}
}

// What a dead instance left is not imaged beside a snapshot of an instance that is there and has its name; of the dead
// alone each is.
func TestSelectTheLivingOfAName(t *testing.T) {
	daily := map[string]string{"Backup": "daily", "Name": "api"}
	for _, lives := range []bool{true, false} {
		for _, kept := range []bool{true, false} {
			var dead, second string
			steptest.Play(t, scene, []steptest.Case[job.Batch, job.Batch]{{
				Name: fmt.Sprint("it lives ", lives, ", the volume is kept ", kept), Anything: true,
				Given: func(s *steptest.Stage, p *job.Batch) {
					p.Plan.Sources.Snapshots.Tags = map[string][]string{"Backup": {"daily"}}
					of := s.Launch("api", nil, func(in *sdk.RunInstancesInput) {
						in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"),
							Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(!kept)}}}
					})
					other := s.Launch("api", nil)
					second = s.Stored(other, daily)
					dead = s.Stored(of, daily) // The newer one.
					s.Set(of, ec2.Terminated)
					if !lives {
						s.Set(other, ec2.Terminated)
					}
					time.Sleep(time.Hour)
				},
				Then: func(s *steptest.Stage, p job.Batch) {
					chosen := map[string]bool{}
					for _, src := range p.Sources {
						chosen[src.ID] = true
					}
					s.Same("chosen", chosen, map[bool]map[string]bool{true: {second: true}, false: {second: true, dead: true}}[lives])
					for r, err := range s.Ledger.Kept.Results(s.Context(), p.Run.Name) {
						s.Must(err)
						s.Same("left alone", r.Source, dead)
						s.Same("reason", r.Skip.Code, job.Superseded)
					}
				},
			}})
		}
	}
}
