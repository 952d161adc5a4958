package image_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/image"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// scene is an instance that the run has stopped.
func scene(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	j := s.Job()
	s.Set(s.Web, ec2.Stopped)
	return image.Step{
		EC2: s.EC2, Groups: s.AutoScaling, Ledger: s.Ledger, Path: "/goldsmith/images", Now: time.Now,
	}.Handle, j
}

func TestImage(t *testing.T) {
	steptest.Play(t, scene, []steptest.Case[job.Job, job.Job]{
		{
			Name: "a stopped instance is imaged under the run's name, never rebooted",
			Want: "Register DescribeInstances CreateImage Amend: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				form := s.Sent("CreateImage")[0]
				s.Same("name", form.Get("Name"), "goldsmith/web/"+s.Web+"/"+steptest.RunName)
				s.Same("no reboot", form.Get("NoReboot"), "true")
				s.Same("image", strings.HasPrefix(j.Image.ID, "ami-") && j.Image.State == "pending", true)
				s.Same("sent", j.Times.ImageSent, time.Now().UTC())
			},
		},
		{
			Name:  "tagged in the creating call, image and snapshots alike",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Plan.Image.Tags = map[string]string{"team": "platform"} },
			Want:  "Register DescribeInstances CreateImage Amend: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				want := map[string]string{
					tag.Managed: "true", tag.Source: s.Web, tag.Name: "web", tag.Plan: "nightly", tag.Run: steptest.RunName,
					"Name": "web", "team": "platform",
				}
				s.Same("image's tags", tag.Map(described(s, j.Image.ID)[0].Tags), want)
				time.Sleep(time.Minute)
				out, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
				s.Must(err)
				s.Same("snapshots", len(out.Snapshots), len(j.Source.Volumes))
				s.Same("snapshot's tags", tag.Map(out.Snapshots[0].Tags), want)
			},
		},
		{
			Name: "a volume that is left out is in no mapping, and has no snapshot",
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Source.ID = s.Launch("db", nil, func(in *sdk.RunInstancesInput) {
					in.BlockDeviceMappings = []types.BlockDeviceMapping{
						{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8)}},
						{DeviceName: aws.String("/dev/sdg"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8),
							DeleteOnTermination: aws.Bool(false)}},
					}
				})
				s.Set(j.Source.ID, ec2.Stopped)
				j.Image.LeftOut = []job.LeftOut{{Device: "/dev/sdf", Volume: "vol-1"}}
				j.Source.Kept, j.Plan.Image.DeleteOnTermination = []string{"/dev/sdg"}, plan.DeleteAlways
			},
			Want: "Register DescribeInstances CreateImage Amend: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				time.Sleep(time.Minute)
				var devices []string
				for _, m := range described(s, j.Image.ID)[0].BlockDeviceMappings {
					devices = append(devices, aws.ToString(m.DeviceName))
				}
				s.Same("devices", devices, []string{"/dev/xvda", "/dev/sdg"})
				out, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
				s.Must(err)
				s.Same("snapshots", len(out.Snapshots), 2)
				r, _, err := s.Ledger.Kept.Registration(s.Context(), j.Image.ID)
				s.Must(err)
				s.Same("registered", r.LeftOut, []string{"/dev/sdf"})
			},
		},
		{
			Name: "one image, however often the step runs",
			Want: "Register DescribeInstances CreateImage Amend: ok | Register: ok | Register: ok",
			Then: onlyOne,
		},
		{
			Name: "the answer is lost on its way: the image is found by its name",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateImage", Nth: []int{1}, Drop: true})
			},
			Want: "Register DescribeInstances CreateImage*2 DescribeImages Amend: ok",
			Then: onlyOne,
		},
		{
			Name: "EC2 fails after it has made the image: the image is found by its name",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateImage", Nth: []int{1}, Code: "InternalError", After: true})
			},
			Want: "Register DescribeInstances CreateImage*2 DescribeImages Amend: ok",
			Then: onlyOne,
		},
		{
			Name: "the image is there and cannot be looked up: the next try finds it",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Ledger.Break("Amend", 1)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeImages", Nth: []int{1, 2, 3, 4, 5, 6}, Code: "Unavailable"})
			},
			Want: "Register DescribeInstances CreateImage Amend: Transient | Register DescribeInstances CreateImage " +
				"DescribeImages*6: Transient | Register DescribeInstances CreateImage DescribeImages Amend: ok",
			Then: onlyOne,
		},
		{
			Name: "the name is taken by an image of another instance: nothing of others is touched",
			Given: func(s *steptest.Stage, j *job.Job) {
				_, err := s.EC2.CreateImage(s.Context(),
					&sdk.CreateImageInput{InstanceId: aws.String(s.Launch("other", nil)), Name: aws.String(j.Image.Name)})
				s.Must(err)
			},
			Want: "Register DescribeInstances CreateImage DescribeImages: Failed",
			Says: []string{"the name goldsmith/web/i-", "is taken by ami-",
				"which this run did not make: its source instance is", "Run the plan again"},
		},
		{
			Name: "the name is taken by a copy with the tags of a run's image: nothing of others is touched",
			Given: func(s *steptest.Stage, j *job.Job) {
				made, err := s.EC2.CreateImage(s.Context(),
					&sdk.CreateImageInput{InstanceId: aws.String(s.Web), Name: aws.String("original")})
				s.Must(err)
				time.Sleep(2 * time.Hour)
				_, err = s.EC2.CopyImage(s.Context(),
					&sdk.CopyImageInput{Name: aws.String(j.Image.Name), SourceImageId: made.ImageId,
						SourceRegion: aws.String(steptest.Region), CopyImageTags: aws.Bool(true)})
				s.Must(err)
			},
			Want: "Register DescribeInstances CreateImage DescribeImages: Failed",
			Says: []string{"its source instance is \"\""},
		},
		{
			Name: "the name is taken by an image that EC2 does not show yet",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateImage", Code: "InvalidAMIName.Duplicate"})
			},
			Want: "Register DescribeInstances CreateImage DescribeImages: NotYet",
			Says: []string{"the name goldsmith/web/i-", "is taken by an image that is not shown", "InvalidAMIName.Duplicate"},
		},
		{
			Name: "the image was made before its source was claimed: it is somebody's own",
			Given: func(s *steptest.Stage, j *job.Job) {
				_, err := s.EC2.CreateImage(s.Context(),
					&sdk.CreateImageInput{InstanceId: aws.String(s.Web), Name: aws.String(j.Image.Name)})
				s.Must(err)
				j.Times.Claimed = time.Now().Add(time.Minute)
			},
			Want: "Register DescribeInstances CreateImage DescribeImages: Failed",
			Says: []string{"before its source was claimed"},
		},
		{
			Name:  "the register cannot be written: nothing is made",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("Register", 1) },
			Want:  "Register: Transient",
		},
		{
			Name:  "the answer of the register is lost: one image",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Lose("Register", 1); s.Ledger.Lose("Amend", 1) },
			Want:  "Register: Transient | Register DescribeInstances CreateImage Amend: Transient | Register: ok",
			Then:  onlyOne,
		},
		{
			Name: "an instance that was running is imaged without a reboot unless the plan asks for one",
			Given: func(s *steptest.Stage, j *job.Job) {
				s.Set(s.Web, ec2.Running)
				j.Decision, j.Plan.Consistency = job.ImageNow, plan.None
			},
			Want: "Register CreateImage Amend: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("rebooted", s.Cloud.Taken(j.Image.ID).Rebooted, false) },
		},
		{
			Name:  "it was to be stopped and runs: somebody started it, or redrives the run",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Set(s.Web, ec2.Running) },
			Want:  "Register DescribeInstances: Failed",
			Says:  []string{"was started by other hands before its image was made, so none was made", "Nothing is to be done"},
		},
		{
			Name:  "it was to be stopped and is still stopping",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Set(s.Web, ec2.Running); s.Must(s.StopWeb()) },
			Want:  "Register DescribeInstances: NotYet",
		},
		{
			Name: "seen as stopped this moment: not looked at again",
			Given: func(s *steptest.Stage, j *job.Job) {
				s.Set(s.Web, ec2.Stopped)
				j.Times.Stopped = time.Now()
			},
			Want: "Register CreateImage Amend: ok",
		},
		{
			Name: "the plan asks for a reboot",
			Given: func(s *steptest.Stage, j *job.Job) {
				s.Set(s.Web, ec2.Running)
				j.Decision, j.Plan.Consistency = job.ImageNow, plan.Reboot
			},
			Want: "Register CreateImage Amend: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("no reboot", s.Sent("CreateImage")[0].Get("NoReboot"), "false")
				s.Same("rebooted", s.Cloud.Taken(j.Image.ID).Rebooted, true)
			},
		},
		{
			Name: "the plan asks for a reboot, but it was stopped before the run: whoever started it meanwhile is not rebooted",
			Given: func(s *steptest.Stage, j *job.Job) {
				s.Set(s.Web, ec2.Running)
				j.Decision, j.Plan.Consistency, j.Source.WasRunning = job.ImageNow, plan.Reboot, false
			},
			Want: "Register CreateImage Amend: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("rebooted", s.Cloud.Taken(j.Image.ID).Rebooted, false) },
		},
	})
}

