package verify_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/verify"
	"goldsmith/local/ec2"
	"goldsmith/local/ssm"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

type cases = []steptest.Case[verify.Input, job.Job]

// image is a job whose image is available.
func image(s *steptest.Stage, do verify.Do) (handler.Func[verify.Input, job.Job], verify.Input) {
	s.Helper()
	s.Cloud.AddInstanceProfile("tested")
	s.Plan.Verify = plan.Verify{Boot: true, Subnet: ec2.DefaultSubnet(steptest.Region, steptest.Account),
		Patience: plan.Duration(20 * time.Minute)}
	j := s.Job()
	out, err := s.EC2.CreateImage(s.Context(),
		&sdk.CreateImageInput{InstanceId: aws.String(s.Web), Name: aws.String(j.Image.Name), NoReboot: aws.Bool(true)})
	s.Must(err)
	j.Image.ID, j.Image.State, j.Back = aws.ToString(out.ImageId), "available", true
	time.Sleep(2 * time.Hour)
	return verify.Step{EC2: s.EC2, SSM: s.SSM, Ledger: s.Ledger, Now: time.Now}.Handle, verify.Input{Job: j, Do: do}
}

// launching is the launch of a test instance that is due.
func launching(s *steptest.Stage) (handler.Func[verify.Input, job.Job], verify.Input) {
	return image(s, verify.Launch)
}

// testInstances are the test instances there are.
func testInstances(s *steptest.Stage) []types.Instance {
	s.Helper()
	out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("tag-key"), Values: []string{tag.BootTest}}},
	})
	s.Must(err)
	var all []types.Instance
	for _, r := range out.Reservations {
		all = append(all, r.Instances...)
	}
	return all
}

const (
	launched = "DescribeImages Register RunInstances Amend: ok"
	again    = "DescribeImages Register RunInstances: ok"
)

func TestLaunch(t *testing.T) {
	steptest.Play(t, launching, cases{
		{
			Name: "as the plan says, tagged as a test's, and enrolled in nothing",
			Given: func(s *steptest.Stage, in *verify.Input) {
				s.Cloud.AddSecurityGroup("sg-0123456789abcdef0", "tested")
				v := &in.Job.Plan.Verify
				v.InstanceType, v.Profile, v.SecurityGroups = "m5.large", "tested", []string{"sg-0123456789abcdef0"}
			},
			Want: launched,
			Then: func(s *steptest.Stage, j job.Job) {
				i := testInstances(s)[0]
				s.Same("id", aws.ToString(i.InstanceId), j.TestInstance)
				s.Same("tags", tag.Map(i.Tags), map[string]string{
					tag.Managed: "true", tag.BootTest: steptest.RunName, tag.Source: s.Web, "Name": "goldsmith test of web",
				})
				s.Same("image", aws.ToString(i.ImageId), j.Image.ID)
				s.Same("type", string(i.InstanceType), "m5.large")
				s.Same("subnet", aws.ToString(i.SubnetId), j.Plan.Verify.Subnet)
				s.Same("group", aws.ToString(i.SecurityGroups[0].GroupId), "sg-0123456789abcdef0")
				s.Same("profile", strings.HasSuffix(aws.ToString(i.IamInstanceProfile.Arn), "/tested"), true)
				s.Same("metadata", i.MetadataOptions.HttpTokens, types.HttpTokensStateRequired)
				s.Same("sent", j.Times.TestSent, time.Now().UTC())
				form := s.Sent("RunInstances")[len(s.Sent("RunInstances"))-1]
				s.Same("a shutdown from inside", form.Get("InstanceInitiatedShutdownBehavior"), "terminate")
				s.Same("no address of its own", form.Has("NetworkInterface.1.AssociatePublicIpAddress"), false)
			},
		},
		{
			Name: "of the source's own type unless the plan says otherwise; every volume goes with it",
			Want: launched,
			Then: func(s *steptest.Stage, j job.Job) {
				i := testInstances(s)[0]
				s.Same("type", string(i.InstanceType), j.Source.InstanceType)
				s.Same("volumes", len(i.BlockDeviceMappings), len(j.Source.Volumes))
				for _, m := range i.BlockDeviceMappings {
					s.Same("deleted with it", aws.ToBool(m.Ebs.DeleteOnTermination), true)
					s.Same("volume's tag", s.Cloud.Tags(aws.ToString(m.Ebs.VolumeId))[tag.BootTest], steptest.RunName)
				}
			},
		},
		{
			Name: "once, however often the step runs", Want: launched + " | " + again + " | " + again,
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then:    func(s *steptest.Stage, _ job.Job) { s.Same("test instances", len(testInstances(s)), 1) },
		},
		{
			Name: "the answer is lost on its way",
			Given: func(s *steptest.Stage, _ *verify.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "RunInstances", Nth: []int{1}, Drop: true})
			},
			Want: "DescribeImages Register RunInstances*2 Amend: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("test instances", len(testInstances(s)), 1) },
		},
		{
			Name:  "a source called something that no tag may hold",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Job.Source.Name = strings.Repeat("ä", 256) },
			Want:  launched,
			Then: func(s *steptest.Stage, _ job.Job) {
				s.Same("name", len([]rune(tag.Map(testInstances(s)[0].Tags)["Name"])), 256)
			},
		},
	})
}

