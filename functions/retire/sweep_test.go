package retire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// Snapshots of images that are gone are deleted when they are Goldsmith's, old enough, and used by nothing.
func TestRetireSweeps(t *testing.T) {
	var due, orphan string
	cut := func(more ...func(*steptest.Stage, *job.Batch)) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, p *job.Batch) {
			orphan = snapshotsOf(s, due)[0]
			byHand(s, due)
			misses(s, due, 72*time.Hour)
			for _, m := range more {
				m(s, p)
			}
		}
	}
	// begun has the image begin now, with a snapshot that is made then, and lets time pass.
	begun := func(ago time.Duration) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, _ *job.Batch) {
			_, err := s.EC2.DeleteSnapshot(s.Context(), &sdk.DeleteSnapshotInput{SnapshotId: aws.String(orphan)})
			s.Must(err)
			out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{s.Web}})
			s.Must(err)
			volume := out.Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.VolumeId
			made, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{VolumeId: volume})
			s.Must(err)
			orphan = aws.ToString(made.SnapshotId)
			r := registrationOf(s, due)
			r.Begun, r.Snapshots = time.Now(), []string{orphan}
			_, err = s.Ledger.Kept.Amend(s.Context(), r)
			s.Must(err)
			time.Sleep(ago)
		}
	}
	left := func(said string) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, _ job.Batch) {
			s.Helper()
			s.Same("snapshots", snapshots(s), 2)
			s.Same("status", strings.HasPrefix(status(s, orphan), said) && (said != "" || status(s, orphan) == ""), true)
			s.Same("registered", registrationOf(s, due).Retired.IsZero(), true)
		}
	}
	swept := func(s *steptest.Stage, _ job.Batch) {
		s.Helper()
		s.Same("snapshots", snapshots(s), 1)
		s.Same("status", status(s, orphan), "swept: its image is gone")
	}
	const (
		finds   = missed + " DescribeImageAttribute DescribeSnapshots"
		asks    = finds + " DescribeImages ListImagesInRecycleBin"
		deletes = asks + launches + snaps + " DeleteSnapshot PutRetirement: ok"
	)
	steptest.Play(t, aged(&due), cases{
		{Name: "used by nothing", Given: cut(), Want: deletes, Then: swept},
		{Name: "an image may take a day to be shown", Given: cut(begun(24 * time.Hour)), Want: missed + ": ok",
			Then: left("")},
		{Name: "and not longer", Given: cut(begun(24*time.Hour + time.Second)), Want: deletes, Then: swept},
		{
			Name: "a run has it in hand", Want: missed + ": ok", Then: left(""),
			Given: cut(func(s *steptest.Stage, _ *job.Batch) { s.Hold(ledger.Claim{Source: s.Web, Run: "nightly-010"}) }),
		},
		{
			Name: "another run of the source is no reason", Want: deletes, Then: swept,
			Given: cut(func(s *steptest.Stage, _ *job.Batch) { s.Hold(ledger.Claim{Source: s.Web, Run: "weekly-1"}) }),
		},
		{
			Name: "nor the same run of another source", Want: deletes, Then: swept,
			Given: cut(func(s *steptest.Stage, _ *job.Batch) { s.Hold(ledger.Claim{Source: "i-1", Run: "nightly-010"}) }),
		},
		{
			Name: "a request is about one source", Want: missed + ": ok", Then: left(""),
			Given: cut(func(s *steptest.Stage, p *job.Batch) {
				p.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance}
			}),
		},
		{
			Name: "a request for the whole plan is not", Want: deletes, Then: swept,
			Given: cut(func(_ *steptest.Stage, p *job.Batch) { p.Run.Request = &job.Request{By: "ada"} }),
		},
		{
			Name: "another image uses it, disabled as it is", Want: asks + ": ok", Then: left(""),
			Given: cut(func(s *steptest.Stage, _ *job.Batch) {
				out, err := s.EC2.RegisterImage(s.Context(), &sdk.RegisterImageInput{
					Name: aws.String("another"), RootDeviceName: aws.String("/dev/xvda"), Architecture: types.ArchitectureValuesX8664,
					BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"),
						Ebs: &types.EbsBlockDevice{SnapshotId: &orphan}}},
				})
				s.Must(err)
				time.Sleep(time.Hour)
				_, err = s.EC2.DisableImage(s.Context(), &sdk.DisableImageInput{ImageId: out.ImageId})
				s.Must(err)
			}),
		},
		{
			Name: "it may not be deleted: told", Want: deletes,
			Then: left("stuck: its image is gone; deleting it failed: UnauthorizedOperation"),
			Given: cut(func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.Inject(ec2.Fault{Action: "DeleteSnapshot", Code: "UnauthorizedOperation"})
			}),
		},
		{
			Name: "somebody deletes it meanwhile", Want: deletes,
			Given: cut(func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.Inject(ec2.Fault{Action: "DeleteSnapshot", Code: "InvalidSnapshot.NotFound"})
			}),
			Then: func(s *steptest.Stage, _ job.Batch) { s.Same("status", status(s, orphan), "swept: its image is gone") },
		},
		{
			Name: "EC2 is busy", Want: asks + launches + snaps + " DeleteSnapshot*6: Transient",
			Says: []string{"deleting snap-"},
			Given: cut(func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.Inject(ec2.Fault{Action: "DeleteSnapshot", Code: "RequestLimitExceeded"})
			}),
		},
		{
			Name: "nothing is left: its registration ends", Want: finds + " Retire: ok",
			Given: cut(func(s *steptest.Stage, _ *job.Batch) {
				_, err := s.EC2.DeleteSnapshot(s.Context(), &sdk.DeleteSnapshotInput{SnapshotId: &orphan})
				s.Must(err)
			}),
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("retired", registrationOf(s, due).Retired, time.Now().UTC())
			},
		},
		{
			Name: "nothing is left, and the ledger is busy", Want: finds + " Retire: Transient",
			Says: []string{"ending the registration of image ami-"},
			Given: cut(func(s *steptest.Stage, _ *job.Batch) {
				_, err := s.EC2.DeleteSnapshot(s.Context(), &sdk.DeleteSnapshotInput{SnapshotId: &orphan})
				s.Must(err)
				s.Ledger.Break("Retire", 1)
			}),
		},
	})
}

