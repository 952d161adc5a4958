package runtime

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"goldsmith/events"
	"goldsmith/functions/claim"
	copying "goldsmith/functions/copy"
	"goldsmith/functions/hook"
	"goldsmith/functions/release"
	"goldsmith/functions/snapshot"
	"goldsmith/functions/verify"
	"goldsmith/functions/watch"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

const root = "../.."

// settings are those of a whole deployment, as infra gives them to functions.
func settings(t *testing.T, endpoint string) []string {
	t.Helper()
	nightly := plan.Default()
	nightly.Name = "nightly"
	text, err := json.Marshal(plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": nightly}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "plans.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"GOLDSMITH_TABLE=ledger", "GOLDSMITH_ACCOUNT=123456789012",
		"GOLDSMITH_STATE_MACHINE=arn:aws:states:eu-central-1:123456789012:stateMachine:goldsmith",
		"GOLDSMITH_PLANS=" + file, "GOLDSMITH_SLACK_SECRET=goldsmith/slack", "GOLDSMITH_IMAGE_PATH=/goldsmith/images",
		"GOLDSMITH_VOLUME_KEYS=off", "GOLDSMITH_TOPIC=off", "GOLDSMITH_BUCKET=off", "GOLDSMITH_CHANNELS=slack",
		"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=test",
		"AWS_ENDPOINT_URL=" + endpoint,
	}
}

// invocation is one event, and what comes of it on an AWS that refuses everything.
type invocation struct {
	event []byte
	// code is AWS's error; "" is that of a missing permission.
	code string
	// calls is the one action that AWS is asked for; "" when it is not asked.
	calls string
	// fails is the error's type; says is in its message, or in what is returned.
	fails, says string
}

// function is what one of them needs, and some events it gets.
type function struct {
	// missing are its settings, in the order in which it names them.
	missing     string
	invocations []invocation
}