// EC2's refusals: an image that could not be tested is told as that.
func TestLaunchRefused(t *testing.T) {
	refused := func(code string) func(*steptest.Stage, *verify.Input) {
		return func(s *steptest.Stage, _ *verify.Input) {
			s.Cloud.Inject(ec2.Fault{Action: "RunInstances", Code: code})
		}
	}
	const once = "DescribeImages Register RunInstances: "
	steptest.Play(t, launching, cases{
		{
			Name: "no room", Given: refused("InsufficientInstanceCapacity"), Want: once + "NoCapacity",
			Says: []string{"image ami-", "of web (i-", "could not be tested", "t3.micro", "InsufficientInstanceCapacity"},
		},
		{Name: "busy", Given: refused("RequestLimitExceeded"), Want: "DescribeImages Register RunInstances*6: Transient"},
		{Name: "the image is pending again", Given: refused("InvalidAMIID.Unavailable"), Want: once + "NotYet"},
		{
			Name:  "no such subnet",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Job.Plan.Verify.Subnet = "subnet-00000000" },
			Want:  once + "Failed", Says: []string{"could not be tested", "subnet-00000000", "InvalidSubnetID.NotFound",
				"Look at verify in the plan"},
		},
		{Name: "not allowed", Given: refused("UnauthorizedOperation"), Want: once + "Failed",
			Says: []string{"could not be tested"}},
		{
			Name: "too many instances", Given: refused("VcpuLimitExceeded"), Want: once + "NoCapacity",
			Says: []string{"could not be tested", "VcpuLimitExceeded"},
		},
		{
			Name:  "EC2 does not show the image",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Job.Image.ID = "ami-00000000000000bad" },
			Want:  "DescribeImages: NotYet", Says: []string{"could not be tested: EC2 does not show the image"},
		},
		{
			Name:  "a word nobody knows",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Do = "admire" },
			Want:  ": Failed",
		},
	})
}

// booted is a test instance that has booted, and a command to try.
func booted(s *steptest.Stage) (handler.Func[verify.Input, job.Job], verify.Input) {
	step, in := launching(s)
	in.Job.Plan.Verify.Command, in.Job.Plan.Verify.Profile = "systemctl is-active web", "tested"
	j, err := step(s.Context(), in)
	s.Must(err)
	time.Sleep(5 * time.Minute)
	j.Times.Booted = time.Now()
	return step, verify.Input{Job: j, Do: verify.Try}
}

