package recovery_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// Images of jobs that failed or were cut off.
func TestLeftovers(t *testing.T) {
	const (
		looks = "Claims Slots DescribeInstances Unsettled DescribeImages Results"
		rest  = " ListExecutions Since" + asks + ": ok"
		refs  = " DescribeInstances DescribeLaunchTemplateVersions DescribeAutoScalingGroups " +
			"DescribeLaunchConfigurations DescribeFleets DescribeSpotFleetRequests DescribeSpotInstanceRequests " +
			"GetParametersByPath DescribeImageAttribute DescribeImageReferences"
		finder = refs + " DescribeVolumes DescribeSnapshotAttribute DescribeFastSnapshotRestores DescribeLockedSnapshots " +
			"DescribeSnapshotTierStatus"
		record = " Waits PutResult"
		good   = " Amend Settle"
	)
	// made is an image of the instance, long since available or failed, and the result of its job.
	made := func(s *steptest.Stage, result *job.Result, more ...func(*steptest.Stage, string)) {
		s.Helper()
		r, err := s.Ledger.Kept.Register(s.Context(), ledger.Registration{
			Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: s.Web, Source: s.Web, Name: "web", Plan: "nightly",
			Run:     steptest.RunName,
			AMIName: "goldsmith/web", Begun: time.Now(),
		})
		s.Must(err)
		tags := tag.List(map[string]string{tag.Managed: "true", tag.Source: s.Web, tag.Name: "web", tag.Plan: "nightly",
			tag.Run: steptest.RunName})
		out, err := s.EC2.CreateImage(s.Context(), &sdk.CreateImageInput{
			InstanceId: aws.String(s.Web), Name: aws.String("goldsmith/web"), NoReboot: aws.Bool(true),
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: tags},
				{ResourceType: types.ResourceTypeSnapshot, Tags: tags}},
		})
		s.Must(err)
		id := aws.ToString(out.ImageId)
		r.ID = id
		_, err = s.Ledger.Kept.Amend(s.Context(), r)
		s.Must(err)
		if result != nil {
			result.Run, result.Source, result.Name, result.At = steptest.RunName, s.Web, "web", time.Now()
			if result.Image.State != "" {
				result.Image.ID = id
			}
			s.Must(s.Ledger.Kept.PutResult(s.Context(), *result))
		}
		for _, m := range more {
			m(s, id)
		}
	}
	given := func(result *job.Result, more ...func(*steptest.Stage, string)) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, _ *json.RawMessage) {
			made(s, result, more...)
			time.Sleep(time.Hour)
		}
	}
	is := func(images int, state string) func(*steptest.Stage, recovery.Answer) {
		return func(s *steptest.Stage, _ recovery.Answer) {
			s.Helper()
			out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}})
			s.Must(err)
			s.Same("images", len(out.Images), images)
			snapshots, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
			s.Must(err)
			s.Same("snapshots", len(snapshots.Snapshots), images)
			got := ""
			for _, r := range s.Results(steptest.RunName) {
				got = string(r.Ending) + " " + r.Image.State
			}
			s.Same("result", got, state)
		}
	}
	cutOff := &job.Result{Ending: job.Broken, Problem: "the run ended early"}
	whole := &job.Result{Ending: job.Broken, Image: job.Image{State: "pending"},
		Times: job.Times{Snapshotted: time.Unix(1, 0)}}
	failed := &job.Result{Ending: job.Broken, Image: job.Image{State: "pending"}}
	steptest.Play(t, quiet, cases{
		{Name: "a good one is left alone",
			Given: given(&job.Result{Ending: job.Imaged, Image: job.Image{State: "available"}}), Want: looks + good + rest,
			Then: is(1, "imaged available")},
		{Name: "cut off: removed with its snapshot", Given: given(cutOff), Want: looks + finder +
			" DescribeSnapshots Amend DeregisterImage" +
			record + " Retire" + rest, Then: is(0, "failed removed")},
		{Name: "its job failed after its snapshots were there: it is whole, and kept", Given: given(whole), Want: looks +
			record + good + rest, Then: is(1, "failed available")},
		{
			Name:  "still pending: EC2 has not made up its mind",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { made(s, cutOff) },
			Want:  looks + rest, Then: func(s *steptest.Stage, _ recovery.Answer) {
				s.Same("result", s.Results(steptest.RunName)[0].Image.State, "")
			},
		},
		{
			Name: "it failed: removed",
			Want: looks + finder + " DescribeSnapshots Amend DeregisterImage" + record + " Retire" + rest,
			Then: is(0, "failed removed"),
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateImage", ImageState: "failed"})
				given(failed)(s, in)
			},
		},
		{
			Name: "a parameter names it already: its job was all but done", Want: looks + finder + record + good + rest,
			Given: given(cutOff, func(s *steptest.Stage, id string) {
				_, err := s.SSM.PutParameter(s.Context(),
					&ssm.PutParameterInput{Name: aws.String("/goldsmith/images/web"), Value: aws.String(id), Type: "String"})
				s.Must(err)
			}), Then: is(1, "imaged available"),
		},
		{
			Name: "what uses it cannot be found out: not removed", Want: looks +
				" DescribeInstances DescribeLaunchTemplateVersions DescribeAutoScalingGroups" +
				strings.Replace(rest, ": ok", noticed, 1),
			Given: given(cutOff, func(s *steptest.Stage, _ string) { s.Refuse("DescribeAutoScalingGroups", "AccessDenied", 1) }),
			Then:  is(1, "failed "),
		},
		{
			Name: "not registered: not touched, whatever its tags say", Want: "Claims Slots DescribeInstances Unsettled" + rest,
			Then: is(1, "failed "),
			Given: given(cutOff, func(s *steptest.Stage, id string) {
				r, _, err := s.Ledger.Kept.Registration(s.Context(), id)
				s.Must(err)
				s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
			}),
		},
		{
			Name: "a copy with all its tags, in the same Region: not touched", Want: looks + finder +
				" DescribeSnapshots Amend DeregisterImage" +
				record + " Retire" + rest + " | Claims Slots DescribeInstances Unsettled" + rest,
			Given: given(cutOff, func(s *steptest.Stage, id string) {
				time.Sleep(time.Hour)
				_, err := s.EC2.CopyImage(s.Context(), &sdk.CopyImageInput{
					Name: aws.String("for the auditors"), SourceImageId: aws.String(id), SourceRegion: aws.String(steptest.Region),
					CopyImageTags: aws.Bool(true),
				})
				s.Must(err)
				time.Sleep(3 * time.Hour)
			}),
			Then: is(1, "failed removed"),
		},
		{
			Name: "another image under its id's name: not touched",
			Want: "Claims Slots DescribeInstances Unsettled DescribeImages DescribeImageAttribute Amend" + rest,
			Given: given(cutOff, func(s *steptest.Stage, id string) {
				r, _, err := s.Ledger.Kept.Registration(s.Context(), id)
				s.Must(err)
				r.ID = "ami-0123456789abcdef0"
				_, err = s.Ledger.Kept.Amend(s.Context(), r)
				s.Must(err)
			}), Then: is(1, "failed "),
		},
		{
			Name: "its creation was never answered: found by its name",
			Want: "Claims Slots DescribeInstances Unsettled DescribeImages Amend Results" + finder +
				" DescribeSnapshots Amend DeregisterImage" +
				record + " Retire" + rest,
			Given: given(cutOff, func(s *steptest.Stage, id string) {
				r, _, err := s.Ledger.Kept.Registration(s.Context(), id)
				s.Must(err)
				r.ID = ""
				_, err = s.Ledger.Kept.Amend(s.Context(), r)
				s.Must(err)
			}), Then: is(0, "failed removed"),
		},
		{Name: "the ledger knows nothing of its job: not touched", Given: given(nil), Want: looks + rest, Then: is(1, "")},
		{
			Name: "its instance is down, and claimed: it may be all there is",
			Want: "Claims DescribeInstances StartInstances Record GetRun Results PutResult Slots DescribeInstances Unsettled" + rest,
			Given: given(&job.Result{Ending: job.LeftStopped}, func(s *steptest.Stage, _ string) {
				s.Set(s.Web, ec2.Stopped)
				s.Hold(ledger.Claim{Source: s.Web, Run: steptest.RunName, WasRunning: true, StopSent: time.Now(), Left: time.Now()})
			}),
			Then: func(s *steptest.Stage, _ recovery.Answer) {
				s.Same("result", s.Results(steptest.RunName)[0].Image.State, "")
			},
		},
		{
			Name: "it failed its test an hour ago: a person may look at it", Want: looks + rest, Then: is(1, "failed unproven"),
			Given: given(&job.Result{Ending: job.Broken, Image: job.Image{State: job.Unproven},
				Times: job.Times{Snapshotted: time.Unix(1, 0)}}),
		},
		{
			Name: "it failed its test yesterday: removed", Want: looks + finder + " DescribeSnapshots Amend DeregisterImage" +
				record + " Retire" +
				rest, Then: is(0, "failed removed"),
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				given(&job.Result{Ending: job.Broken, Image: job.Image{State: job.Unproven},
					Times: job.Times{Snapshotted: time.Unix(1, 0)}})(s, in)
				time.Sleep(24 * time.Hour)
			},
		},
		{
			Name: "somebody removes it at the same moment: the next sweep knows", Want: looks + refs + rest,
			Given: given(cutOff, func(s *steptest.Stage, _ string) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeImageReferences", Code: "InvalidAMIID.NotFound"})
			}),
		},
	})
}
