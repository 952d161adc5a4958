package copying_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	copying "goldsmith/functions/copy"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

type (
	cases = []steptest.Case[copying.Input, job.Job]
	input = copying.Input
)

// scene is a job whose image is to be copied within its Region, under another key.
func scene(do copying.Do) func(*steptest.Stage) (handler.Func[input, job.Job], input) {
	return func(s *steptest.Stage) (handler.Func[input, job.Job], input) {
		s.Cloud.SetKey(s.Cloud.KeyNamed("alias/golden"), ec2.KeyUsable)
		j := s.Job()
		j.Image.ID, j.Image.State = s.Cloud.SeedImage(j.Image.Name, time.Now(), nil), "available"
		j.Copies, j.Copying = []job.Copy{{Region: steptest.Region, Key: "alias/golden"}}, true
		return step(s).Handle, input{Job: j, Do: do}
	}
}

func step(s *steptest.Stage) copying.Step {
	in := func(string) copying.EC2 { return s.EC2 }
	return copying.Step{Home: steptest.Region, In: in, Ledger: s.Ledger, Now: time.Now}
}

// begun is a job whose copy was asked for a while ago.
func begun(s *steptest.Stage, in *input, ago time.Duration) {
	s.Helper()
	j, err := step(s).Handle(s.Context(), input{Job: in.Job, Do: copying.Begin})
	s.Must(err)
	in.Job = j
	time.Sleep(ago)
}

const consumer = "111122223333"

// shared is a job of a plan that shares its copies, one of which was asked for a day ago.
func shared(s *steptest.Stage, in *input) {
	s.Helper()
	in.Job.Plan.Copies = []plan.Copy{{Region: steptest.Region, Share: plan.Share{Accounts: []string{consumer}}}}
	begun(s, in, 24*time.Hour)
}

// copied are the states of the images that are copies.
func copied(s *steptest.Stage) (states []string) {
	s.Helper()
	out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"},
		IncludeDisabled: aws.Bool(true)})
	s.Must(err)
	for _, i := range out.Images {
		if aws.ToString(i.SourceImageId) != "" && aws.ToString(i.SourceInstanceId) == "" {
			states = append(states, string(i.State))
		}
	}
	return states
}

// registered is what the register has of the copy.
func registered(s *steptest.Stage) (found ledger.Registration) {
	s.Helper()
	for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
		if s.Must(err); r.IsCopy() {
			found = r
		}
	}
	return found
}

func TestBegin(t *testing.T) {
	steptest.Play(t, scene(copying.Begin), cases{
		{
			Name: "registered first", Want: "Register CopyImage Amend: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				r := registered(s)
				s.Same("copies", copied(s), []string{"pending"})
				s.Same("registered", []any{r.ID, r.Region, r.From, r.Lineage, r.Call},
					[]any{j.Copies[0].ID, steptest.Region, j.Image.ID, s.Web, ledger.CopyImage})
				s.Same("left to do", j.Copying, true)
			},
		},
		{
			Name:  "again, after the answer was lost",
			Given: func(s *steptest.Stage, _ *input) { s.LoseAnswers("CopyImage", 6) },
			Want:  "Register CopyImage*6: Transient | Register CopyImage Amend: ok",
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("copies", copied(s), []string{"pending"}) },
		},
		{
			Name: "no room: asked for later", Want: "Register CopyImage: ok",
			Given: func(s *steptest.Stage, _ *input) { s.Refuse("CopyImage", "ResourceLimitExceeded", 1) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("left to do", []any{j.Copying, j.Copies[0].Problem}, []any{true, ""})
			},
		},
		{
			Name: "denied: not asked for again", Want: "Register CopyImage Amend Settle: ok | Register: ok",
			Given: func(s *steptest.Stage, _ *input) { s.Refuse("CopyImage", "UnauthorizedOperation", 1) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("told", []any{j.Copying, j.Copies[0].Problem != "", registered(s).Failed},
					[]any{false, true, j.Copies[0].Problem})
			},
		},
		{
			Name: "the Region does not know the account yet: asked for later", Want: "Register CopyImage: ok | Register CopyImage " +
				"Amend: ok",
			Given: func(s *steptest.Stage, _ *input) { s.Refuse("CopyImage", "AuthFailure", 1) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("left to do", []any{j.Copying, j.Copies[0].Problem}, []any{true, ""})
			},
		},
		{
			Name: "what is known not to work is not tried", Want: ": ok",
			Given: func(_ *steptest.Stage, in *input) { in.Job.Copies[0].Problem = "there is no key alias/golden" },
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("left to do", j.Copying, false) },
		},
	})
}

