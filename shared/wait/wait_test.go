package wait_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/wait"
)

var begun = time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)

// cloud is EC2 at one moment. Its snapshots come in pages of one.
type cloud struct {
	instance  *types.Instance
	statuses  []types.InstanceStatus
	snapshots []types.Snapshot
	image     *types.Image
	err       error
	asked     []*ec2.DescribeSnapshotsInput
}

func (c *cloud) DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	if c.instance == nil {
		return nil, errors.Join(c.err, &smithy.GenericAPIError{Code: "InvalidInstanceID.NotFound"})
	}
	return &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: []types.Instance{*c.instance}}}}, c.err
}

func (c *cloud) DescribeInstanceStatus(context.Context, *ec2.DescribeInstanceStatusInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceStatusOutput, error) {
	return &ec2.DescribeInstanceStatusOutput{InstanceStatuses: c.statuses}, c.err
}

func (c *cloud) DescribeImages(context.Context, *ec2.DescribeImagesInput, ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error) {
	if c.image == nil {
		return &ec2.DescribeImagesOutput{}, c.err
	}
	return &ec2.DescribeImagesOutput{Images: []types.Image{*c.image}}, c.err
}

func (c *cloud) DescribeSnapshots(_ context.Context, in *ec2.DescribeSnapshotsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSnapshotsOutput, error) {
	c.asked = append(c.asked, in)
	n := len(aws.ToString(in.NextToken))
	out := &ec2.DescribeSnapshotsOutput{}
	if n < len(c.snapshots) {
		out.Snapshots = c.snapshots[n : n+1]
	}
	if n+1 < len(c.snapshots) {
		out.NextToken = aws.String(strings.Repeat("x", n+1))
	}
	return out, c.err
}

func instance(state types.InstanceStateName) *types.Instance {
	return &types.Instance{
		InstanceId: aws.String("i-1"), State: &types.InstanceState{Name: state},
		StateReason: &types.StateReason{Message: aws.String("Client.InvalidKMSKey.InvalidState: the key is disabled")},
	}
}

func status(instance, system types.SummaryStatus) []types.InstanceStatus {
	return []types.InstanceStatus{{
		InstanceStatus: &types.InstanceStatusSummary{Status: instance}, SystemStatus: &types.InstanceStatusSummary{Status: system},
	}}
}

func snapshot(id, volume string, state types.SnapshotState) types.Snapshot {
	return types.Snapshot{SnapshotId: aws.String(id), VolumeId: aws.String(volume), State: state, StateMessage: aws.String("no key")}
}

