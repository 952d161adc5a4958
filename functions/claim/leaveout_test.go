package claim_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/claim"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// withData launches an instance with volumes at /dev/sdf and /dev/sdg, of which the second stays when it is terminated.
func withData(s *steptest.Stage, in *claim.Input) {
	in.Job.Source.ID = s.Launch("db", map[string]string{tag.Plan: "nightly"}, func(in *sdk.RunInstancesInput) {
		in.BlockDeviceMappings = []types.BlockDeviceMapping{
			{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8)}},
			{DeviceName: aws.String("/dev/sdg"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8),
				DeleteOnTermination: aws.Bool(false), Encrypted: aws.Bool(true)}},
		}
	})
	s.Set(in.Job.Source.ID, ec2.Stopped)
}

// volumes are the instance's, by device.
func volumes(s *steptest.Stage, id string) map[string]string {
	out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
	s.Must(err)
	all := map[string]string{}
	for _, m := range out.Reservations[0].Instances[0].BlockDeviceMappings {
		all[aws.ToString(m.DeviceName)] = aws.ToString(m.Ebs.VolumeId)
	}
	return all
}

// What is left out is settled when the source is claimed. The tags of volumes are asked for where the plan goes by
// them.
func TestLeaveOut(t *testing.T) {
	marked := func(v plan.Volumes, devices ...string) func(*steptest.Stage, *claim.Input) {
		return func(s *steptest.Stage, in *claim.Input) {
			withData(s, in)
			in.Job.Plan.Image.Volumes = v
			at := volumes(s, in.Job.Source.ID)
			for _, device := range devices {
				s.Must(s.Cloud.SetTags(at[device], map[string]string{tag.Request: tag.LeftOut}))
			}
		}
	}
	leaves := func(codes []job.ReasonCode, kept []string, devices ...string) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) {
			at := volumes(s, j.Source.ID)
			s.Same("decision", j.Decision, job.ImageNow)
			s.Same("left out", strings.Join(j.Image.Without(), " "), strings.Join(devices, " "))
			s.Same("waited for", len(j.Source.Volumes), len(at)-len(devices))
			for _, l := range j.Image.LeftOut {
				s.Same("volume", l.Volume, at[l.Device])
			}
			s.Same("kept", strings.Join(j.Source.Kept, " "), strings.Join(kept, " "))
			var told []job.ReasonCode
			for _, w := range j.Warnings {
				told = append(told, w.Code)
			}
			s.Same("told", told, codes)
		}
	}
	told := []job.ReasonCode{job.VolumesLeftOut}
	const seen = "Claim Reserve*2 DescribeInstances"
	steptest.Play(t, scene, []steptest.Case[claim.Input, job.Job]{
		{Name: "a device", Given: marked(plan.Volumes{LeaveOut: []string{"/dev/sdg", "/dev/sdz"}}),
			Want: seen + " Record: ok",
			Then: leaves(told, nil, "/dev/sdg")},
		{Name: "all but the root", Given: marked(plan.Volumes{RootOnly: true}), Want: seen + " Record: ok",
			Then: leaves(told, nil, "/dev/sdf", "/dev/sdg")},
		{Name: "the root is named", Given: marked(plan.Volumes{LeaveOut: []string{"/dev/xvda"}}), Want: seen + " Record: ok",
			Then: leaves([]job.ReasonCode{job.RootStays}, []string{"/dev/sdg"})},
		{Name: "a tag that the plan goes by", Given: marked(plan.Volumes{Tagged: true}, "/dev/sdf"),
			Want: seen + " DescribeVolumes Record: ok", Then: leaves(told, []string{"/dev/sdg"}, "/dev/sdf")},
		{Name: "all volumes are tagged, the root's too",
			Given: marked(plan.Volumes{Tagged: true}, "/dev/xvda", "/dev/sdf", "/dev/sdg"),
			Want:  seen + " DescribeVolumes Record: ok",
			Then:  leaves([]job.ReasonCode{job.VolumesLeftOut, job.RootStays}, nil, "/dev/sdf", "/dev/sdg")},
		{Name: "a tag that the plan does not go by", Given: marked(plan.Volumes{}, "/dev/sdf"), Want: seen + " Record: ok",
			Then: leaves(nil, []string{"/dev/sdg"})},
		{
			Name: "the plan goes by tags, and shares: the volumes are asked about once",
			Given: func(s *steptest.Stage, in *claim.Input) {
				marked(plan.Volumes{Tagged: true}, "/dev/sdf", "/dev/sdg")(s, in)
				in.Job.Plan.Share.Accounts = []string{"210987654321"}
			},
			Want: seen + " DescribeVolumes Record: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("shared", j.Sharing && j.Shared == nil, true) },
		},
		{
			Name: "the key of what is left out is none of its image's, which may be shared",
			Given: func(s *steptest.Stage, in *claim.Input) {
				marked(plan.Volumes{LeaveOut: []string{"/dev/sdg"}})(s, in)
				in.Job.Plan.Share.Accounts = []string{"210987654321"}
			},
			Want: seen + " Record DescribeVolumes: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				leaves(told, nil, "/dev/sdg")(s, j)
				s.Same("shared", j.Sharing && j.Shared == nil, true)
			},
		},
		{Name: "the tags cannot be read: nothing is stopped",
			Given: func(s *steptest.Stage, in *claim.Input) {
				marked(plan.Volumes{Tagged: true}, "/dev/sdf", "/dev/sdg")(s, in)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeVolumes", Code: "UnauthorizedOperation"})
			},
			Want: seen + " DescribeVolumes: Failed", Says: []string{"looking up the volumes of i-"}},
	})
}