func TestSee(t *testing.T) {
	const told = "Register DescribeImages Amend Settle PutResult: ok"
	steptest.Play(t, scene(copying.See), cases{
		{
			Name: "on its way", Want: "Register DescribeImages Amend: NotYet | Register DescribeImages: NotYet",
			Given: func(s *steptest.Stage, in *input) { begun(s, in, 0) },
		},
		{
			Name: "there: not looked at again", Want: told + " | Register PutResult: ok",
			Given: func(s *steptest.Stage, in *input) { begun(s, in, 24*time.Hour) },
			Then: func(s *steptest.Stage, j job.Job) {
				r := registered(s)
				s.Same("registered", []any{r.Good, len(r.Snapshots)}, []any{true, 1})
				s.Same("told", []any{j.Copying, j.Copies[0].At, j.Copies[0].Problem}, []any{false, time.Now().UTC(), ""})
			},
		},
		{
			Name: "there, and shared: registered first",
			Want: "Register DescribeImages Amend Settle Amend ModifyImageAttribute Amend PutResult: ok | Register " +
				"PutResult: ok",
			Given: func(s *steptest.Stage, in *input) { shared(s, in) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("registered", registered(s).Shared.Accounts, []string{consumer})
				s.Same("told", []any{j.Copying, j.Copies[0].Shared.Accounts, j.Copies[0].Shared.Problem},
					[]any{false, []string{consumer}, ""})
			},
		},
		{
			Name: "there, and the answer to sharing it was lost",
			Given: func(s *steptest.Stage, in *input) {
				shared(s, in)
				s.LoseAnswers("ModifyImageAttribute", 6)
			},
			Want: "Register DescribeImages Amend Settle Amend ModifyImageAttribute*6: Transient | " +
				"Register DescribeImages Amend Settle Amend ModifyImageAttribute Amend PutResult: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("told", j.Copies[0].Shared.Problem, "") },
		},
		{
			Name: "there, and sharing it is denied: a copy all the same, and the register does not say that it is shared",
			Given: func(s *steptest.Stage, in *input) {
				shared(s, in)
				s.Refuse("ModifyImageAttribute", "UnauthorizedOperation", 1)
			},
			Want: "Register DescribeImages Amend Settle Amend ModifyImageAttribute Amend*2 PutResult: ok | Register " +
				"PutResult: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("registered", registered(s).Shared == nil, true)
				s.Same("told", []any{j.Copying, j.Copies[0].Problem, j.Copies[0].Shared.Problem != ""}, []any{false, "", true})
			},
		},
		{
			Name: "failed: removed, told with EC2's reason, and not asked for again",
			Given: func(s *steptest.Stage, in *input) {
				begun(s, in, 0)
				s.Cloud.SetKey(s.Cloud.KeyNamed("alias/golden"), ec2.KeyDisabled)
				time.Sleep(24 * time.Hour)
			},
			Want: "Register DescribeImages DeregisterImage Amend Settle PutResult: ok | Register PutResult: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("copies", len(copied(s)), 0)
				s.Same("told", []any{j.Copying, j.Copies[0].Problem != "", j.Copies[0].Problem},
					[]any{false, true, registered(s).Failed})
			},
		},
		{
			Name: "disabled by a person: not removed", Want: told,
			Given: func(s *steptest.Stage, in *input) {
				begun(s, in, 24*time.Hour)
				_, err := s.EC2.DisableImage(s.Context(), &sdk.DisableImageInput{ImageId: aws.String(in.Job.Copies[0].ID)})
				s.Must(err)
			},
			Then: func(s *steptest.Stage, _ job.Job) {
				s.Same("copies", copied(s), []string{string(types.ImageStateDisabled)})
			},
		},
		{
			Name: "deregistered by a person: not asked for again", Want: told,
			Given: func(s *steptest.Stage, in *input) {
				begun(s, in, 24*time.Hour)
				_, err := s.EC2.DeregisterImage(s.Context(),
					&sdk.DeregisterImageInput{ImageId: aws.String(in.Job.Copies[0].ID)})
				s.Must(err)
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("copies", len(copied(s)), 0)
				s.Same("told", j.Copies[0].Problem != "", true)
				_, what, _ := strings.Cut(j.Copies[0].Do, "Values=")
				what, _, _ = strings.Cut(what, "'")
				out, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"},
					Filters: []types.Filter{{Name: aws.String("description"), Values: []string{what}}}})
				s.Must(err)
				s.Same("what the command shows of its snapshots", len(out.Snapshots), 1)
			},
		},
		{
			Name: "not asked for yet: asked for now", Want: "Register CopyImage Amend DescribeImages Amend: NotYet",
		},
		{
			Name: "a Region that does not know the account for an hour", Want: "Register CopyImage Amend Settle PutResult: ok",
			Given: func(s *steptest.Stage, in *input) {
				s.Refuse("CopyImage", "OptInRequired", 2)
				begun(s, in, time.Hour)
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("told", []any{strings.HasPrefix(j.Copies[0].Problem, "copying image"), j.Copies[0].Do},
					[]any{true, "Look whether Region eu-central-1 is enabled, which takes some hours at times; the next image is copied."})
			},
		},
		{
			Name: "no room for thirty hours", Want: "Register CopyImage Amend Settle PutResult: ok",
			Given: func(s *steptest.Stage, in *input) {
				s.Refuse("CopyImage", "ResourceLimitExceeded", 2)
				begun(s, in, 31*time.Hour)
			},
			Then: func(s *steptest.Stage, j job.Job) { s.Same("told", j.Copies[0].Problem != "", true) },
		},
	})
}