func image(state types.ImageState) *types.Image {
	return &types.Image{
		ImageId: aws.String("ami-1"), State: state, StateReason: &types.StateReason{Message: aws.String("Client.InternalError")},
		BlockDeviceMappings: []types.BlockDeviceMapping{{Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-a")}}},
	}
}

// book and tokens remember what was done to them.
type book struct {
	done []string
	err  error
}

func (b *book) Done(_ context.Context, w ledger.Wait) error {
	b.done = append(b.done, w.Token)
	return b.err
}

type tokens struct {
	success []*sfn.SendTaskSuccessInput
	failure []*sfn.SendTaskFailureInput
	err     error
}

func (t *tokens) SendTaskSuccess(_ context.Context, in *sfn.SendTaskSuccessInput, _ ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error) {
	t.success = append(t.success, in)
	return &sfn.SendTaskSuccessOutput{}, t.err
}

func (t *tokens) SendTaskFailure(_ context.Context, in *sfn.SendTaskFailureInput, _ ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error) {
	t.failure = append(t.failure, in)
	return &sfn.SendTaskFailureOutput{}, t.err
}

// work is a job in the middle of its way: every call was sent when the test begins.
func work() job.Job {
	return job.Job{
		Run:      job.Run{Name: "nightly-1", Plan: "nightly"},
		Plan:     plan.Plan{Health: plan.Running},
		Source:   job.Source{ID: "i-1", Name: "web", Volumes: []string{"vol-a", "vol-b"}},
		Decision: job.StopFirst,
		Image:    job.Image{ID: "ami-1", State: "pending"},
		Times:    job.Times{StopSent: begun, ImageSent: begun, StartSent: begun},
	}
}

// outcome is what one look led to.
type outcome struct {
	cloud   *cloud
	tokens  *tokens
	book    *book
	waiting ledger.Wait
	err     error
}

// settle looks once, after the call for what is awaited was sent.
func settle(t *testing.T, j job.Job, what job.For, after time.Duration, c *cloud, tokens *tokens) outcome {
	t.Helper()
	await, err := wait.For(j, what)
	if err != nil {
		t.Fatal(err)
	}
	j.Await = await
	b := &book{}
	w := ledger.Wait{Resource: await.Resource, For: what, Run: j.Run.Name, Token: "token", Job: j, Since: begun}
	s := wait.Settler{EC2: c, Tokens: tokens, Ledger: b, Now: func() time.Time { return begun.Add(after) }}
	return outcome{c, tokens, b, w, s.Settle(t.Context(), w)}
}

// reached is the job that the step gets; the test fails when it got none.
func (o outcome) reached(t *testing.T) job.Job {
	t.Helper()
	if o.err != nil || len(o.tokens.success) != 1 || len(o.tokens.failure) != 0 || len(o.book.done) != 1 {
		t.Fatalf("not reached: %v, %d successes, %d failures, done %q", o.err, len(o.tokens.success), len(o.tokens.failure), o.book.done)
	}
	var j job.Job
	if err := json.Unmarshal([]byte(*o.tokens.success[0].Output), &j); err != nil {
		t.Fatal(err)
	}
	if *o.tokens.success[0].TaskToken != "token" || j.Await != nil {
		t.Errorf("token %s ends with a job that awaits %v", *o.tokens.success[0].TaskToken, j.Await)
	}
	return j
}

func (o outcome) pending(t *testing.T) {
	t.Helper()
	if o.err != nil || len(o.tokens.success)+len(o.tokens.failure) != 0 || len(o.book.done) != 0 {
		t.Errorf("not pending: %v, %d successes, %d failures, done %q", o.err, len(o.tokens.success), len(o.tokens.failure), o.book.done)
	}
}

// failed is how a step that failed looks to a Catch.
func (o outcome) failed(t *testing.T, says ...string) {
	t.Helper()
	if o.err != nil || len(o.tokens.success) != 0 || len(o.tokens.failure) != 1 || len(o.book.done) != 1 {
		t.Fatalf("not failed: %v, %d successes, %d failures, done %q", o.err, len(o.tokens.success), len(o.tokens.failure), o.book.done)
	}
	in := o.tokens.failure[0]
	if want := reflect.TypeFor[fault.Failed]().Name(); *in.Error != want || *in.TaskToken != "token" {
		t.Errorf("token %s ends with error %s, a Lambda's would be called %s", *in.TaskToken, *in.Error, want)
	}
	problem := (&job.Failure{Error: *in.Error, Cause: *in.Cause}).Problem()
	for _, word := range says {
		if !strings.Contains(problem, word) {
			t.Errorf("%q does not say %q", problem, word)
		}
	}
}

func TestFor(t *testing.T) {
	j := work()
	j.Times = job.Times{StopSent: begun.Add(time.Minute), ImageSent: begun.Add(2 * time.Minute), StartSent: begun.Add(3 * time.Minute)}
	for what, want := range map[job.For]job.Await{
		job.ForStopped:   {Resource: "i-1", Until: begun.Add(time.Minute + time.Hour)},
		job.ForSnapshots: {Resource: "i-1", Until: begun.Add(2*time.Minute + 30*time.Minute)},
		job.ForRunning:   {Resource: "i-1", Until: begun.Add(3*time.Minute + time.Hour)},
		job.ForImage:     {Resource: "ami-1", Until: begun.Add(2*time.Minute + 30*time.Hour)},
	} {
		want.For = what
		got, err := wait.For(j, what)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := wait.For(j, "rebooted"); err == nil {
		t.Error("it knows how to wait for a reboot")
	}
}

func TestStopped(t *testing.T) {
	now := begun.Add(time.Minute)
	if j := settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance("stopped")}, &tokens{}).reached(t); !j.Times.Stopped.Equal(now) || j.Back {
		t.Errorf("stopped at %s, back %v", j.Times.Stopped, j.Back)
	}
	for _, state := range []types.InstanceStateName{"running", "stopping", "pending"} {
		settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance(state)}, &tokens{}).pending(t)
	}
	for _, state := range []types.InstanceStateName{"shutting-down", "terminated"} {
		settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance(state)}, &tokens{}).failed(t, "web (i-1)", "terminated")
	}
	settle(t, work(), job.ForStopped, time.Minute, &cloud{}, &tokens{}).failed(t, "web (i-1)", "terminated")
	settle(t, work(), job.ForStopped, time.Hour, &cloud{instance: instance("stopping")}, &tokens{}).pending(t)
	settle(t, work(), job.ForStopped, time.Hour+time.Second, &cloud{instance: instance("stopping")}, &tokens{}).failed(t, "web (i-1)", "not stopped")
	// What is reached at the last moment is reached.
	settle(t, work(), job.ForStopped, 2*time.Hour, &cloud{instance: instance("stopped")}, &tokens{}).reached(t)
}

