package watch_test

import (
	"encoding/json"
	"testing"
	"time"

	"goldsmith/functions/watch"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/wait"
	"goldsmith/test/steptest"
)

// scene is a step of an execution that waits for the instance to be stopped.
func scene(s *steptest.Stage) (handler.Func[watch.Input, *job.Document], watch.Input) {
	settle := wait.Settler{EC2: s.EC2, Groups: s.AutoScaling, Tokens: s.SFN, Ledger: s.Ledger, Now: time.Now}
	time.Sleep(2 * time.Minute) // it was started before its stop was sent
	j := s.Job()
	j.Times.StopSent = j.Times.Claimed.Add(-time.Minute) // a heartbeat ago
	_, token := s.Execute("waiting")
	return watch.Step{Waits: s.Ledger, Settler: settle}.Handle,
		watch.Input{Job: job.Document{Job: j}, For: job.ForStopped, Token: token,
			Within: 50}
}

type cases = []steptest.Case[watch.Input, *job.Document]

// ended says how the waiting step ended: with the job it handed on, or why not.
func ended(s *steptest.Stage) (j job.Job, why string) {
	s.Helper()
	switch status, text := s.Outcome("arn:aws:states:eu-central-1:123456789012:execution:goldsmith:waiting"); status {
	case "SUCCEEDED":
		s.Must(json.Unmarshal([]byte(text), &j))
		return j, ""
	case "FAILED":
		return j, (&job.Failure{Cause: text}).Problem()
	default:
		return j, status
	}
}

func waits(s *steptest.Stage, resource string) []ledger.Wait {
	s.Helper()
	found, err := s.Ledger.Kept.Waits(s.Context(), resource)
	s.Must(err)
	return found
}

func goesOn(s *steptest.Stage, _ *job.Document) {
	s.Helper()
	_, why := ended(s)
	s.Same("the step", why, "RUNNING")
}

func TestWatch(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name:  "the stop was sent this moment: nothing to see yet, the token is kept for the event",
			Given: func(_ *steptest.Stage, in *watch.Input) { in.Job.Times.StopSent = time.Now() },
			Want:  "Await: ok", Then: goesOn,
		},
		{
			Name: "still running: the token is kept for the event",
			Want: "Await DescribeInstances: ok",
			Then: func(s *steptest.Stage, none *job.Document) {
				goesOn(s, none)
				kept := waits(s, s.Web)
				s.Same("waits", len(kept), 1)
				w := kept[0]
				s.Same("wait", []any{w.For, w.Run, w.Job.Await.Until, w.Since},
					[]any{job.ForStopped, steptest.RunName, time.Now().UTC().Add(59 * time.Minute), time.Now().UTC()})
			},
		},
		{
			Name:  "stopped before anybody watched: the step goes on at once",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Set(s.Web, ec2.Stopped) },
			Want:  "Await DescribeInstances Done SendTaskSuccess: ok",
			Then: func(s *steptest.Stage, _ *job.Document) {
				j, why := ended(s)
				s.Same("handed on", []any{why, j.Times.Stopped, j.Await}, []any{"", time.Now().UTC(), (*job.Await)(nil)})
				s.Same("waits", len(waits(s, s.Web)), 0)
			},
		},
		{
			Name:  "the token is kept before anybody looks: without the ledger nobody does",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Set(s.Web, ec2.Stopped); s.Ledger.Break("Await", 1) },
			Want:  "Await: Transient | Await DescribeInstances Done SendTaskSuccess: ok",
		},
		{
			Name: "a missed heartbeat brings a new token: it replaces the old one",
			Given: func(s *steptest.Stage, in *watch.Input) {
				s.Must(s.Ledger.Kept.Await(s.Context(),
					ledger.Wait{Resource: s.Web, For: job.ForStopped, Run: steptest.RunName, Token: "old"}))
			},
			Want: "Await DescribeInstances: ok",
			Then: func(s *steptest.Stage, _ *job.Document) {
				kept := waits(s, s.Web)
				s.Same("one, the new", len(kept) == 1 && kept[0].Token != "old", true)
			},
		},
		{
			Name:  "the step ended meanwhile: its token is forgotten",
			Given: func(s *steptest.Stage, in *watch.Input) { s.Set(s.Web, ec2.Stopped) },
			Want:  "Await DescribeInstances Done SendTaskSuccess: ok | Await DescribeInstances Done SendTaskSuccess: ok",
			Then:  func(s *steptest.Stage, _ *job.Document) { s.Same("waits", len(waits(s, s.Web)), 0) },
		},
		{
			Name: "Step Functions is busy: the step is tried again, and waits anew",
			Given: func(s *steptest.Stage, _ *watch.Input) {
				s.Set(s.Web, ec2.Stopped)
				s.Refuse("SendTaskSuccess", "ThrottlingException", steptest.Attempts)
			},
			Want: "Await DescribeInstances Done SendTaskSuccess*6: Transient | Await DescribeInstances Done SendTaskSuccess: ok",
			Between: func(s *steptest.Stage) {
				s.Same("waits", len(waits(s, s.Web)), 0)
			},
		},
		{
			Name: "the answer of Step Functions is lost: the step has gone on",
			Given: func(s *steptest.Stage, _ *watch.Input) {
				s.Set(s.Web, ec2.Stopped)
				s.LoseAnswers("SendTaskSuccess", 1)
			},
			Want: "Await DescribeInstances Done SendTaskSuccess*2: ok",
			Then: func(s *steptest.Stage, _ *job.Document) {
				_, why := ended(s)
				s.Same("the step", why, "")
			},
		},
		{
			Name: "EC2 is busy: the token is kept, an event or the heartbeat looks again",
			Given: func(s *steptest.Stage, _ *watch.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "RequestLimitExceeded"})
			},
			Want: "Await DescribeInstances*6: Transient",
			Then: func(s *steptest.Stage, _ *job.Document) { s.Same("waits", len(waits(s, s.Web)), 1) },
		},
		{
			Name: "an hour in stopping: a person has to look",
			Given: func(s *steptest.Stage, _ *watch.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Stuck: true})
				s.Must(s.StopWeb())
				time.Sleep(time.Hour + time.Second)
			},
			Want: "Await DescribeInstances Done: Failed",
			Says: []string{"web (i-",
				"is still stopping 1h0m0s after it was to stop. Stop it by force: aws ec2 stop-instances --force"},
		},
		{
			Name:  "somebody terminated it",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Set(s.Web, ec2.Terminated) },
			Want:  "Await DescribeInstances Done: Failed",
			Says:  []string{"web (i-", "was terminated during the run"},
		},
		{
			Name:  "nobody knows what to wait for: nothing is kept",
			Given: func(_ *steptest.Stage, in *watch.Input) { in.For = "lunch" },
			Want:  ": Failed",
			Says:  []string{`nothing is known of waiting for "lunch"`},
		},
	})
}

