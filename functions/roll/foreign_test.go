package roll_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// A caller who starts the function or the state machine with a job of their own has no image rolled that Goldsmith did
// not make of that source, and none under a name or for a lineage that is not the registered one.
func TestRollOnlyWhatIsRegistered(t *testing.T) {
	forged := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		template(s, "fleet", "web", before)
		_, j := scene(s)
		return step(s).Handle, j
	}
	edited := func(edit func(s *steptest.Stage, r *ledger.Registration)) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, _ *job.Job) {
			s.Helper()
			r, _, err := s.Ledger.Kept.Registration(s.Context(), newest)
			s.Must(err)
			edit(s, &r)
			_, err = s.Ledger.Kept.Amend(s.Context(), r)
			s.Must(err)
		}
	}
	untouched := func(s *steptest.Stage, _ job.Job) {
		s.Helper()
		s.Same("versions", len(versions(s, "fleet")), 1)
		value, _ := s.Parameters.Value(alias)
		s.Same("alias", value, "")
	}
	const refused = "DescribeImages Registration: Failed"
	steptest.Play(t, forged, cases{
		{
			Name: "an image that is not registered", Want: refused, Says: []string{"is not known to be Goldsmith's"},
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Image.ID = "ami-0ccccccccccccccc1"
				s.Cloud.AddImage(j.Image.ID)
			}, Then: untouched,
		},
		{
			Name: "one of another instance, under the name that the run would give it", Then: untouched,
			Want: refused, Says: []string{"it is not registered, and its source instance is"},
			Given: func(s *steptest.Stage, j *job.Job) { *j = made(s, *j, s.Launch("web", nil)) },
		},
		{
			Name: "its own, when the table was lost or an earlier version made it",
			Want: did("DescribeImages Registration Owner Targets DescribeLaunchTemplates DescribeLaunchTemplateVersions" +
				reads + rolls + writes + ": ok"),
			Given: func(s *steptest.Stage, j *job.Job) { *j = made(s, *j, s.Web) },
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("rolled", find(j, "fleet").To, j.Image.ID) },
		},
		{
			Name: "its own, under a name that another run would give it", Then: untouched,
			Want: refused, Says: []string{"its name is not what run "},
			Given: func(s *steptest.Stage, j *job.Job) { *j = made(s, *j, s.Web); j.Run.Name = "nightly-20000102T000000Z" },
		},
		{
			Name: "one that was retired", Want: refused, Says: []string{"it was retired"}, Then: untouched,
			Given: func(s *steptest.Stage, _ *job.Job) {
				r, _, err := s.Ledger.Kept.Registration(s.Context(), newest)
				s.Must(err)
				s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
			},
		},
		{
			Name: "another source's", Want: refused, Says: []string{"it is registered as made of i-"}, Then: untouched,
			Given: func(s *steptest.Stage, j *job.Job) { j.Source.ID = s.Launch("web", nil) },
		},
		{
			Name: "one whose facts are others", Want: refused, Says: []string{"it was not registered from"}, Then: untouched,
			Given: edited(func(_ *steptest.Stage, r *ledger.Registration) { r.From = "snap-0123456789abcdef0" }),
		},
		{
			Name: "its own, under the name of another", Then: untouched,
			Want: "DescribeImages Registration Owner Targets GetParameter Targets DescribeLaunchTemplates PutOwner PutTarget " +
				"PutParameter PutTarget: ok",
			Given: edited(func(_ *steptest.Stage, r *ledger.Registration) { r.Name = "mine" }),
		},
		{
			Name: "the register cannot be read", Want: "DescribeImages Registration: Transient", Then: untouched,
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("Registration", 1) },
		},
	})
}

// made is a job with an image that CreateImage made of an instance, under the name of the job's, and without a
// registration.
func made(s *steptest.Stage, j job.Job, of string) job.Job {
	s.Helper()
	j.Plan.Image.Prefix = "goldsmith"
	j.Image.Name = image.Name(j)
	out, err := s.EC2.CreateImage(s.Context(),
		&sdk.CreateImageInput{InstanceId: &of, Name: &j.Image.Name, NoReboot: aws.Bool(true)})
	s.Must(err)
	j.Image.ID = aws.ToString(out.ImageId)
	time.Sleep(time.Hour)
	return j
}