// Snapshots of an image that others deregistered have the whole grace period from when that was first seen, and told.
func TestRetireMisses(t *testing.T) {
	var due, orphan string
	cut := func(ago time.Duration) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, _ *job.Batch) {
			orphan = snapshotsOf(s, due)[0]
			byHand(s, due)
			if ago > 0 {
				misses(s, due, ago)
			}
		}
	}
	const asks = missed + " DescribeImageAttribute DescribeSnapshots"
	steptest.Play(t, aged(&due), cases{
		{
			Name: "first seen: told, and kept from now on", Given: cut(0),
			Want:    asks + " PutRetirement Amend: ok | " + missed + ": ok",
			Between: func(*steptest.Stage) { time.Sleep(72*time.Hour - time.Second) },
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("snapshots", snapshots(s), 2)
				told := record(s, due)
				s.Same("until", registrationOf(s, due).Missed.Add(72*time.Hour), told.Due)
				s.Same("status", status(s, due),
					"missed: it was deregistered, and not by Goldsmith; its snapshots ("+orphan+") are kept until "+
						told.Due.Format("2006-01-02 15:04 UTC")+"; until then it can be had back from the Recycle Bin, where that "+
						"holds it, "+
						"or registered from them (aws ec2 register-image)")
			},
		},
		{Name: "a second before the grace is over", Given: cut(72*time.Hour - time.Second), Want: missed + ": ok"},
		{
			Name: "when it is over", Given: cut(72 * time.Hour),
			Want: asks + " DescribeImages ListImagesInRecycleBin" + launches + snaps + " DeleteSnapshot PutRetirement: ok",
			Then: func(s *steptest.Stage, _ job.Batch) { s.Same("snapshots", snapshots(s), 1) },
		},
		{
			Name: "EC2 does not say whether it is gone: told, and kept", Want: missed +
				" DescribeImageAttribute PutRetirement: ok",
			Given: func(s *steptest.Stage, p *job.Batch) {
				cut(72*time.Hour)(s, p)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeImageAttribute", Code: "UnauthorizedOperation"})
			},
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("snapshots", snapshots(s), 2)
				s.Same("told", strings.HasPrefix(status(s, "snapshots without an image"), "stuck: looking for it failed:"), true)
			},
		},
	})
}

// Many are swept a hundred at a time.
func TestRetireSweepsMany(t *testing.T) {
	var due string
	steptest.Play(t, aged(&due), cases{{
		Name: "130 images that were deregistered by hand", Unordered: true,
		Between: func(s *steptest.Stage) { s.Same("snapshots", snapshots(s), 32) },
		Want: "Registrations DescribeImages*2 Claims Retirements Results*2 DescribeImageAttribute*100 DescribeSnapshots " +
			"DescribeImages ListImagesInRecycleBin" + launches +
			" DescribeVolumes DescribeSnapshotAttribute*100 DescribeFastSnapshotRestores DescribeLockedSnapshots " +
			"DescribeSnapshotTierStatus" +
			" DeleteSnapshot*100 PutRetirement*100 ok PutRetirement EnableImageDeprecation" + gates,
		Given: func(s *steptest.Stage, _ *job.Batch) {
			for n := range 130 {
				id := old(s, 2, map[string]string{tag.Name: fmt.Sprintf("batch-%03d", n), tag.Source: fmt.Sprintf("i-%03d", n)})
				byHand(s, id)
				misses(s, id, 72*time.Hour)
			}
		},
		Then: func(s *steptest.Stage, _ job.Batch) { s.Same("snapshots", snapshots(s), 32) },
	}})
}

