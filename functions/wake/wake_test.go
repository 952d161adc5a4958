package wake_test

import (
	"encoding/json"
	"testing"
	"time"

	"goldsmith/functions/wake"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/wait"
	"goldsmith/test/steptest"
)

// scene is the event that an instance has stopped; an execution waits for just that.
func scene(s *steptest.Stage) (handler.Func[json.RawMessage, struct{}], json.RawMessage) {
	settle := wait.Settler{EC2: s.EC2, Groups: s.AutoScaling, Tokens: s.SFN, Ledger: s.Ledger, Now: time.Now}
	awaits(s, "waiting", s.Web, job.ForStopped)
	return wake.Step{Waits: s.Ledger, Settler: settle, Home: steptest.Home}.Handle, s.Sample("instance-stopped", s.Web)
}

// awaits is an execution that waits for a resource.
func awaits(s *steptest.Stage, execution, resource string, what job.For) {
	s.Helper()
	_, token := s.Execute(execution)
	j := s.Job()
	j.Run.Name, j.Image.ID = execution, "ami-0abcdef1234567890"
	j.Times.StopSent, j.Times.ImageSent, j.Times.StartSent = j.Times.Claimed, j.Times.Claimed, j.Times.Claimed
	j.Refreshes = []job.Refresh{{Group: "my-asg", ID: resource}}
	j.Await = &job.Await{Resource: resource, For: what, Until: time.Now().Add(time.Hour)}
	s.Must(s.Ledger.Kept.Await(s.Context(), ledger.Wait{
		Resource: resource, For: what, Run: execution, Token: token, Job: job.Document{Job: j}, Since: time.Now(),
	}))
}

type cases = []steptest.Case[json.RawMessage, struct{}]

// status is how the executions are.
func status(want string, executions ...string) func(*steptest.Stage, struct{}) {
	return func(s *steptest.Stage, _ struct{}) {
		s.Helper()
		for _, name := range executions {
			got, _ := s.Outcome("arn:aws:states:eu-central-1:123456789012:execution:goldsmith:" + name)
			s.Same(name, got, want)
		}
	}
}

func event(name string, ids ...string) func(*steptest.Stage, *json.RawMessage) {
	return func(s *steptest.Stage, in *json.RawMessage) { *in = s.Sample(name, ids...) }
}

