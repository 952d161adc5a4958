package snapshot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/snapshot"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

type (
	step  = handler.Func[snapshot.Input, job.Job]
	given = steptest.Case[snapshot.Input, job.Job]
)

// scene is a snapshot of instance Web, which runs, to be copied.
func scene(s *steptest.Stage) (step, snapshot.Input) {
	id := s.Stored(s.Web, map[string]string{tag.Request: "nightly"})
	in := snapshot.Input{Do: snapshot.Copy, Job: s.SnapshotJob(id)}
	return snapshot.Step{EC2: s.EC2, EBS: s.EBS, Ledger: s.Ledger, Region: steptest.Region, Now: time.Now}.Handle, in
}

// copied is the job whose snapshot is copied, with a completed copy.
func copied(s *steptest.Stage) (step, snapshot.Input) {
	handle, in := scene(s)
	var err error
	in.Job, err = handle(s.Context(), in)
	s.Must(err)
	time.Sleep(time.Hour)
	in.Do = snapshot.Register
	return handle, in
}

const (
	looks = "DescribeSnapshots DescribeImages DescribeSnapshots DescribeVolumes DescribeInstances DescribeImages " +
		"GetInstanceUefiData DescribeSnapshots ListSnapshotBlocks GetSnapshotBlock*4 "
	first = looks + "Register CopySnapshot Amend"
)

// copies are the snapshots of the account beside the one that the image is made of.
func copies(s *steptest.Stage, of string) (found []types.Snapshot) {
	s.Helper()
	out, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	s.Must(err)
	for _, each := range out.Snapshots {
		if aws.ToString(each.SnapshotId) != of {
			found = append(found, each)
		}
	}
	return found
}

func oneCopy(s *steptest.Stage, j job.Job) {
	s.Helper()
	s.Same("copies", len(copies(s, j.Source.ID)), 1)
	s.Same("the job's", j.Registering.Root(), aws.ToString(copies(s, j.Source.ID)[0].SnapshotId))
}

func TestCopy(t *testing.T) {
	steptest.Play(t, scene, []given{
		{
			Name: "the snapshot is copied, with its tags in the creating call", Want: first + ": ok",
			Then: func(s *steptest.Stage, j job.Job) {
				oneCopy(s, j)
				made := copies(s, j.Source.ID)[0]
				s.Same("tags", tag.Map(made.Tags)[tag.Managed], "true")
				s.Same("source", tag.Map(made.Tags)[tag.Source], j.Source.ID)
				s.Same("description", strings.HasPrefix(aws.ToString(made.Description),
					"Copy of "+j.Source.ID+" for image "+j.Image.Name), true)
				s.Same("architecture", j.Source.Architecture, "x86_64")
				s.Same("type", j.Source.InstanceType, "t3.micro")
			},
		},
		{
			Name: "one copy, however often the step runs", Then: oneCopy,
			Want: first + ": ok | " + looks + "Register: ok | " + looks + "Register: ok",
		},
		{
			Name: "the answer is lost on its way: the copy is found by its description, once it is shown",
			Given: func(s *steptest.Stage, _ *snapshot.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "CopySnapshot", Nth: []int{1}, Drop: true})
			},
			Want: looks + "Register CopySnapshot: Transient | " + looks + "Register DescribeSnapshots Amend: ok", Then: oneCopy,
		},
		{
			Name: "EC2 fails after it has made the copy: the SDK does not make another one",
			Given: func(s *steptest.Stage, _ *snapshot.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "CopySnapshot", Nth: []int{1}, Code: "InternalError", After: true})
			},
			Want: looks + "Register CopySnapshot: Transient | " + looks + "Register DescribeSnapshots Amend: ok", Then: oneCopy,
		},
		{
			Name: "EC2 fails before it has: it is asked again once the copy would be shown",
			Given: func(s *steptest.Stage, _ *snapshot.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "CopySnapshot", Nth: []int{1}, Code: "InternalError"})
			},
			Want: looks + "Register CopySnapshot: Transient | " + looks + "Register DescribeSnapshots: NotYet | " +
				looks + "Register DescribeSnapshots Amend CopySnapshot Amend: ok",
			Between: func(*steptest.Stage) { time.Sleep(3 * time.Minute) },
			Then:    oneCopy,
		},
		{
			Name: "twenty copies are under way: it waits, and is asked again at once",
			Given: func(s *steptest.Stage, _ *snapshot.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "CopySnapshot", Nth: []int{1}, Code: "ResourceLimitExceeded"})
			},
			Want: looks + "Register CopySnapshot Amend: NotYet | " + looks +
				"Register DescribeSnapshots Amend CopySnapshot Amend: ok",
			Then: oneCopy,
		},
		{
			Name:  "the ledger fails after the copy: it is found by its description",
			Given: func(s *steptest.Stage, _ *snapshot.Input) { s.Ledger.Break("Amend", 1) },
			Want:  first + ": Transient | " + looks + "Register DescribeSnapshots Amend: ok", Then: oneCopy,
		},
		{
			Name: "EC2 refuses for good: it is told",
			Given: func(s *steptest.Stage, _ *snapshot.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "CopySnapshot", Code: "SnapshotLimitExceeded"})
			},
			Want: first + ": Failed", Says: []string{"copying snap-", "ask AWS for a higher quota of snapshots"},
		},
		{
			Name: "a plan that has images tested, and nothing says on what",
			Given: func(s *steptest.Stage, in *snapshot.Input) {
				in.Job.Plan.Verify.Boot = true
				s.Set(s.Web, ec2.Terminated)
				time.Sleep(time.Hour)
				s.Must(s.Cloud.SetTags(in.Job.Source.ID, map[string]string{
					tag.ImageSettings: "rootDeviceName=/dev/xvda enaSupport=true",
				}))
			},
			Want: "DescribeSnapshots DescribeImages DescribeSnapshots DescribeVolumes Registrations " +
				"DescribeSnapshots ListSnapshotBlocks GetSnapshotBlock*4: ok",
			Then: refuses("plan nightly has images tested, and nothing says on which instance type. Set verify.instanceType " +
				"in the plan, then ask again."),
		},
		{
			Name: "a contradiction is told with both sides",
			Given: func(s *steptest.Stage, in *snapshot.Input) {
				s.Must(s.Cloud.SetTags(in.Job.Source.ID, map[string]string{tag.ImageSettings: "architecture=arm64"}))
			},
			Want: strings.TrimSpace(looks) + ": ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.SkipIt)
				s.Same("text", strings.HasPrefix(j.Skip.Text,
					"architecture is arm64, says the tag goldsmith:image-settings; the disk starts on x86_64 alone"), true)
			},
		},
		{
			Name: "somebody has deleted the snapshot",
			Given: func(s *steptest.Stage, in *snapshot.Input) {
				_, err := s.EC2.DeleteSnapshot(s.Context(), &sdk.DeleteSnapshotInput{SnapshotId: &in.Job.Source.ID})
				s.Must(err)
			},
			Want: "DescribeSnapshots: Failed", Says: []string{"was deleted during the run"},
		},
	})
}

