package claim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/claim"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// asked has the case claim a snapshot of instance Web's root volume with these tags.
func asked(tags map[string]string) func(s *steptest.Stage, in *claim.Input) {
	return func(s *steptest.Stage, in *claim.Input) {
		id := s.Stored(s.Web, tags)
		in.Job.Source = job.Source{ID: id, Kind: job.Snapshot}
		in.Job.Run.Request = &job.Request{Source: id, Kind: job.Snapshot, Value: "nightly"}
	}
}

// attached gives instance Web a data volume, as anyone may who may attach one.
func attached(s *steptest.Stage) string {
	s.Helper()
	id := s.Launch("other", nil, func(in *sdk.RunInstancesInput) {
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"),
			Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(9)}}}
	})
	out, err := s.EC2.DescribeVolumes(s.Context(), &sdk.DescribeVolumesInput{Filters: []types.Filter{
		{Name: aws.String("attachment.instance-id"), Values: []string{id}},
		{Name: aws.String("attachment.device"), Values: []string{"/dev/sdf"}},
	}})
	s.Must(err)
	made, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{VolumeId: out.Volumes[0].VolumeId})
	s.Must(err)
	time.Sleep(time.Hour)
	return aws.ToString(made.SnapshotId)
}

const (
	request = "Claim Reserve DescribeSnapshots*2 DescribeVolumes"
	living  = request + " DescribeInstances Record: ok"
)

func TestClaimOfASnapshot(t *testing.T) {
	want := map[string]string{tag.Request: "nightly"}
	steptest.Play(t, scene, []steptest.Case[claim.Input, job.Job]{
		{
			Name:  "its instance runs and is not looked at twice: it is copied and registered, and nothing waits",
			Given: asked(want),
			Want:  living,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.RegisterIt)
				s.Same("back", j.Back, true)
				s.Same("place", j.Place, "")
				s.Same("lineage", j.Source.OverTime(), s.Web)
				s.Same("name", j.Source.Name, "web")
				s.Same("type", j.Source.InstanceType, "t3.micro")
				s.Same("image", strings.HasPrefix(j.Image.Name, "goldsmith/web/snap-"), true)
				held := s.Held(j.Source.ID)
				s.Same("was running", held.WasRunning, false)
			},
		},
		{
			Name: "the plan excludes its instance",
			Given: func(s *steptest.Stage, in *claim.Input) {
				asked(want)(s, in)
				in.Job.Plan.Sources.Exclude = map[string][]string{"frozen": nil}
				s.Must(s.Cloud.SetTags(s.Web, map[string]string{"frozen": "yes"}))
			},
			Want: request + " DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.SkipIt)
				s.Same("why", *j.Skip, job.Reason{Code: job.Excluded, Text: "plan nightly leaves out its instance: " +
					"its tag frozen is one that sources.exclude names"})
			},
		},
		{
			Name:  "its own name counts more than its instance's",
			Given: asked(map[string]string{tag.Request: "nightly", "Name": "old web"}), Want: living,
			Then: func(s *steptest.Stage, j job.Job) { s.Same("name", j.Source.Name, "old web") },
		},
		{
			Name: "the instance's claim is another one",
			Given: func(s *steptest.Stage, in *claim.Input) {
				asked(want)(s, in)
				s.Job()
			},
			Want: living,
		},
		{
			Name: "its instance is gone: the volume is its lineage",
			Given: func(s *steptest.Stage, in *claim.Input) {
				asked(want)(s, in)
				s.Set(s.Web, ec2.Terminated)
				time.Sleep(time.Hour)
			},
			Want: request + " Record: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("lineage", strings.HasPrefix(j.Source.OverTime(), "vol-"), true)
				s.Same("name", j.Source.Name, j.Source.ID)
			},
		},
		{
			Name: "a data volume's does not speak for the instance that it is attached to",
			Given: func(s *steptest.Stage, in *claim.Input) {
				asked(want)(s, in)
				in.Job.Source.ID = attached(s)
				in.Job.Run.Request.Source = in.Job.Source.ID
				s.Must(s.Cloud.SetTags(in.Job.Source.ID, want))
			},
			Want: living,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("lineage", strings.HasPrefix(j.Source.OverTime(), "vol-"), true)
				s.Same("name", j.Source.Name, j.Source.ID)
			},
		},
		{
			Name: "the tag is off again", Given: asked(nil), Want: "Claim Reserve DescribeSnapshots: ok",
			Then: skips(job.Withdrawn, "tag goldsmith:image was taken off again"),
		},
		{
			Name: "the plan excludes it", Want: "Claim Reserve DescribeSnapshots: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				asked(map[string]string{tag.Request: "nightly", "Team": "db"})(s, in)
				in.Job.Plan.Sources.Exclude = map[string][]string{"Team": {"db"}}
				in.Job.Plan.Sources.IDs = []string{"i-0123456789abcdef0"} // of instances
			},
			Then: skips(job.Excluded, "plan nightly leaves it out: its tag Team is one that sources.exclude names"),
		},
		{
			Name: "it is pending: it is waited for",
			Given: func(s *steptest.Stage, in *claim.Input) {
				asked(want)(s, in)
				out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{s.Web}})
				s.Must(err)
				made, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{
					VolumeId: out.Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.VolumeId,
				})
				s.Must(err)
				in.Job.Source.ID = aws.ToString(made.SnapshotId)
				in.Job.Run.Request.Source = in.Job.Source.ID
				s.Must(s.Cloud.SetTags(in.Job.Source.ID, want))
			},
			Want: "Claim Reserve DescribeSnapshots: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.WaitFirst)
				s.Same("seconds", j.Turn.Seconds, 300)
				s.Same("since", j.Turn.Since, time.Now().UTC())
			},
		},
		{
			Name: "it is another account's", Want: "Claim Reserve DescribeSnapshots: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				asked(want)(s, in)
				in.Job.Source.ID = "snap" + ec2.ImageX86[len("ami"):]
			},
			Then: skips(job.Gone, "this account has no such snapshot any more"),
		},
	})
}