func TestRunning(t *testing.T) {
	now := begun.Add(time.Minute)
	if j := settle(t, work(), job.ForRunning, time.Minute, &cloud{instance: instance("running")}, &tokens{}).reached(t); !j.Times.Running.Equal(now) || !j.Back {
		t.Errorf("running at %s, back %v", j.Times.Running, j.Back)
	}
	settle(t, work(), job.ForRunning, time.Minute, &cloud{instance: instance("pending")}, &tokens{}).pending(t)
	settle(t, work(), job.ForRunning, time.Minute, &cloud{instance: instance("terminated")}, &tokens{}).failed(t, "terminated")
	// A describe may show the state before the start for a while; later it went back.
	settle(t, work(), job.ForRunning, 45*time.Second, &cloud{instance: instance("stopped")}, &tokens{}).pending(t)
	settle(t, work(), job.ForRunning, 46*time.Second, &cloud{instance: instance("stopped")}, &tokens{}).failed(t, "went back to stopped", "the key is disabled")
	settle(t, work(), job.ForRunning, time.Hour+time.Second, &cloud{instance: instance("pending")}, &tokens{}).failed(t, "not running")
}

func TestRunningAndHealthy(t *testing.T) {
	j := work()
	j.Plan.Health = plan.Checked
	for name, c := range map[string]struct {
		statuses []types.InstanceStatus
		healthy  bool
	}{
		"both passed":         {status("ok", "ok"), true},
		"instance not yet":    {status("initializing", "ok"), false},
		"system impaired":     {status("ok", "impaired"), false},
		"no status":           {nil, false},
		"a status of nothing": {[]types.InstanceStatus{{}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := settle(t, j, job.ForRunning, time.Minute, &cloud{instance: instance("running"), statuses: c.statuses}, &tokens{})
			if c.healthy {
				got.reached(t)
			} else {
				got.pending(t)
			}
		})
	}
	settle(t, j, job.ForRunning, 2*time.Hour, &cloud{instance: instance("running"), statuses: status("impaired", "ok")}, &tokens{}).failed(t, "not running")
}

func TestSnapshots(t *testing.T) {
	both := []types.Snapshot{snapshot("snap-b", "vol-b", "pending"), snapshot("snap-a", "vol-a", "completed")}
	got := settle(t, work(), job.ForSnapshots, time.Minute, &cloud{snapshots: both, image: image("pending")}, &tokens{})
	j := got.reached(t)
	if !j.Times.Snapshotted.Equal(begun.Add(time.Minute)) || !cmp.Equal(j.Image.Snapshots, []string{"snap-a", "snap-b"}) || j.Image.State != "pending" {
		t.Errorf("%+v at %s", j.Image, j.Times.Snapshotted)
	}
	filters := got.cloud.asked[0].Filters
	if len(filters) != 2 || *filters[0].Name != "tag:goldsmith:run" || filters[0].Values[0] != "nightly-1" ||
		*filters[1].Name != "tag:goldsmith:source" || filters[1].Values[0] != "i-1" {
		t.Errorf("asked for %+v", filters)
	}
	settle(t, work(), job.ForSnapshots, time.Second, &cloud{}, &tokens{}).pending(t)
	settle(t, work(), job.ForSnapshots, time.Second, &cloud{snapshots: both[:1]}, &tokens{}).pending(t)
	broken := []types.Snapshot{both[0], snapshot("snap-a", "vol-a", "error")}
	settle(t, work(), job.ForSnapshots, time.Second, &cloud{snapshots: broken}, &tokens{}).failed(t, "snap-a", "vol-a", "no key")
}

// A snapshot that never comes is the image's matter, once it should be there.
func TestSnapshotsThatNeverCome(t *testing.T) {
	one := []types.Snapshot{snapshot("snap-a", "vol-a", "completed")}
	at := func(after time.Duration, i *types.Image) outcome {
		return settle(t, work(), job.ForSnapshots, after, &cloud{snapshots: one, image: i}, &tokens{})
	}
	at(45*time.Second, image("available")).pending(t)
	at(time.Minute, image("pending")).pending(t)
	at(time.Minute, nil).pending(t)
	j := at(time.Minute, image("available")).reached(t)
	if j.Times.Snapshotted.IsZero() || j.Times.Available.IsZero() || j.Image.State != "available" || !cmp.Equal(j.Image.Snapshots, []string{"snap-a"}) {
		t.Errorf("%+v, %+v", j.Image, j.Times)
	}
	at(time.Minute, image("failed")).failed(t, "ami-1", "failed", "Client.InternalError")
	at(30*time.Minute, image("pending")).pending(t)
	late := at(30*time.Minute+time.Second, image("pending"))
	late.failed(t, "web (i-1)", "i-1 is not snapshotted")
	if late.waiting.Job.Await.For != job.ForSnapshots {
		t.Errorf("the wait is now for %s", late.waiting.Job.Await.For)
	}
}