func refuses(text string) func(*steptest.Stage, job.Job) {
	return func(s *steptest.Stage, j job.Job) {
		s.Helper()
		s.Same("decision", j.Decision, job.SkipIt)
		s.Same("reason", *j.Skip, job.Reason{Code: job.NotRegistrable, Text: text})
		s.Same("told", j.Skip.Refuses(), true)
	}
}

func TestRegister(t *testing.T) {
	onlyOne := func(s *steptest.Stage, j job.Job) {
		s.Helper()
		out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}})
		s.Must(err)
		s.Same("images", len(out.Images), 1)
		s.Same("the job's", j.Image.ID, aws.ToString(out.Images[0].ImageId))
	}
	steptest.Play(t, copied, []given{
		{
			Name: "with exactly what was decided, of the copy", Want: "Register RegisterImage Amend: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				onlyOne(s, j)
				sent := s.Sent("RegisterImage")[0]
				s.Same("architecture", sent.Get("Architecture"), "x86_64")
				s.Same("virtualization", sent.Get("VirtualizationType"), "hvm")
				s.Same("snapshot", sent.Get("BlockDeviceMapping.1.Ebs.SnapshotId"), j.Registering.Root())
				s.Same("tags", sent.Get("TagSpecification.1.ResourceType"), "image")
				s.Same("state", j.Image.State, "pending")
			},
		},
		{Name: "one image, however often", Want: "Register RegisterImage Amend: ok | Register: ok", Then: onlyOne},
		{
			Name: "the answer is lost on its way: the image is found by its name",
			Given: func(s *steptest.Stage, _ *snapshot.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "RegisterImage", Nth: []int{1}, Drop: true})
			},
			Want: "Register RegisterImage*2 DescribeImages Amend: ok", Then: onlyOne,
		},
		{
			Name: "another image has the name: it is not taken for the run's",
			Given: func(s *steptest.Stage, in *snapshot.Input) {
				_, err := s.EC2.CreateImage(s.Context(), &sdk.CreateImageInput{InstanceId: &s.Web, Name: &in.Job.Image.Name})
				s.Must(err)
			},
			Want: "Register RegisterImage DescribeImages: Failed", Says: []string{"which this run did not make"},
		},
		{
			Name: "EC2 refuses what was decided",
			Given: func(s *steptest.Stage, _ *snapshot.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "RegisterImage", Code: "InvalidParameterCombination"})
			},
			Want: "Register RegisterImage: Failed", Says: []string{"registering the image of web (snap-"},
		},
	})
}

func TestCompare(t *testing.T) {
	scene := func(s *steptest.Stage) (step, snapshot.Input) {
		handle, in := copied(s)
		var err error
		in.Job, err = handle(s.Context(), in)
		s.Must(err)
		time.Sleep(time.Hour)
		in.Do, in.Job.Image.State = snapshot.Compare, job.Registered
		return handle, in
	}
	steptest.Play(t, scene, []given{
		{
			Name: "billed as it was: the image counts", Want: "DescribeImages: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("state", j.Image.State, "available") },
		},
		{
			Name: "billed otherwise: it does not",
			Given: func(_ *steptest.Stage, in *snapshot.Input) {
				for n, a := range in.Job.Registering.Attributes {
					if a.Key == "platformDetails" {
						in.Job.Registering.Attributes[n].Value = "Red Hat Enterprise Linux"
					}
				}
			},
			Want: "DescribeImages: Failed",
			Says: []string{`platformDetails is "Linux/UNIX" and was "Red Hat Enterprise Linux"`,
				"Make the image from an instance"},
		},
		{
			Name: "it is not shown", Want: "DescribeImages: NotYet",
			Given: func(_ *steptest.Stage, in *snapshot.Input) { in.Job.Image.ID = "ami-0123456789abcdef0" },
		},
	})
}