func functions(t *testing.T) map[string]function {
	t.Helper()
	const (
		table, machine, plans = "GOLDSMITH_TABLE", "GOLDSMITH_STATE_MACHINE", "GOLDSMITH_PLANS"
		secret, path          = "GOLDSMITH_SLACK_SECRET", "GOLDSMITH_IMAGE_PATH"
		account, keys         = "GOLDSMITH_ACCOUNT", "GOLDSMITH_VOLUME_KEYS"
		topic, channels       = "GOLDSMITH_TOPIC", "GOLDSMITH_CHANNELS"
		bucket                = "GOLDSMITH_BUCKET"
	)
	one, back, ofSnapshot := running(), running(), running()
	back.Back = true
	ofSnapshot.Source.Kind = job.Snapshot
	tested := running()
	tested.TestInstance, tested.Times.Booted = "i-0123456789abcdef0", time.Now()
	tested.Plan.Verify = plan.Verify{Boot: true, Command: "true", Profile: "tested", Patience: plan.MaxPatience}
	sharing := running()
	sharing.Plan.Share.Organization, sharing.Image.ID = "o-a1b2c3d4e5", "ami-0123456789abcdef0"
	copied := running()
	copied.Copies = []job.Copy{{Region: "us-east-1"}}
	unrolled := running()
	unrolled.Plan.Roll.Skip = true
	page := job.Batch{Run: one.Run, Plan: one.Plan, Execution: one.Execution, Sources: []job.Source{}}
	asking := page
	asking.Ask = []string{one.Source.ID}
	retiring := page
	retiring.Plan.Keep.Last = 3
	linked := page
	linked.Plan.Notify.Link = plan.Console
	return map[string]function{
		"trigger": {table + " " + account + " " + machine + " " + plans, []invocation{
			{sample(t, "schedule"), "", "StartExecution", "Failed", "starting run nightly-20260322T020000Z"},
			{sample(t, "schedule"), "ExecutionAlreadyExists", "StartExecution", "", `"repeated":true`},
			{sample(t, "tag-unrelated"), "", "", "", `"ignored":`},
		}},
		"select": {table + " " + keys, []invocation{{document(t, page), "", "UpdateItem", "Failed",
			"opening run nightly-1"}}},
		"claim": {table + " " + keys + " " + path, []invocation{
			{document(t, claim.Input{Job: one, Execution: one.Execution}), "", "PutItem", "Failed",
				"claiming i-0a1b2c3d4e5f60718"},
			{document(t, claim.Input{Job: ofSnapshot, Execution: one.Execution}), "", "PutItem", "Failed",
				"claiming i-0a1b2c3d4e5f60718"},
		}},
		"stop": {table, []invocation{{document(t, one), "", "PutItem", "Failed",
			"looking up the claim of i-0a1b2c3d4e5f60718"}}},
		"hook": {table + " " + plans, []invocation{{document(t, hook.Input{Job: one, Do: hook.Before}), "", "PutItem",
			"Failed", "looking up the claim of i-0a1b2c3d4e5f60718"}}},
		"image": {table + " " + path, []invocation{{document(t, one), "", "PutItem", "Failed",
			"registering the image of web (i-0a1b2c3d4e5f60718)"}}},
		"snapshot": {table, []invocation{{document(t, snapshot.Input{Do: snapshot.Copy, Job: ofSnapshot}), "",
			"DescribeSnapshots", "Failed", "looking at snapshot i-0a1b2c3d4e5f60718"}}},
		"watch": {table, []invocation{{document(t,
			watch.Input{Job: job.Document{Job: one}, For: job.ForStopped, Token: "token", Within: 50}), "", "PutItem", "Failed",
			"remembering what i-0a1b2c3d4e5f60718 waits for"}}},
		"wake": {table + " " + account, []invocation{
			{sample(t, "instance-stopped"), "", "Query", "Failed", "looking for who waits for i-0a1b2c3d4e5f60718"},
			{sample(t, "tag-unrelated"), "", "", "", "{}"},
		}},
		// Each type of error that the state machine tells apart, by the name it gets from the Runtime
		// API. The client would try most codes of a busy or full EC2 again, for seconds, were they
		// sent with the status 5xx that they have.
		"start": {table, []invocation{
			{document(t, one), "", "UpdateItem StartInstances PutItem", "Failed", "starting web (i-0a1b2c3d4e5f60718)"},
			{document(t, one), "ServerInternal", "UpdateItem StartInstances PutItem", "Transient", "starting web"},
			{document(t, one), "IncorrectInstanceState", "UpdateItem StartInstances DescribeInstances", "NotYet",
				"starting web"},
			{document(t, one), "InsufficientInstanceCapacity", "UpdateItem StartInstances PutItem", "NoCapacity",
				"starting web"},
			{document(t, back), "", "", "", `"back":true`},
			{document(t, page), "", "", "", `"sources":[]`},
			{document(t, asking), "", "Query", "Failed", "reading who is down"},
		}},
		"verify": {table, []invocation{
			{document(t, verify.Input{Job: one, Do: verify.Launch}), "", "DescribeImages", "Failed", "looking at image"},
			{document(t, verify.Input{Job: one, Do: verify.Try}), "", "", "", `"tested":true`},
			{document(t, verify.Input{Job: tested, Do: verify.Try}), "InvalidInstanceId", "ListCommandInvocations SendCommand",
				"NotYet", "agent has not registered"},
			{document(t, verify.Input{Job: tested, Do: verify.End}), "", "DescribeInstances", "Failed",
				"looking for the test instance of image"},
		}},
		"share": {table, []invocation{
			{document(t, one), "", "", "", `"sharing":false`},
			{document(t, sharing), "AccessDeniedException", "DescribeOrganization", "Failed",
				"Let functions claim and share call organizations:DescribeOrganization."},
		}},
		"copy": {table + " " + path, []invocation{
			{document(t, copying.Input{Job: copied, Do: copying.Begin}), "", "PutItem", "", `"copying":true`},
			{document(t, copying.Input{Job: one, Do: copying.Begin}), "", "", "", `"copying":false`},
		}},
		"roll": {table + " " + path, []invocation{
			{document(t, one), "", "DescribeImages", "Failed", "looking at image "},
			{document(t, unrolled), "", "", "", `"back":false`},
		}},
		"rollback": {table + " " + secret + " " + topic + " " + channels, []invocation{
			{sample(t, "rollback"), "", "Query", "Failed", "reading what web has rolled"},
			{sample(t, "tag-unrelated"), "", "", "", `"ignored":`},
		}},
		"release": {table + " " + plans,
			[]invocation{{document(t, release.Input{Job: one, Do: release.End}), "", "PutItem", "Failed",
				"recording the result of i-0a1b2c3d4e5f60718"}}},
		"refresh": {table, []invocation{{document(t, one), "", "DescribeAutoScalingGroups PutItem", "Failed",
			"recording the refreshes of i-0a1b2c3d4e5f60718"}}},
		"retire": {table + " " + path, []invocation{
			{document(t, retiring), "", "Query", "Failed", "reading the register"},
			{document(t, page), "", "", "", `"retire":{"cursor":"","more":false}`},
		}},
		"notify": {table + " " + account + " " + secret + " " + topic + " " + bucket,
			[]invocation{{document(t, page), "", "GetItem", "Failed", "reading run nightly-1"}}},
		"report": {table + " " + account + " " + bucket, []invocation{
			{document(t, linked), "", "GetItem", "Failed", "reading run nightly-1"},
			{document(t, page), "", "", "", `"sources":[]`},
		}},
		"recover": {table + " " + account + " " + machine + " " + plans + " " + secret + " " + topic + " " + path,
			[]invocation{
				{sample(t, "sweep"), "", "Query DescribeInstances ListExecutions GetItem", "Failed", "reading the claims"},
				{sample(t, "execution-foreign"), "", "", "", `"ignored":`},
			}},
	}
}

