package claim_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/functions/claim"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// What will come of sharing an image, and of groups launching it, is seen where there is such a thing and its volumes
// are encrypted. What cannot be seen of it is told, and keeps nothing from being stopped.
func TestWhatWillComeOfAnEncryptedImage(t *testing.T) {
	given := func(shares, rolls bool, refuse string) func(*steptest.Stage, *claim.Input) {
		return func(s *steptest.Stage, in *claim.Input) {
			keyed(ec2.KeyUsable)(s, in)
			in.Job.Run.Asked, in.Job.Source.Notes = time.Now(), []job.ReasonCode{job.Encrypted}
			if in.Job.Plan.Roll.Skip = !rolls; shares {
				in.Job.Plan.Share.Accounts = []string{"210987654321"}
			}
			if refuse != "" {
				s.Refuse(refuse, "UnauthorizedOperation", 1)
			}
		}
	}
	tells := func(warnings ...string) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) {
			s.Helper()
			s.Same("decision", j.Decision, job.StopFirst)
			s.Same("warnings", len(j.Warnings), len(warnings))
			for n, w := range warnings {
				if said := string(j.Warnings[n].Code) + ": " + j.Warnings[n].Text; !strings.HasPrefix(said, w) {
					s.Errorf("it tells\n\t%s\nand not\n\t%s", said, w)
				}
			}
		}
	}
	const (
		takes  = looks + " Slots*2 Take Record"
		unread = ": under which keys its volumes are could not be seen before it was imaged: "
		groups = " DescribeLaunchTemplates DescribeLaunchTemplateVersions"
		keys   = " DescribeVolumes DescribeKey GetKeyPolicy ListGrants"
		locked = "key-not-shared: account 210987654321 cannot launch it: key " + ourKey
	)
	steptest.Play(t, scene, cases{
		{Name: "it is neither shared nor rolled", Given: given(false, false, ""), Want: takes + ": ok", Then: tells()},
		{Name: "it is shared", Given: given(true, false, ""), Want: takes + keys + ": ok", Then: tells(locked)},
		{Name: "its copy is, under a key of its Region's own", Want: takes + " DescribeVolumes: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				given(false, false, "")(s, in)
				in.Job.Plan.Copies = []plan.Copy{{Region: "us-east-1", Share: plan.Share{Accounts: []string{"210987654321"}}}}
				in.Job.Run.Copies = []job.Copy{{Region: "us-east-1"}}
			},
			Then: tells("sharing-unseen: its copy in us-east-1 will be under that Region's default key for EBS")},
		{Name: "it is shared, and its key is AWS's own: it cannot be", Want: takes + " DescribeVolumes DescribeKey: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				given(true, false, "")(s, in)
				under("", ec2.KeyUsable)(s, in)
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("shared", []any{j.Sharing, j.Shared != nil && j.Shared.Problem != ""}, []any{false, true})
			}},
		{Name: "it is rolled", Given: given(false, true, ""), Want: takes + keys + groups + ": ok", Then: tells()},
		{Name: "it is shared, and its keys cannot be seen", Given: given(true, false, "DescribeVolumes"),
			Want: takes + " DescribeVolumes: ok", Then: tells(string(job.SharingUnseen) + unread)},
		{Name: "it is rolled, and its keys cannot be seen", Given: given(false, true, "DescribeVolumes"),
			Want: takes + " DescribeVolumes: ok", Then: tells(string(job.GroupsUnseen) + unread)},
	})
}