func TestWake(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name:  "stopped: the step that waits for it goes on",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Set(s.Web, ec2.Stopped) },
			Want:  "Waits DescribeInstances Done SendTaskSuccess: ok",
			Then:  status("SUCCEEDED", "waiting"),
		},
		{
			Name:  "delivered twice: the second finds nobody waiting",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Set(s.Web, ec2.Stopped) },
			Want:  "Waits DescribeInstances Done SendTaskSuccess: ok | Waits: ok",
			Then:  status("SUCCEEDED", "waiting"),
		},
		{
			Name: "an event is a hint: what EC2 says decides",
			Want: "Waits DescribeInstances: ok",
			Then: status("RUNNING", "waiting"),
		},
		{
			Name: "any state of it is a reason to look: it was terminated",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				s.Set(s.Web, ec2.Terminated)
				event("instance-terminated", s.Web)(s, in)
			},
			Want: "Waits DescribeInstances Done SendTaskFailure: ok",
			Then: status("FAILED", "waiting"),
		},
		{
			Name:  "an instance nobody waits for costs one look into the ledger",
			Given: event("instance-running"),
			Want:  "Waits: ok",
			Then:  status("RUNNING", "waiting"),
		},
		{
			Name:  "an image nobody waits for costs one look into the ledger",
			Given: event("image-available"),
			Want:  "Waits: ok",
		},
		{
			Name: "an instance's state does not end a wait for its snapshots",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Set(s.Web, ec2.Stopped)
				awaits(s, "imaging", s.Web, job.ForSnapshots)
			},
			Want: "Waits DescribeInstances Done SendTaskSuccess: ok",
			Then: func(s *steptest.Stage, none struct{}) {
				status("SUCCEEDED", "waiting")(s, none)
				status("RUNNING", "imaging")(s, none)
			},
		},
		{
			Name: "a snapshot of the run ends a wait for snapshots and no other",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				s.Set(s.Web, ec2.Stopped)
				awaits(s, "imaging", s.Web, job.ForSnapshots)
				*in = s.Sample("snapshot-tagged", s.Web)
			},
			Want: "Waits DescribeSnapshots: ok",
			Then: status("RUNNING", "imaging", "waiting"),
		},
		{
			Name: "an image's state ends the wait for it: it failed before EC2 showed it",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				awaits(s, "imaging", "ami-0abcdef1234567890", job.ForImage)
				*in = s.Sample("image-deregistered")
				time.Sleep(time.Hour)
			},
			Want: "Waits DescribeImages Done SendTaskFailure: ok",
			Then: status("FAILED", "imaging"),
		},
		{
			Name: "a refresh that ended wakes who waits for it; what Auto Scaling says decides",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				awaits(s, "refreshing", "c613620e-07e2-4ed2-a9e2-ef8258911ade", job.ForRefresh)
				*in = s.Sample("refresh-failed")
			},
			Want: "Waits DescribeInstanceRefreshes Done SendTaskSuccess: ok",
			Then: status("SUCCEEDED", "refreshing"),
		},
		{
			Name: "a refresh that has only begun wakes nobody", Given: event("refresh-started"), Want: ": ok",
		},
		{
			Name: "two runs wait for one instance: both go on",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Set(s.Web, ec2.Stopped)
				awaits(s, "second", s.Web, job.ForStopped)
			},
			Want: "Waits DescribeInstances Done SendTaskSuccess DescribeInstances Done SendTaskSuccess: ok",
			Then: status("SUCCEEDED", "waiting", "second"),
		},
		{
			Name: "one of two cannot be told: the other is, and the one's heartbeat looks again",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Set(s.Web, ec2.Stopped)
				awaits(s, "second", s.Web, job.ForStopped)
				s.Refuse("SendTaskSuccess", "ThrottlingException", steptest.Attempts)
			},
			Want: "Waits DescribeInstances Done SendTaskSuccess*6 DescribeInstances Done SendTaskSuccess: Transient | Waits: ok",
			Then: func(s *steptest.Stage, out struct{}) {
				status("SUCCEEDED", "waiting")(s, out)
				status("RUNNING", "second")(s, out)
			},
		},
		{
			Name: "the step ended meanwhile: its token is forgotten",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Set(s.Web, ec2.Stopped)
				s.Abort("arn:aws:states:eu-central-1:123456789012:execution:goldsmith:waiting")
			},
			Want: "Waits DescribeInstances Done SendTaskSuccess: ok | Waits: ok",
			Then: status("ABORTED", "waiting"),
		},
		{
			Name:  "the ledger is busy: the event is tried again",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Set(s.Web, ec2.Stopped); s.Ledger.Break("Waits", 1) },
			Want:  "Waits: Transient | Waits DescribeInstances Done SendTaskSuccess: ok",
		},
		{
			Name: "EC2 is busy: the event is tried again, the wait stays",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Set(s.Web, ec2.Stopped)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Nth: []int{1, 2, 3, 4, 5, 6}, Code: "RequestLimitExceeded"})
			},
			Want: "Waits DescribeInstances*6: Transient | Waits DescribeInstances Done SendTaskSuccess: ok",
		},
		{Name: "a tag somebody put on an instance wakes nobody", Given: event("tag-request-now"), Want: ": ok"},
		{Name: "a snapshot that lost its tag wakes nobody", Given: event("snapshot-untagged"), Want: ": ok"},
		{Name: "a run that ended wakes nobody", Given: event("execution-failed"), Want: ": ok"},
		{
			Name: "an event that is none",
			Given: func(_ *steptest.Stage, in *json.RawMessage) {
				*in = json.RawMessage(`{"source":"aws.ec2","detail-type":"EC2 AMI State Change","account":"123456789012","region":"eu-central-1","detail":{}}`)
			},
			Want: ": Failed",
			Says: []string{`event "EC2 AMI State Change": detail.ImageId: missing`},
		},
	})
}