func TestTry(t *testing.T) {
	const (
		sent  = "ListCommandInvocations SendCommand: NotYet"
		looks = "ListCommandInvocations: "
	)
	later := func(*steptest.Stage) { time.Sleep(15 * time.Second) }
	ends := func(ran ssm.Ran) func(s *steptest.Stage, _ *verify.Input) {
		return func(s *steptest.Stage, _ *verify.Input) {
			s.Parameters.OnCommand(func(_, _ string) ssm.Ran { return ran })
		}
	}
	steptest.Play(t, booted, cases{
		{
			Name:  "without a command, having booted is enough",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Job.Plan.Verify.Command = "" },
			Want:  ": ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("tested", j.Tested, true) },
		},
		{
			Name: "sent once, and passed once it has succeeded", Want: sent + " | " + looks + "ok", Between: later,
			Then: func(s *steptest.Stage, j job.Job) { s.Same("tested", j.Tested, true) },
		},
		{
			Name: "still running", Given: ends(ssm.Ran{Took: time.Minute}), Between: later,
			Want: sent + " | " + looks + "NotYet | " + looks + "NotYet", Says: []string{"its command is InProgress"},
		},
		{
			Name: "it fails", Given: ends(ssm.Ran{Status: "Failed", Code: 3, Output: "web is inactive\n"}), Between: later,
			Want: sent + " | " + looks + "Failed",
			Says: []string{"of web (i-", "booted, but did not pass its test", "ended as Failed with code 3", "web is inactive"},
		},
		{
			Name:    "it says a lot: the end of that is told",
			Given:   ends(ssm.Ran{Status: "Failed", Code: 1, Output: strings.Repeat("x", 2000) + "the end"}),
			Between: later, Want: sent + " | " + looks + "Failed", Says: []string{"... xxx", "xthe end"},
		},
		{
			Name: "it hangs: ended after the plan's patience", Given: ends(ssm.Ran{Took: time.Hour}),
			Between: func(*steptest.Stage) { time.Sleep(21 * time.Minute) },
			Want:    sent + " | " + looks + "Failed", Says: []string{"TimedOut"},
		},
		{
			Name:    "the answer of SendCommand is lost: not sent twice",
			Given:   func(s *steptest.Stage, _ *verify.Input) { s.LoseAnswers("SendCommand", 1) },
			Between: later,
			Want:    "ListCommandInvocations SendCommand: Transient | " + looks + "ok",
		},
		{
			Name:  "Systems Manager refuses",
			Given: func(s *steptest.Stage, _ *verify.Input) { s.Refuse("SendCommand", "AccessDeniedException", 1) },
			Want:  "ListCommandInvocations SendCommand: Failed", Says: []string{"could not be tested", "AccessDeniedException"},
		},
	})
}

// An agent registers some time after the boot, or never.
func TestTryUnregistered(t *testing.T) {
	alone := func(s *steptest.Stage) (handler.Func[verify.Input, job.Job], verify.Input) {
		step, in := booted(s)
		s.Refuse("SendCommand", "InvalidInstanceId", 9999)
		return step, in
	}
	const asked = "ListCommandInvocations SendCommand: "
	steptest.Play(t, alone, cases{
		{
			Name: "within the plan's patience", Want: asked + "NotYet | " + asked + "NotYet",
			Between: func(*steptest.Stage) { time.Sleep(10 * time.Minute) }, Says: []string{"agent has not registered"},
		},
		{
			Name: "beyond it", Want: asked + "NotYet | " + asked + "Failed",
			Between: func(*steptest.Stage) { time.Sleep(21 * time.Minute) },
			Says:    []string{"did not end within 20m", "agent has not registered", "Raise verify.patience"},
		},
	})
}

