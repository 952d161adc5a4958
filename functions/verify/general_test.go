package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/functions/verify"
	"goldsmith/local/ec2"
	"goldsmith/local/ssm"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// cloning is the launch of a clone that is due.
func cloning(s *steptest.Stage) (handler.Func[verify.Input, job.Job], verify.Input) {
	step, in := image(s, verify.Clone)
	in.Job.Plan.Verify.Profile = "tested"
	in.Job.Plan.Generalize = plan.Generalize{Enabled: true, Keep: []plan.Item{plan.ItemLogs}, Command: "rm -f /license"}
	in.Job.General = job.GeneralDue
	return step, in
}

// cloned is a job with a clone that has booted, and what is due then.
func cloned(do verify.Do, state ec2.State) func(s *steptest.Stage) (handler.Func[verify.Input, job.Job], verify.Input) {
	return func(s *steptest.Stage) (handler.Func[verify.Input, job.Job], verify.Input) {
		s.Helper()
		step, in := cloning(s)
		j, err := step(s.Context(), in)
		s.Must(err)
		time.Sleep(5 * time.Minute)
		if state != ec2.Running {
			s.Set(j.Clone.Instance, state)
		}
		j.Clone.Booted, j.Clone.Cleaned = time.Now().UTC(), time.Now().UTC()
		return step, verify.Input{Job: j, Do: do}
	}
}

func TestClone(t *testing.T) {
	steptest.Play(t, cloning, cases{
		{
			Name: "as a test instance is launched, with a token of its own", Want: launched + " | " + again,
			Then: func(s *steptest.Stage, j job.Job) {
				i := testInstances(s)[0]
				s.Same("clones", len(testInstances(s)), 1)
				s.Same("id", aws.ToString(i.InstanceId), j.Clone.Instance)
				s.Same("test instance", j.TestInstance, "")
				s.Same("tags", tag.Map(i.Tags), map[string]string{
					tag.Managed: "true", tag.BootTest: steptest.RunName, tag.Source: s.Web, "Name": "goldsmith clone of web",
				})
				s.Same("token", aws.ToString(i.ClientToken), register.CloneToken(steptest.RunName, s.Web))
				s.Same("profile", strings.HasSuffix(aws.ToString(i.IamInstanceProfile.Arn), "/tested"), true)
				s.Same("sent", j.Clone.Sent.IsZero(), false)
			},
		},
		{
			Name: "no room",
			Given: func(s *steptest.Stage, _ *verify.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "RunInstances", Code: "InsufficientInstanceCapacity"})
			},
			Want: "DescribeImages Register RunInstances: NoCapacity",
			Says: []string{"no general image could be made of image ami-", "since no "},
		},
	})
}

func TestClean(t *testing.T) {
	const sent, looks = "ListCommandInvocations SendCommand: NotYet", "ListCommandInvocations: "
	later := func(*steptest.Stage) { time.Sleep(30 * time.Second) }
	ends := func(r ssm.Ran) func(*steptest.Stage, *verify.Input) {
		return func(s *steptest.Stage, _ *verify.Input) {
			s.Parameters.OnCommand(func(_, _ string) ssm.Ran { return r })
		}
	}
	steptest.Play(t, cloned(verify.Clean, ec2.Running), cases{
		{
			Name: "the plan's command and the script, once", Between: later, Want: sent + " | " + looks + "ok",
			Then: func(s *steptest.Stage, j job.Job) {
				got := s.Parameters.Invocations()
				s.Same("commands", len(got), 1)
				s.Same("on", got[0].Instance, j.Clone.Instance)
				for _, part := range []string{"\nrm -f /license\n", "export keep='logs'", "generalize.sh"} {
					s.Same(part, strings.Contains(got[0].Command, part), true)
				}
				s.Same("cleaned", j.Clone.Cleaned, time.Now().UTC())
			},
		},
		{
			Name: "it fails", Given: ends(ssm.Ran{Status: "Failed", Code: 1, Output: "not run by systemd"}), Between: later,
			Want: sent + " | " + looks + "Failed",
			Says: []string{"no general image could be made of image ami-", "on clone i-", "not run by systemd"},
		},
	})
}