// running is a job that is to be stopped, imaged and started again.
func running() job.Job {
	nightly := plan.Default()
	nightly.Name = "nightly"
	return job.Job{
		Run: job.Run{Name: "nightly-1", Plan: "nightly", Scheduled: time.Now().UTC(),
			Closes: time.Now().Add(4 * time.Hour).UTC()},
		Plan:      nightly,
		Source:    job.Source{ID: "i-0a1b2c3d4e5f60718", Kind: job.Instance, Name: "web", WasRunning: true},
		Image:     job.Image{ID: "ami-0a1b2c3d4e5f60718", Name: "goldsmith/web/i-0a1b2c3d4e5f60718/nightly-1"},
		Execution: "arn:aws:states:eu-central-1:123456789012:execution:goldsmith/source:6e5b1a0e", Decision: job.StopFirst,
	}
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	text, err := events.Sample(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func document(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFunctions(t *testing.T) {
	all := functions(t)
	programs := build(t)
	for name := range all {
		if programs[name] == "" {
			t.Errorf("there is no function %s", name)
		}
	}
	for name, program := range programs {
		f, ok := all[name]
		if !ok {
			t.Errorf("function %s is not run here", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers(t, name, program, f)
			namesWhatIsMissing(t, name, program, f)
		})
	}
}

// build makes every function's program for this machine.
func build(t *testing.T) map[string]string {
	t.Helper()
	mains, err := filepath.Glob(filepath.Join(root, "functions", "*", "lambda"))
	if err != nil || len(mains) == 0 {
		t.Fatalf("no functions: %v", err)
	}
	folder, programs := t.TempDir(), map[string]string{}
	var links sync.WaitGroup
	// Linking one program keeps one core busy; two at a time keep a small machine usable.
	free := make(chan struct{}, 2)
	for _, main := range mains {
		name := filepath.Base(filepath.Dir(main))
		program := filepath.Join(folder, name)
		programs[name] = program
		links.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			command := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w",
				"-o", program, "./functions/"+name+"/lambda")
			command.Dir = root
			if said, err := command.CombinedOutput(); err != nil {
				t.Errorf("building %s: %v\n%s", name, err, said)
			}
		})
	}
	links.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return programs
}

// answers holds a function to what comes of each event, one after the other in
// one process: one that failed serves the next.
func answers(t *testing.T, name, program string, f function) {
	t.Helper()
	cloud := newRefusing(t)
	s := start(t, name, program, settings(t, cloud.url)...)
	for _, i := range f.invocations {
		cloud.answer(i.code)
		said := ""
		if i.fails == "" {
			said = s.returns(t, i.event)
		} else {
			got := s.fails(t, i.event)
			if got.Type != i.fails || !strings.Contains(got.Message, denied) {
				t.Errorf("%s fails with %q: %s; want %s and AWS's words", name, got.Type, got.Message, i.fails)
			}
			said = got.Message
		}
		if !strings.Contains(said, i.says) {
			t.Errorf("%s says %s, want %s", name, said, i.says)
		}
		if calls := strings.Join(cloud.called(), " "); calls != i.calls {
			t.Errorf("%s calls %q, want %q", name, calls, i.calls)
		}
	}
	s.end()
	logs(t, s, len(f.invocations))
}

// logs: every line is JSON, and each event's last one carries its request id.
func logs(t *testing.T, s *sandbox, n int) {
	t.Helper()
	requests := map[any]bool{}
	for line := range strings.Lines(s.logged()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("%s logs %q, which is no JSON", s.name, line)
		}
		if fields["function"] != s.name {
			t.Errorf("%s logs %q, which does not name it", s.name, line)
		}
		if fields["msg"] == "done" || fields["msg"] == "failed" {
			requests[fields["request"]] = true
		}
	}
	for i := range n {
		if !requests[s.id(i+1)] {
			t.Errorf("%s does not log what became of request %s: %s", s.name, s.id(i+1), s.logged())
		}
	}
}

// namesWhatIsMissing starts a function that was deployed without settings: it
// answers, rather than die, and one message says all.
func namesWhatIsMissing(t *testing.T, name, program string, f function) {
	t.Helper()
	want := "starting function " + name + ": settings: "
	for _, setting := range append(strings.Fields(f.missing), "AWS_REGION") {
		want += setting + " is not set; "
	}
	want = strings.TrimSuffix(want, "; ") + ".\nDeploy the suite again with the settings it names."
	s := start(t, name, program)
	for range 2 {
		if got := s.fails(t, f.invocations[0].event); got.Type != "Failed" || got.Message != want {
			t.Errorf("%s without settings fails with %s: %q, want %q", name, got.Type, got.Message, want)
		}
	}
}