func TestEnd(t *testing.T) {
	scene := func(s *steptest.Stage) (handler.Func[verify.Input, job.Job], verify.Input) {
		step, in := launching(s)
		j, err := step(s.Context(), in)
		s.Must(err)
		time.Sleep(time.Minute)
		return step, verify.Input{Job: j, Do: verify.End}
	}
	gone := func(s *steptest.Stage, _ job.Job) {
		time.Sleep(5 * time.Minute)
		for _, i := range testInstances(s) {
			s.Same("state", i.State.Name, types.InstanceStateNameTerminated)
		}
		s.Same("the source", s.Cloud.State(s.Web), ec2.Running)
	}
	steptest.Play(t, scene, cases{
		{
			Name: "terminated, once or twice", Want: "DescribeInstances TerminateInstances: ok | DescribeInstances: ok",
			Then: gone,
		},
		{
			Name:  "its launch was never answered: found by its client token",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Job.TestInstance = "" },
			Want:  "DescribeInstances Register TerminateInstances: ok", Then: gone,
		},
		{
			Name: "somebody else's instance with a test's tags is not terminated",
			Given: func(s *steptest.Stage, in *verify.Input) {
				_, err := s.EC2.TerminateInstances(s.Context(),
					&sdk.TerminateInstancesInput{InstanceIds: []string{in.Job.TestInstance}})
				s.Must(err)
				in.Job.TestInstance = ""
				s.Launch("production", map[string]string{tag.Managed: "true", tag.BootTest: steptest.RunName, tag.Source: s.Web})
			},
			Want: "DescribeInstances: ok",
			Then: func(s *steptest.Stage, _ job.Job) {
				time.Sleep(5 * time.Minute)
				for _, i := range testInstances(s) {
					if tag.Map(i.Tags)["Name"] == "production" {
						s.Same("state", i.State.Name, types.InstanceStateNameRunning)
					}
				}
			},
		},
		{
			Name:  "nothing was launched",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Job.TestInstance, in.Job.Run.Name = "", "another" },
			Want:  "DescribeInstances: ok",
		},
		{
			Name:  "EC2 does not know it any more",
			Given: func(_ *steptest.Stage, in *verify.Input) { in.Job.TestInstance = "i-00000000000000bad" },
			Want:  "DescribeInstances: ok",
		},
		{
			Name: "not allowed",
			Given: func(s *steptest.Stage, _ *verify.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "TerminateInstances", Code: "UnauthorizedOperation"})
			},
			Want: "DescribeInstances TerminateInstances: Failed", Says: []string{"terminating test instance i-"},
		},
	})
}

// test is the registration of the test instance, as it is if its launch was answered or not.
func test(s *steptest.Stage, answered bool) (r ledger.Registration) {
	s.Helper()
	for open, err := range s.Ledger.Kept.Unsettled(s.Context()) {
		if s.Must(err); open.Kind == ledger.MadeTest {
			r = open
		}
	}
	if !answered {
		var err error
		r.ID = ""
		r, err = s.Ledger.Kept.Amend(s.Context(), r)
		s.Must(err)
	}
	return r
}

// Only the instance that EC2's facts show to be the job's test instance is terminated, whatever the job and tags say.
func TestEndsNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		// says is what the job says of its test instance: its own, another's, or nothing.
		says string
		// registered is whether the launch was answered.
		registered bool
		own        ec2.State
	}{
		"its own":                         {says: "own", registered: true, own: ec2.ShuttingDown},
		"another with a test's tags":      {says: "other", registered: true, own: ec2.Running},
		"not answered":                    {own: ec2.ShuttingDown},
		"not told, and answered":          {registered: true, own: ec2.ShuttingDown},
		"another, and its own unanswered": {says: "other", own: ec2.Running},
	} {
		for _, twins := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				_, in := launching(s)
				step := verify.Step{EC2: s.EC2, SSM: s.SSM, Ledger: s.Ledger, Now: time.Now}
				j, err := step.Handle(s.Context(), in)
				s.Must(err)
				id := j.TestInstance
				r := test(s, c.registered)
				time.Sleep(time.Minute)
				tags := map[string]string{tag.Managed: "true", tag.BootTest: steptest.RunName, tag.Source: s.Web}
				other := s.Launch("production", tags, func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(j.Image.ID) })
				time.Sleep(time.Minute)
				j.TestInstance = map[string]string{"own": id, "other": other}[c.says]
				if twins {
					step.EC2 = steptest.Twins{Client: s.EC2, Token: r.Token, Other: other}
				}
				_, err = step.Handle(s.Context(), verify.Input{Job: j, Do: verify.End})
				s.Must(err)
				s.Same(name, []ec2.State{s.Cloud.State(id), s.Cloud.State(other)}, []ec2.State{c.own, ec2.Running})
			})
		}
	}
}