func TestImage(t *testing.T) {
	j := settle(t, work(), job.ForImage, 23*time.Hour, &cloud{image: image("available")}, &tokens{}).reached(t)
	if j.Image.State != "available" || !j.Times.Available.Equal(begun.Add(23*time.Hour)) || !cmp.Equal(j.Image.Snapshots, []string{"snap-a"}) {
		t.Errorf("%+v, %+v", j.Image, j.Times)
	}
	for _, state := range []types.ImageState{"pending", "transient"} {
		settle(t, work(), job.ForImage, 24*time.Hour, &cloud{image: image(state)}, &tokens{}).pending(t)
		settle(t, work(), job.ForImage, 31*time.Hour, &cloud{image: image(state)}, &tokens{}).failed(t, "ami-1 is not available")
	}
	for _, state := range []types.ImageState{"failed", "error", "invalid", "deregistered", "disabled"} {
		settle(t, work(), job.ForImage, time.Minute, &cloud{image: image(state)}, &tokens{}).failed(t, "ami-1", "web (i-1)", string(state), "Client.InternalError")
	}
}

// EC2 may not know an image it has just made, and knows none that was deregistered.
func TestImageThatIsNotShown(t *testing.T) {
	unknown := &smithy.GenericAPIError{Code: "InvalidAMIID.NotFound"}
	for name, c := range map[string]*cloud{"an empty answer": {}, "an error": {err: unknown}} {
		t.Run(name, func(t *testing.T) {
			settle(t, work(), job.ForImage, time.Minute, c, &tokens{}).pending(t)
			settle(t, work(), job.ForImage, 15*time.Minute, c, &tokens{}).pending(t)
			settle(t, work(), job.ForImage, 16*time.Minute, c, &tokens{}).failed(t, "ami-1", "web (i-1)", "not there")
		})
	}
}

// An AWS that is busy decides nothing: whoever called looks again.
func TestBusy(t *testing.T) {
	busy := &smithy.GenericAPIError{Code: "RequestLimitExceeded"}
	for _, what := range []job.For{job.ForStopped, job.ForSnapshots, job.ForRunning, job.ForImage} {
		got := settle(t, work(), what, 100*time.Hour, &cloud{instance: instance("pending"), err: busy}, &tokens{})
		if !errors.Is(got.err, busy) || len(got.tokens.success)+len(got.tokens.failure) != 0 || len(got.book.done) != 0 {
			t.Errorf("%s: %v, done %q", what, got.err, got.book.done)
		}
	}
}

// A token that is spent belongs to a step that has ended; its wait is forgotten.
func TestTokenGone(t *testing.T) {
	for name, gone := range map[string]error{
		"timed out": &sfntypes.TaskTimedOut{}, "does not exist": &sfntypes.TaskDoesNotExist{}, "invalid": &sfntypes.InvalidToken{},
	} {
		for state, c := range map[string]*cloud{"reached": {instance: instance("stopped")}, "failed": {instance: instance("terminated")}} {
			got := settle(t, work(), job.ForStopped, time.Minute, c, &tokens{err: gone})
			if got.err != nil || len(got.book.done) != 1 {
				t.Errorf("%s, %s: %v, done %q", name, state, got.err, got.book.done)
			}
		}
	}
	refused := &sfntypes.InvalidOutput{}
	got := settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance("stopped")}, &tokens{err: refused})
	if !errors.Is(got.err, refused) || len(got.book.done) != 0 {
		t.Errorf("an answer that is refused: %v, done %q", got.err, got.book.done)
	}
}

func TestSettleTwice(t *testing.T) {
	sent := &tokens{}
	first := settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance("stopped")}, sent)
	first.reached(t)
	sent.err = &sfntypes.TaskTimedOut{}
	b := &book{}
	s := wait.Settler{EC2: first.cloud, Tokens: sent, Ledger: b, Now: func() time.Time { return begun.Add(time.Minute) }}
	if err := s.Settle(t.Context(), first.waiting); err != nil || len(b.done) != 1 {
		t.Errorf("%v, done %q", err, b.done)
	}
	if first.waiting.Job.Await == nil || !first.waiting.Job.Times.Stopped.IsZero() {
		t.Error("settling changed the wait it was given")
	}
}

func TestLedgerThatFails(t *testing.T) {
	refused := errors.New("refused")
	w := ledger.Wait{Token: "token", Job: work()}
	w.Job.Await = &job.Await{Resource: "i-1", For: job.ForStopped, Until: begun.Add(time.Hour)}
	s := wait.Settler{EC2: &cloud{instance: instance("stopped")}, Tokens: &tokens{}, Ledger: &book{err: refused}, Now: func() time.Time { return begun }}
	if err := s.Settle(t.Context(), w); !errors.Is(err, refused) {
		t.Error(err)
	}
}
