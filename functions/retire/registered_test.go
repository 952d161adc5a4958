package retire_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// What is not registered, or does not agree with EC2's facts, is neither counted nor touched, whatever its tags say.
func TestRetireOnlyWhatIsRegistered(t *testing.T) {
	var due, other string
	// tagged is an image with all the tags of a run's good image.
	tagged := func(s *steptest.Stage, name string, nights int, register func(*ledger.Registration)) string {
		s.Helper()
		run, made := "nightly-by-hand", time.Now().AddDate(0, 0, -nights)
		id := s.Cloud.SeedImage(name, made,
			map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Name: "web", tag.Source: s.Web, tag.Run: run})
		if register != nil {
			r := ledger.Registration{Lineage: s.Web, Source: s.Web, Name: "web", Plan: "nightly", Run: run, AMIName: name,
				ID: id, Begun: made, Good: true}
			register(&r)
			registered(s, r)
		}
		return id
	}
	untouched := func(s *steptest.Stage, _ job.Batch) {
		s.Helper()
		s.Same("the other", is(s, other), "available")
		s.Same("the only registered one", is(s, due), "available")
	}
	// Only the tagged image is newer than due: if it counted, due would go.
	alone := func(change func(*ledger.Registration)) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, p *job.Batch) {
			other = tagged(s, "by hand", 0, change)
			for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
				s.Must(err)
				if r.Run == "nightly-001" {
					_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(r.ID)})
					s.Must(err)
					s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
				}
			}
		}
	}
	steptest.Play(t, aged(&due), cases{
		{Name: "tagged by hand", Given: alone(nil),
			Want: "Registrations DescribeImages Registration Claims Retirements Results: ok", Then: untouched},
		{
			Name: "registered under another name", Want: "Registrations DescribeImages Claims Retirements Results: ok",
			Then:  untouched,
			Given: alone(func(r *ledger.Registration) { r.AMIName = "another" }),
		},
		{
			Name: "registered as made of another instance", Want: "Registrations DescribeImages Claims Retirements Results: ok",
			Then:  untouched,
			Given: alone(func(r *ledger.Registration) { r.Source = "i-0123456789abcdef0" }),
		},
		{
			Name: "made before its source was claimed", Want: "Registrations DescribeImages Claims Retirements Results: ok",
			Then:  untouched,
			Given: alone(func(r *ledger.Registration) { r.Begun = time.Now().Add(time.Hour) }),
		},
		{
			Name: "an empty register removes nothing",
			Want: "Registrations DescribeImages Registration*2 Claims Retirements: ok",
			Then: func(s *steptest.Stage, _ job.Batch) { s.Same("image", is(s, due), "deprecated") },
			Given: func(s *steptest.Stage, _ *job.Batch) {
				deprecated(s, due, 1000*time.Hour)
				for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
					s.Must(err)
					r.ID = ""
					s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
				}
			},
		},
		{
			Name: "somebody untagged it: registered all the same",
			Want: "Registrations DescribeImages*2 Claims Retirements Results*2" + gates + gone + ": ok",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				deprecated(s, due, 72*time.Hour)
				_, err := s.EC2.DeleteTags(s.Context(),
					&sdk.DeleteTagsInput{Resources: []string{due}, Tags: []types.Tag{{Key: aws.String(tag.Managed)}}})
				s.Must(err)
			}, Then: func(s *steptest.Stage, _ job.Batch) { s.Same("image", is(s, due), "gone") },
		},
	})
}

// An image that was retired, and that a person had back out of the Recycle Bin, has its whole grace again.
func TestRetireAnew(t *testing.T) {
	var due string
	back := func(s *steptest.Stage) {
		s.Same("image", is(s, due), "gone")
		binned, err := s.EC2.ListSnapshotsInRecycleBin(s.Context(), &sdk.ListSnapshotsInRecycleBinInput{})
		s.Must(err)
		_, err = s.EC2.RestoreSnapshotFromRecycleBin(s.Context(),
			&sdk.RestoreSnapshotFromRecycleBinInput{SnapshotId: binned.Snapshots[0].SnapshotId})
		s.Must(err)
		_, err = s.EC2.RestoreImageFromRecycleBin(s.Context(), &sdk.RestoreImageFromRecycleBinInput{ImageId: aws.String(due)})
		s.Must(err)
	}
	steptest.Play(t, aged(&due), cases{
		{
			Name: "registered again, and deprecated by the next run",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.SetRecycleBin(7 * 24 * time.Hour)
				s.Cloud.SetSnapshotRecycleBin(7 * 24 * time.Hour)
				deprecated(s, due, 72*time.Hour)
			},
			Between: func(s *steptest.Stage) {
				if is(s, due) == "gone" {
					back(s)
				}
				time.Sleep(time.Minute)
			},
			Want: sees + "*2" + gates + gone + ": ok | " +
				"Registrations DescribeImages Registration Claims Retirements Results Register Settle PutRetirement: ok | " +
				sees + "*2" + gates + " PutRetirement EnableImageDeprecation: ok | " + sees + "*2" + gates + ": ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("image", is(s, due), "deprecated")
				r, ok, err := s.Ledger.Kept.Registration(s.Context(), due)
				s.Must(err)
				s.Same("registered", ok && r.Retired.IsZero(), true)
			},
		},
	})
}
