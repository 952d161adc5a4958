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
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

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
	refreshes map[string]scaling.InstanceRefresh // by id
}

func (c *cloud) DescribeInstances(context.Context, *ec2.DescribeInstancesInput,
	...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	if c.instance == nil {
		return nil, errors.Join(c.err, &smithy.GenericAPIError{Code: "InvalidInstanceID.NotFound"})
	}
	return &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: []types.Instance{*c.instance}}}}, c.err
}

func (c *cloud) DescribeInstanceStatus(context.Context, *ec2.DescribeInstanceStatusInput,
	...func(*ec2.Options)) (*ec2.DescribeInstanceStatusOutput, error) {
	return &ec2.DescribeInstanceStatusOutput{InstanceStatuses: c.statuses}, c.err
}

func (c *cloud) DescribeImages(context.Context, *ec2.DescribeImagesInput,
	...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error) {
	if c.image == nil {
		return &ec2.DescribeImagesOutput{}, c.err
	}
	return &ec2.DescribeImagesOutput{Images: []types.Image{*c.image}}, c.err
}

func (c *cloud) DescribeSnapshots(_ context.Context, in *ec2.DescribeSnapshotsInput,
	_ ...func(*ec2.Options)) (*ec2.DescribeSnapshotsOutput, error) {
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
		InstanceStatus: &types.InstanceStatusSummary{Status: instance},
		SystemStatus:   &types.InstanceStatusSummary{Status: system},
	}}
}

func snapshot(id, volume string, state types.SnapshotState) types.Snapshot {
	return types.Snapshot{SnapshotId: aws.String(id), VolumeId: aws.String(volume), State: state,
		StartTime: aws.Time(begun), StateMessage: aws.String("no key")}
}

func image(state types.ImageState) *types.Image {
	return &types.Image{
		ImageId: aws.String("ami-1"), State: state,
		StateReason:         &types.StateReason{Message: aws.String("Client.InternalError")},
		BlockDeviceMappings: []types.BlockDeviceMapping{{Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-a")}}},
	}
}

// waits and tokens remember what was done to them.
type waits struct {
	done  []string
	freed []ledger.Slot
	err   error
}

func (b *waits) Done(_ context.Context, w ledger.Wait) error {
	b.done = append(b.done, w.Token)
	return b.err
}

func (b *waits) Free(_ context.Context, s ledger.Slot) error {
	b.freed = append(b.freed, s)
	return b.err
}

type tokens struct {
	success []*sfn.SendTaskSuccessInput
	failure []*sfn.SendTaskFailureInput
	err     error
}

func (t *tokens) SendTaskSuccess(_ context.Context, in *sfn.SendTaskSuccessInput,
	_ ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error) {
	t.success = append(t.success, in)
	return &sfn.SendTaskSuccessOutput{}, t.err
}

func (t *tokens) SendTaskFailure(_ context.Context, in *sfn.SendTaskFailureInput,
	_ ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error) {
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
	waits   *waits
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
	b := &waits{}
	w := ledger.Wait{Resource: await.Resource, For: what, Run: j.Run.Name, Token: "token", Job: job.Document{Job: j},
		Since: begun}
	s := wait.Settler{EC2: c, Groups: c, Tokens: tokens, Ledger: b, Now: func() time.Time { return begun.Add(after) }}
	return outcome{c, tokens, b, w, s.Settle(t.Context(), w)}
}

// reached is the job that the step gets; the test fails when it got none.
func (o outcome) reached(t *testing.T) job.Job {
	t.Helper()
	if o.err != nil || len(o.tokens.success) != 1 || len(o.tokens.failure) != 0 || len(o.waits.done) != 1 {
		t.Fatalf("not reached: %v, %d successes, %d failures, done %q", o.err, len(o.tokens.success), len(o.tokens.failure),
			o.waits.done)
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
	if o.err != nil || len(o.tokens.success)+len(o.tokens.failure) != 0 || len(o.waits.done) != 0 {
		t.Errorf("not pending: %v, %d successes, %d failures, done %q", o.err, len(o.tokens.success), len(o.tokens.failure),
			o.waits.done)
	}
}

// failed is how a step that failed looks to a Catch.
func (o outcome) failed(t *testing.T, says ...string) {
	t.Helper()
	if o.err != nil || len(o.tokens.success) != 0 || len(o.tokens.failure) != 1 || len(o.waits.done) != 1 {
		t.Fatalf("not failed: %v, %d successes, %d failures, done %q", o.err, len(o.tokens.success), len(o.tokens.failure),
			o.waits.done)
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

// A token that is spent belongs to a step that has ended; its wait is forgotten.
func TestTokenGone(t *testing.T) {
	for name, gone := range map[string]error{
		"timed out": &sfntypes.TaskTimedOut{}, "does not exist": &sfntypes.TaskDoesNotExist{},
		"invalid": &sfntypes.InvalidToken{},
	} {
		for state, c := range map[string]*cloud{"reached": {instance: instance("stopped")},
			"failed": {instance: instance("terminated")}} {
			got := settle(t, work(), job.ForStopped, time.Minute, c, &tokens{err: gone})
			if got.err != nil || len(got.waits.done) != 1 {
				t.Errorf("%s, %s: %v, done %q", name, state, got.err, got.waits.done)
			}
		}
	}
	refused := &sfntypes.InvalidOutput{}
	got := settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance("stopped")}, &tokens{err: refused})
	if !errors.Is(got.err, refused) || len(got.waits.done) != 1 {
		t.Errorf("an answer that is refused: %v, done %q", got.err, got.waits.done)
	}
}

func TestSettleTwice(t *testing.T) {
	sent := &tokens{}
	first := settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance("stopped")}, sent)
	first.reached(t)
	sent.err = &sfntypes.TaskTimedOut{}
	b := &waits{}
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
	w := ledger.Wait{Token: "token", Job: job.Document{Job: work()}}
	w.Job.Await = &job.Await{Resource: "i-1", For: job.ForStopped, Until: begun.Add(time.Hour)}
	s := wait.Settler{EC2: &cloud{instance: instance("stopped")}, Tokens: &tokens{}, Ledger: &waits{err: refused},
		Now: func() time.Time { return begun }}
	if err := s.Settle(t.Context(), w); !errors.Is(err, refused) {
		t.Error(err)
	}
}