func TestStop(t *testing.T) {
	steptest.Play(t, cloned(verify.Stop, ec2.Running), cases{
		{
			Name: "it is stopped, and asked for until it is", Between: func(*steptest.Stage) { time.Sleep(3 * time.Minute) },
			Want: "DescribeInstances StopInstances: NotYet | DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("clone", s.Cloud.State(j.Clone.Instance), ec2.Stopped)
				s.Same("source", s.Cloud.State(s.Web), ec2.Running)
			},
		},
		{
			Name:  "it hangs for an hour",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Job.Clone.Cleaned = time.Now().Add(-time.Hour) },
			Want:  "DescribeInstances: Failed", Says: []string{"is still running, 1h after it was to stop"},
		},
		{
			Name:  "somebody has terminated it",
			Given: func(s *steptest.Stage, in *verify.Input) { s.Set(in.Job.Clone.Instance, ec2.Terminated) },
			Want:  "DescribeInstances: Failed", Says: []string{"was terminated"},
		},
		{
			Name:  "another instance that the job names is not stopped",
			Given: func(s *steptest.Stage, in *verify.Input) { in.Job.Run.Name, in.Job.Clone.Instance = "another", s.Web },
			Want:  "DescribeInstances: NotYet",
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("source", s.Cloud.State(s.Web), ec2.Running) },
		},
	})
}

func TestGeneralImage(t *testing.T) {
	steptest.Play(t, cloned(verify.Image, ec2.Stopped), cases{
		{
			Name: "one, of the clone, registered as general; the source's own is told apart",
			Want: "Register DescribeInstances CreateImage Amend: ok | Register: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("own", j.Raw.General, false)
				s.Same("general", j.Image.General && j.Image.State == "pending", true)
				s.Same("name", j.Image.Name, j.Raw.Name+"/general")
				r, ok, err := s.Ledger.Kept.Registration(s.Context(), j.Image.ID)
				s.Must(err)
				s.Same("registered", ok && r.General, true)
				s.Same("of", []string{r.Lineage, r.Source, r.From}, []string{s.Web, s.Web, j.Clone.Instance})
				out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
				s.Must(err)
				s.Must(register.Image(r, out.Images[0]))
				s.Same("a backup of the same facts", register.Image(register.ImageOf(j), out.Images[0]) != nil, true)
			},
		},
		{
			Name: "the answer is lost on its way: the image is found by its name",
			Given: func(s *steptest.Stage, _ *verify.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateImage", Nth: []int{1}, Drop: true})
			},
			Want: "Register DescribeInstances CreateImage*2 DescribeImages Amend: ok",
		},
		{
			Name:  "the clone runs: it is not imaged",
			Given: func(s *steptest.Stage, in *verify.Input) { s.Set(in.Job.Clone.Instance, ec2.Running) },
			Want:  "Register DescribeInstances: Failed", Says: []string{"was started by other hands"},
		},
	})
}

// The clone is ended, before its image was made and after.
func TestEndClone(t *testing.T) {
	steptest.Play(t, cloned(verify.EndClone, ec2.Running), cases{
		{
			Name: "before", Want: "DescribeInstances TerminateInstances: ok | DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("clone", s.Cloud.State(j.Clone.Instance), ec2.ShuttingDown)
				s.Same("source", s.Cloud.State(s.Web), ec2.Running)
			},
		},
		{
			Name: "after",
			Given: func(_ *steptest.Stage, in *verify.Input) {
				own := in.Job.Image
				in.Job.Raw, in.Job.Image = &own, job.Image{ID: "ami-0123456789abcdef0", General: true}
			},
			Want: "DescribeInstances TerminateInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("clone", s.Cloud.State(j.Clone.Instance), ec2.ShuttingDown)
				s.Same("image", j.Image.ID, "ami-0123456789abcdef0")
			},
		},
		{
			Name:  "its launch was never answered",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Job.Clone = job.Clone{} },
			Want:  "DescribeInstances Register TerminateInstances: ok",
		},
	})
}
