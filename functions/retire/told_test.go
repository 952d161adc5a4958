package retire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/test/steptest"
)

// What EC2 refuses is told of each image and snapshot.
func TestRetireTellsWhatIsRefused(t *testing.T) {
	var due string
	refused := func(action, code string, more ...func(*steptest.Stage, *job.Batch)) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, p *job.Batch) {
			for _, m := range more {
				m(s, p)
			}
			s.Cloud.Inject(ec2.Fault{Action: action, Code: code})
		}
	}
	told := func(subject, said string) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, _ job.Batch) {
			s.Helper()
			if subject == "" {
				subject = due
			}
			if got := status(s, subject); !strings.HasPrefix(got, "stuck: ") || !strings.Contains(got, said) {
				s.Errorf("told is %q", got)
			}
		}
	}
	swept := func(s *steptest.Stage, _ *job.Batch) {
		byHand(s, due)
		misses(s, due, 72*time.Hour)
	}
	const finds = missed + " DescribeImageAttribute DescribeSnapshots"
	steptest.Play(t, aged(&due), cases{
		{
			Name: "a deprecation cannot be taken back",
			Given: refused("DisableImageDeprecation", "UnauthorizedOperation", func(s *steptest.Stage, p *job.Batch) {
				deprecated(s, due, time.Hour)
				p.Plan.Keep.Last = 2
			}),
			Want: sees + "*2 DisableImageDeprecation PutRetirement: ok",
			Then: told("", "taking back the deprecation of it failed: UnauthorizedOperation"),
		},
		{
			Name: "an image cannot be disabled",
			Given: refused("DisableImage", "UnauthorizedOperation", func(s *steptest.Stage, p *job.Batch) {
				deprecated(s, due, 72*time.Hour)
				p.Plan.Keep.Disable = true
			}),
			Want: sees + "*2" + gates + " PutRetirement DisableImage PutRetirement: ok",
			Then: told("", "disabling it failed: UnauthorizedOperation"),
		},
		{
			Name: "whether an image is gone of which the last round was cut off cannot be asked",
			Given: refused("DescribeImageAttribute", "UnauthorizedOperation", func(s *steptest.Stage, p *job.Batch) {
				byHand(s, due)
				p.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance}
				s.Must(s.Ledger.Kept.PutRetirement(s.Context(), job.Retirement{
					Plan: "nightly", Subject: due, Name: "web", Run: "before", Status: job.Retiring, At: time.Now(),
				}))
			}),
			Want: missed + " DescribeImageAttribute PutRetirement: ok",
			Then: told("", "asking EC2 for it failed: UnauthorizedOperation"),
		},
		{
			Name:  "the Recycle Bin cannot be looked into before a snapshot goes",
			Given: refused("ListImagesInRecycleBin", "UnauthorizedOperation", swept),
			Want:  finds + " DescribeImages ListImagesInRecycleBin PutRetirement: ok",
			Then:  told("snapshots without an image", "looking for it failed: looking into the Recycle Bin"),
		},
	})
}

// What is one of several is done with each.
func TestRetireGoesOnWithTheNext(t *testing.T) {
	var due string
	var all []string
	several := func(each func(s *steptest.Stage, id string)) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, _ *job.Batch) {
			all = []string{of(s, "db", 9), of(s, "mail", 8)}
			for _, id := range all {
				each(s, id)
			}
		}
	}
	uses := func(s *steptest.Stage, snapshot string) {
		_, err := s.EC2.RegisterImage(s.Context(), &sdk.RegisterImageInput{
			Name: aws.String("of " + snapshot), RootDeviceName: aws.String("/dev/xvda"),
			Architecture: types.ArchitectureValuesX8664,
			BlockDeviceMappings: []types.BlockDeviceMapping{
				{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(snapshot)}},
			},
		})
		s.Must(err)
	}
	statuses := func(want string) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, _ job.Batch) {
			s.Helper()
			for _, id := range all {
				s.Same("status", strings.HasPrefix(status(s, id), want), true)
			}
		}
	}
	const more = "Registrations DescribeImages*2 Claims Retirements Results*2"
	steptest.Play(t, aged(&due), cases{
		{
			Name: "two that were had back", Unordered: true, Then: statuses("restored: it was restored"),
			Want: "Registrations DescribeImages Claims Retirements Results*2 Amend*2 Settle*2 PutRetirement*2 ok" +
				" PutRetirement EnableImageDeprecation" + gates,
			Given: several(func(s *steptest.Stage, id string) {
				r := registrationOf(s, id)
				r.Gone = time.Now().Add(-time.Hour)
				_, err := s.Ledger.Kept.Amend(s.Context(), r)
				s.Must(err)
			}),
		},
		{
			Name: "two that others deregistered", Unordered: true, Then: statuses("missed: it was deregistered"),
			Want: more + " DescribeImageAttribute*2 DescribeSnapshots PutRetirement*2 Amend*2 ok" +
				" PutRetirement EnableImageDeprecation" + gates,
			Given: several(byHand),
		},
		{
			Name: "two of whose snapshots others have images", Unordered: true,
			Want: more + " DescribeImageAttribute*2 DescribeSnapshots DescribeImages ListImagesInRecycleBin ok" +
				" PutRetirement EnableImageDeprecation" + gates,
			Given: several(func(s *steptest.Stage, id string) {
				uses(s, snapshotsOf(s, id)[0])
				byHand(s, id)
				misses(s, id, 72*time.Hour)
			}),
		},
	})
}

// A snapshot that something uses is told with the name of its source.
func TestRetireTellsOfASnapshotInUse(t *testing.T) {
	var due, orphan string
	steptest.Play(t, aged(&due), cases{{
		Name: "a launch template maps it",
		Given: func(s *steptest.Stage, _ *job.Batch) {
			orphan = snapshotsOf(s, due)[0]
			byHand(s, due)
			misses(s, due, 72*time.Hour)
			_, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
				LaunchTemplateName: aws.String("data"), LaunchTemplateData: &types.RequestLaunchTemplateData{
					BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{
						DeviceName: aws.String("/dev/sdf"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: &orphan},
					}},
				},
			})
			s.Must(err)
		},
		Want: missed + " DescribeImageAttribute DescribeSnapshots DescribeImages ListImagesInRecycleBin" + launches + snaps +
			" PutRetirement: ok",
		Then: func(s *steptest.Stage, _ job.Batch) {
			got := record(s, orphan)
			s.Same("told", []any{got.Name, got.Status}, []any{"web", job.InUse})
			s.Same("snapshots", snapshots(s), 2)
		},
	}})
}