// EC2's refusals, and what the state machine makes of each.
func TestImageRefused(t *testing.T) {
	refused := func(code, message string) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, _ *job.Job) {
			s.Cloud.Inject(ec2.Fault{Action: "CreateImage", Code: code, Message: message})
		}
	}
	steptest.Play(t, scene, []steptest.Case[job.Job, job.Job]{
		{
			Name: "the organization's tag policy forbids the tags",
			Given: refused("TagPolicyViolation",
				"The tag policy does not allow the specified value for the following tag key: 'team'."),
			Want: "Register DescribeInstances CreateImage: Failed",
			Says: []string{"creating the image of web (i-", "tag key: 'team'",
				"Correct the plan's image tags or the organization's tag policy."},
		},
		{
			Name:  "the account has as many snapshots as it may",
			Given: refused("SnapshotLimitExceeded", "You have reached the maximum number of snapshots."),
			Want:  "Register DescribeInstances CreateImage: Failed",
			Says: []string{"creating the image of web (i-", "SnapshotLimitExceeded",
				"Delete snapshots that are not needed, or ask AWS for a higher quota"},
		},
		{
			Name: "a volume had a snapshot within the last seconds",
			Given: refused("SnapshotCreationPerVolumeRateExceeded",
				"The maximum per volume CreateSnapshot request rate has been exceeded."),
			Want: "Register DescribeInstances CreateImage DescribeInstances: NotYet",
		},
		{
			Name: "too many snapshots of a slow volume at once",
			Given: refused("ConcurrentSnapshotLimitExceeded",
				"Maximum number of in-progress snapshots exceeded for a single volume."),
			Want: "Register DescribeInstances CreateImage DescribeInstances: NotYet",
		},
		{
			Name:  "the instance is on its way to another state",
			Given: refused("IncorrectInstanceState", "Instance is not 'running' or 'stopped'."),
			Want:  "Register DescribeInstances CreateImage DescribeInstances: NotYet",
		},
		{
			Name:  "the instance is not quite stopped, and only the message says so",
			Given: refused("InvalidParameterValue", "Instance i-1 is not in state 'running' or 'stopped'"),
			Want:  "Register DescribeInstances CreateImage DescribeInstances: NotYet",
		},
		{
			Name:  "a parameter is wrong for good",
			Given: refused("InvalidParameterValue", "The instance does not have an 'ebs' root device type"),
			Want:  "Register DescribeInstances CreateImage: Failed",
		},
		{
			Name:  "EC2 is busy for longer than one call may take",
			Given: refused("RequestLimitExceeded", "Request limit exceeded."),
			Want:  "Register DescribeInstances CreateImage*6: Transient",
		},
		{
			Name:  "EC2 does not show it to CreateImage yet",
			Given: refused("InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist"),
			Want:  "Register DescribeInstances CreateImage DescribeInstances: Failed",
			Says:  []string{"creating the image of web (i-"},
		},
		{
			Name: "somebody terminated an instance that was stopped before the run",
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Decision = job.ImageNow
				s.Set(s.Web, ec2.Terminated)
			},
			Want: "Register CreateImage DescribeInstances: Failed",
			Says: []string{"web (i-", "was terminated during the run"},
		},
		{
			Name:  "the function may not create images",
			Given: refused("UnauthorizedOperation", "You are not authorized to perform this operation."),
			Want:  "Register DescribeInstances CreateImage: Failed",
			Says:  []string{"UnauthorizedOperation"},
		},
	})
}

func onlyOne(s *steptest.Stage, j job.Job) {
	s.Helper()
	images := described(s)
	s.Same("images", len(images), 1)
	s.Same("the job's", aws.ToString(images[0].ImageId), j.Image.ID)
}

func described(s *steptest.Stage, ids ...string) []types.Image {
	s.Helper()
	out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: ids, Owners: []string{"self"}})
	s.Must(err)
	return out.Images
}