// Running again, or as healthy as the plan asks.
func TestWatchRunning(t *testing.T) {
	starting := func(s *steptest.Stage) (handler.Func[watch.Input, *job.Document], watch.Input) {
		step, in := scene(s)
		s.Set(s.Web, ec2.Stopped)
		in.For, in.Job.Times.StartSent = job.ForRunning, time.Now().UTC()
		time.Sleep(2 * time.Second)
		return step, in
	}
	steptest.Play(t, starting, cases{
		{
			Name:  "the start was sent this moment: nothing to see yet, the token is kept for the event",
			Given: func(_ *steptest.Stage, in *watch.Input) { in.Job.Times.StartSent = time.Now() },
			Want:  "Await: ok", Then: goesOn,
		},
		{
			Name:  "pending",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Must(s.StartWeb()) },
			Want:  "Await DescribeInstances: ok", Then: goesOn,
		},
		{
			Name:  "running is what a describe says",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Set(s.Web, ec2.Running) },
			Want:  "Await DescribeInstances Free*2 Done SendTaskSuccess: ok",
			Then: func(s *steptest.Stage, _ *job.Document) {
				j, _ := ended(s)
				s.Same("back", []any{j.Back, j.Times.Running}, []any{true, time.Now().UTC()})
			},
		},
		{
			Name: "shown as stopped a moment after the start: not believed yet",
			Want: "Await DescribeInstances: ok", Then: goesOn,
		},
		{
			Name: "EC2 gave up starting it: said with EC2's own reason",
			Given: func(s *steptest.Stage, _ *watch.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", StartReason: "Client.InternalError",
					Message: "Client error on launch: the volume's key is disabled"})
				s.Must(s.StartWeb())
				time.Sleep(5 * time.Minute)
			},
			Want: "Await DescribeInstances Done: Failed",
			Says: []string{"web (i-",
				"went back to stopped after it was started: EC2 says: Client error on launch: the volume's key is disabled. See " +
					"whether the KMS keys of its volumes can be used."},
		},
		{
			Name: "running, and the plan waits for both status checks",
			Given: func(s *steptest.Stage, in *watch.Input) {
				s.Must(s.StartWeb())
				time.Sleep(time.Minute)
				in.Job.Plan.Health = plan.Checked
			},
			Want: "Await DescribeInstances DescribeInstanceStatus: ok", Then: goesOn,
		},
		{
			Name: "both status checks have passed",
			Given: func(s *steptest.Stage, in *watch.Input) {
				s.Must(s.StartWeb())
				time.Sleep(10 * time.Minute)
				in.Job.Plan.Health = plan.Checked
			},
			Want: "Await DescribeInstances DescribeInstanceStatus Free*2 Done SendTaskSuccess: ok",
		},
	})
}
