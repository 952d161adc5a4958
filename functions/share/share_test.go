package share_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/share"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/test/steptest"
)

const (
	consumer = "111122223333"
	closed   = "444455556666"
)

// scene is a job whose image is tested, of a plan that shares with one account.
func scene(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	s.Plan.Share = plan.Share{Accounts: []string{consumer}}
	j := s.Job()
	j.Image.ID, j.Image.State = s.Cloud.SeedImage(j.Image.Name, time.Now(), nil), "available"
	r := register.ImageOf(j)
	r.ID = j.Image.ID
	_, err := s.Ledger.Kept.Register(s.Context(), r)
	s.Must(err)
	return share.Step{EC2: s.EC2, Ledger: s.Ledger, Now: time.Now}.Handle, j
}

// permitted are the accounts that EC2 lets launch the image.
func permitted(s *steptest.Stage, j job.Job) (accounts []string) {
	s.Helper()
	out, err := s.EC2.DescribeImageAttribute(s.Context(), &sdk.DescribeImageAttributeInput{
		ImageId: aws.String(j.Image.ID), Attribute: types.ImageAttributeNameLaunchPermission,
	})
	s.Must(err)
	for _, p := range out.LaunchPermissions {
		accounts = append(accounts, aws.ToString(p.UserId))
	}
	return accounts
}

// noted are the accounts of which the register says that the image is shared with them.
func noted(s *steptest.Stage, j job.Job) []string {
	s.Helper()
	r, _, err := s.Ledger.Kept.Registration(s.Context(), j.Image.ID)
	s.Must(err)
	if r.Shared == nil {
		return nil
	}
	return r.Shared.Accounts
}

func TestShare(t *testing.T) {
	steptest.Play(t, scene, []steptest.Case[job.Job, job.Job]{
		{
			Name: "with an account: registered first",
			Want: "Registration DescribeImages Amend ModifyImageAttribute: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("permitted", permitted(s, j), []string{consumer})
				s.Same("noted", noted(s, j), []string{consumer})
				s.Same("told", []any{j.Shared.Accounts, j.Shared.Problem, j.Shared.At},
					[]any{[]string{consumer}, "", time.Now().UTC()})
			},
		},
		{
			Name:  "the plan shares with none",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Plan.Share = plan.Share{} },
			Want:  ": ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("told", j.Shared == nil, true) },
		},
		{
			Name:  "again, after the answer was lost",
			Given: func(s *steptest.Stage, _ *job.Job) { s.LoseAnswers("ModifyImageAttribute", 6) },
			Want: "Registration DescribeImages Amend ModifyImageAttribute*6: Transient" +
				" | Registration DescribeImages Amend ModifyImageAttribute: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("permitted", permitted(s, j), []string{consumer}) },
		},
		{
			Name: "one account that EC2 does not know keeps no other, and is taken out of the register",
			Given: func(s *steptest.Stage, j *job.Job) {
				s.Cloud.CloseAccount(closed)
				j.Plan.Share.Accounts = []string{closed, consumer}
			},
			Want: "Registration DescribeImages Amend ModifyImageAttribute*3 Amend: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("permitted", permitted(s, j), []string{consumer})
				s.Same("noted", noted(s, j), []string{consumer})
				s.Same("told", j.Shared.Problem != "" && j.Shared.Do != "", true)
			},
		},
		{
			Name:  "denied: nothing is shared, and the register does not say that it is",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Refuse("ModifyImageAttribute", "UnauthorizedOperation", 1) },
			Want:  "Registration DescribeImages Amend ModifyImageAttribute Amend: Failed",
			Says:  []string{"sharing image ami-", "UnauthorizedOperation"},
			Then: func(s *steptest.Stage, _ job.Job) {
				for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
					s.Must(err)
					s.Same("noted", r.Shared == nil, true)
				}
			},
		},
		{
			Name:  "an image that is not registered is not Goldsmith's to share",
			Given: func(s *steptest.Stage, j *job.Job) { j.Image.ID = s.Cloud.SeedImage("another", time.Now(), nil) },
			Want:  "Registration: Failed",
			Says:  []string{"is not registered, and so not shared"},
		},
		{
			Name:  "EC2 does not show the image yet",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Refuse("DescribeImages", "InvalidAMIID.NotFound", 1) },
			Want:  "Registration DescribeImages: NotYet",
		},
	})
}
