package watch_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/watch"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// The image, and before it a snapshot of every volume.
func TestWatchImage(t *testing.T) {
	imaging := func(s *steptest.Stage) (handler.Func[watch.Input, *job.Document], watch.Input) {
		step, in := scene(s)
		s.Set(s.Web, ec2.Stopped)
		in.For = job.ForImage
		return step, in
	}
	create := func(s *steptest.Stage, in *watch.Input) {
		s.Helper()
		tags := tag.List(image.Tags(in.Job.Job))
		out, err := s.EC2.CreateImage(s.Context(),
			&sdk.CreateImageInput{InstanceId: aws.String(s.Web), Name: aws.String(in.Job.Image.Name),
				TagSpecifications: []types.TagSpecification{
					{ResourceType: types.ResourceTypeImage, Tags: tags}, {ResourceType: types.ResourceTypeSnapshot, Tags: tags},
				}})
		s.Must(err)
		in.Job.Image.ID, in.Job.Times.ImageSent = aws.ToString(out.ImageId), time.Now().UTC()
	}
	after := func(d time.Duration, what job.For) func(*steptest.Stage, *watch.Input) {
		return func(s *steptest.Stage, in *watch.Input) {
			create(s, in)
			in.For = what
			time.Sleep(d)
		}
	}
	steptest.Play(t, imaging, cases{
		{Name: "no snapshot shows yet", Given: after(0, job.ForSnapshots), Want: "Await DescribeSnapshots: ok", Then: goesOn},
		{
			Name:  "every volume has its snapshot, completed or not: the data is safe",
			Given: after(10*time.Second, job.ForSnapshots),
			Want:  "Await DescribeSnapshots Done SendTaskSuccess: ok",
			Then: func(s *steptest.Stage, _ *job.Document) {
				j, _ := ended(s)
				s.Same("snapshots", []any{len(j.Image.Snapshots), j.Times.Snapshotted, j.Image.State},
					[]any{1, time.Now().UTC(), ""})
			},
		},
		{
			Name: "a volume detached meanwhile gets none: the image itself decides",
			Given: func(s *steptest.Stage, in *watch.Input) {
				after(20*time.Minute, job.ForSnapshots)(s, in)
				in.Job.Source.Volumes = append(in.Job.Source.Volumes, "vol-00000000000000bad")
			},
			Want: "Await DescribeSnapshots DescribeImages Done SendTaskSuccess: ok",
		},
		{
			Name: "the image failed, so no snapshot will come", Given: func(s *steptest.Stage, in *watch.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateImage", ImageState: "failed",
					Message: "Client.InternalError: a volume is gone"})
				after(20*time.Minute, job.ForSnapshots)(s, in)
				in.Job.Source.Volumes = append(in.Job.Source.Volumes, "vol-00000000000000bad")
			},
			Want: "Await DescribeSnapshots DescribeImages Done: Failed",
			Says: []string{"of web (i-",
				"is failed. EC2 says: Client.InternalError: a volume is gone. Nothing is to be done: the instance is not " +
					"affected, and the next run tries again."},
		},
		{Name: "the image is pending", Given: after(10*time.Second, job.ForImage), Want: "Await DescribeImages: ok",
			Then: goesOn},
		{
			Name: "the image is available", Given: after(20*time.Minute, job.ForImage),
			Want: "Await DescribeImages Done SendTaskSuccess: ok",
			Then: func(s *steptest.Stage, _ *job.Document) {
				j, _ := ended(s)
				s.Same("image", []any{j.Image.State, len(j.Image.Snapshots), j.Times.Available},
					[]any{"available", 1, time.Now().UTC()})
			},
		},
		{
			Name: "EC2 does not show the image it has just made", Given: func(_ *steptest.Stage, in *watch.Input) {
				in.For, in.Job.Image.ID, in.Job.Times.ImageSent = job.ForImage, "ami-0abcdef1234567890", time.Now().UTC()
			},
			Want: "Await DescribeImages: ok", Then: goesOn,
		},
		{
			Name: "the image was there and is not any more",
			Given: func(s *steptest.Stage, in *watch.Input) {
				in.Job.Image.ID, in.Job.Times.ImageSent = "ami-0abcdef1234567890", time.Now().UTC()
				time.Sleep(time.Hour)
			},
			Want: "Await DescribeImages Done: Failed",
			Says: []string{"image ami-0abcdef1234567890 of web (i-",
				"is not there any more: it has been deregistered or disabled. Nothing is to be done: the next run tries again."},
		},
		{
			Name: "the image takes 29 hours: nobody gives up", Given: func(s *steptest.Stage, in *watch.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateImage", Delay: 48 * time.Hour})
				create(s, in)
				time.Sleep(29 * time.Hour)
			},
			Want: "Await DescribeImages: ok", Then: goesOn,
		},
		{
			Name: "the image takes longer than EC2 says it may", Given: func(s *steptest.Stage, in *watch.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateImage", Delay: 48 * time.Hour})
				create(s, in)
				time.Sleep(30*time.Hour + time.Minute)
			},
			Want: "Await DescribeImages Done: Failed",
			Says: []string{"web (i-", "is not available, 1m0s after it should have been at the latest"},
		},
	})
}