// What a person had back begins anew, whether its registration had ended or only its image was gone.
func TestRetireBackWithSnapshotsLeft(t *testing.T) {
	var due string
	given := func(more ...func(*steptest.Stage)) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, _ *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			r := registrationOf(s, due)
			r.Gone = time.Now().Add(-time.Hour)
			_, err := s.Ledger.Kept.Amend(s.Context(), r)
			s.Must(err)
			for _, m := range more {
				m(s)
			}
		}
	}
	const again = "Registrations DescribeImages Claims Retirements Results Amend"
	steptest.Play(t, aged(&due), cases{
		{
			Name: "its snapshots had stayed", Given: given(), Want: again + " Settle PutRetirement: ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				r, now := registrationOf(s, due), time.Now().UTC()
				s.Same("registered", []time.Time{r.Gone, r.Retired, r.Anew}, []time.Time{{}, {}, now})
				got := record(s, due)
				s.Same("told", []any{got.Name, got.Status, got.Why},
					[]any{"web", job.Restored, []string{"it was restored; it begins anew, with its whole grace period"}})
			},
		},
		{
			Name: "others had deregistered it, and that was told", Want: again + " Settle PutRetirement: ok",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				deprecated(s, due, 72*time.Hour)
				misses(s, due, time.Hour)
			},
			Then: func(s *steptest.Stage, _ job.Batch) {
				r := registrationOf(s, due)
				s.Same("registered", []time.Time{r.Missed, r.Retired, r.Anew}, []time.Time{{}, {}, time.Now().UTC()})
				s.Same("image", is(s, due), "deprecated")
			},
		},
		{
			Name: "the ledger is busy", Want: again + ": Transient", Says: []string{"registering image ami-"},
			Given: given(func(s *steptest.Stage) { s.Ledger.Break("Amend", 1) }),
		},
		{
			Name: "it is busy a little later", Want: again + " Settle: Transient",
			Given: given(func(s *steptest.Stage) { s.Ledger.Break("Settle", 1) }),
		},
		{
			Name: "it cannot be told", Want: again + " Settle PutRetirement: Transient",
			Given: given(func(s *steptest.Stage) { s.Ledger.Break("PutRetirement", 1) }),
		},
	})
}

// Which snapshots are an image's own is written down before it goes.
func TestRetireWritesItsSnapshotsDown(t *testing.T) {
	var due string
	forgotten := func(more ...func(*steptest.Stage)) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, _ *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			r := registrationOf(s, due)
			r.Snapshots = nil
			_, err := s.Ledger.Kept.Amend(s.Context(), r)
			s.Must(err)
			for _, m := range more {
				m(s)
			}
		}
	}
	const begins = sees + "*2" + gates + " PutRetirement DescribeSnapshots Amend"
	steptest.Play(t, aged(&due), cases{
		{
			Name: "they were not known, and stay", Want: begins +
				" DeregisterImage PutRetirement ListImagesInRecycleBin PutRetirement Amend: ok",
			Given: forgotten(func(s *steptest.Stage) {
				s.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", SnapshotReturn: "missing-permissions"})
			}),
			Then: func(s *steptest.Stage, _ job.Batch) {
				r := registrationOf(s, due)
				s.Same("snapshots", len(r.Snapshots), 1)
				s.Same("gone", r.Gone, time.Now().UTC())
				s.Same("status", status(s, r.Snapshots[0]),
					"stuck: it stays after its image "+due+" is gone, since EC2 says missing-permissions; "+
						"the next run that looks at the whole plan tries again")
				s.Same("name", record(s, r.Snapshots[0]).Name, "web")
			},
		},
		{
			Name: "they cannot be written down: the image stays", Want: begins + ": Transient",
			Says:  []string{"writing down what belongs to image ami-"},
			Given: forgotten(func(s *steptest.Stage) { s.Ledger.Break("Amend", 1) }),
			Then:  func(s *steptest.Stage, _ job.Batch) { s.Same("image", is(s, due), "deprecated") },
		},
		{
			Name:  "the image is gone, and that cannot be written down",
			Given: forgotten(func(s *steptest.Stage) { s.Ledger.Break("Retire", 1) }),
			Want:  begins + " DeregisterImage ListImagesInRecycleBin PutRetirement Retire: Transient",
			Says:  []string{"ending the registration of image ami-"},
		},
	})
}

// misses is that an earlier night missed an image, so long ago.
func misses(s *steptest.Stage, id string, ago time.Duration) {
	s.Helper()
	r := registrationOf(s, id)
	r.Missed = time.Now().Add(-ago)
	_, err := s.Ledger.Kept.Amend(s.Context(), r)
	s.Must(err)
}
