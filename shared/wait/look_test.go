package wait_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/wait"
)

func TestFor(t *testing.T) {
	j := work()
	j.Times = job.Times{StopSent: begun.Add(time.Minute), ImageSent: begun.Add(2 * time.Minute),
		StartSent: begun.Add(3 * time.Minute), TestSent: begun.Add(4 * time.Minute)}
	j.TestInstance, j.Plan.Verify.Patience = "i-2", plan.Duration(20*time.Minute)
	j.Clone = job.Clone{Instance: "i-3", Sent: begun.Add(5 * time.Minute), ImageSent: begun.Add(6 * time.Minute)}
	for what, want := range map[job.For]job.Await{
		job.ForStopped:   {Resource: "i-1", Until: begun.Add(time.Minute + time.Hour)},
		job.ForSnapshots: {Resource: "i-1", Until: begun.Add(2*time.Minute + 30*time.Minute)},
		job.ForRunning:   {Resource: "i-1", Until: begun.Add(3*time.Minute + time.Hour)},
		job.ForBooted:    {Resource: "i-2", Until: begun.Add(24 * time.Minute)},
		job.ForCloned:    {Resource: "i-3", Until: begun.Add(25 * time.Minute)},
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
	j.Raw = &job.Image{ID: "ami-0"} // The image is the general one.
	if got, err := wait.For(j, job.ForImage); err != nil || !got.Until.Equal(begun.Add(6*time.Minute+30*time.Hour)) {
		t.Errorf("the general image is awaited until %v, %v", got.Until, err)
	}
	if _, err := wait.For(j, "rebooted"); err == nil {
		t.Error("it knows how to wait for a reboot")
	}
}

func TestStopped(t *testing.T) {
	now := begun.Add(time.Minute)
	if j := settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance("stopped")},
		&tokens{}).reached(t); !j.Times.Stopped.Equal(now) || j.Back {
		t.Errorf("stopped at %s, back %v", j.Times.Stopped, j.Back)
	}
	for _, state := range []types.InstanceStateName{"running", "stopping", "pending"} {
		settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance(state)}, &tokens{}).pending(t)
	}
	for _, state := range []types.InstanceStateName{"shutting-down", "terminated"} {
		settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: instance(state)}, &tokens{}).failed(t, "web (i-1)",
			"terminated")
	}
	// One that a describe does not know was not seen to be terminated.
	missing := settle(t, work(), job.ForStopped, time.Minute, &cloud{}, &tokens{})
	if notYet := (*fault.NotYet)(nil); !errors.As(missing.err, &notYet) || len(missing.tokens.failure) != 0 {
		t.Errorf("an instance that a describe does not know: %v", missing.err)
	}
	settle(t, work(), job.ForStopped, time.Hour, &cloud{instance: instance("stopping")}, &tokens{}).pending(t)
	settle(t, work(), job.ForStopped, time.Hour+time.Second, &cloud{instance: instance("stopping")}, &tokens{}).failed(t,
		"web (i-1)", "still stopping", "by force")
	// Started by somebody the moment it was stopped: its launch time is that of its last start.
	for _, state := range []types.InstanceStateName{"pending", "running"} {
		again := instance(state)
		again.LaunchTime = aws.Time(begun.Add(30 * time.Second))
		settle(t, work(), job.ForStopped, time.Minute, &cloud{instance: again}, &tokens{}).failed(t, "started by other hands",
			"Nothing is to be done")
		settle(t, work(), job.ForStopped, 2*time.Hour, &cloud{instance: instance(state)}, &tokens{}).failed(t, "still runs",
			"Nothing is to be done now")
	}
	// What is reached at the last moment is reached.
	settle(t, work(), job.ForStopped, 2*time.Hour, &cloud{instance: instance("stopped")}, &tokens{}).reached(t)
}

// A plan may bear a hanging stop for a while only: then it is to be sent by force, once.
func TestStopThatHangs(t *testing.T) {
	j := work()
	j.Plan.Force = plan.Duration(15 * time.Minute)
	at := func(after time.Duration, state types.InstanceStateName) outcome {
		return settle(t, j, job.ForStopped, after, &cloud{instance: instance(state)}, &tokens{})
	}
	at(15*time.Minute-time.Second, "stopping").pending(t)
	if got := at(15*time.Minute, "stopping").reached(t); !got.Hangs || !got.Times.Stopped.IsZero() {
		t.Errorf("hangs %v, stopped %s", got.Hangs, got.Times.Stopped)
	}
	if got := at(20*time.Minute, "stopped").reached(t); got.Hangs {
		t.Error("a stopped instance hangs")
	}
	// What runs was started by other hands, or its stop has had no effect.
	at(20*time.Minute, "running").pending(t)

	j.Times.Forced = begun.Add(50 * time.Minute)
	at(65*time.Minute, "stopping").pending(t)
	at(65*time.Minute+time.Second, "stopping").failed(t, "still stopping")
	if got := at(55*time.Minute, "stopped").reached(t); got.Hangs || got.Times.Stopped.IsZero() {
		t.Errorf("hangs %v, stopped %s", got.Hangs, got.Times.Stopped)
	}
	j.Plan.Strict = true
	at(55*time.Minute, "stopped").failed(t, "web (i-1) hung while it was stopped and was stopped by force", "strict",
		"Check its file systems")
	j.Plan.Force, j.Times.Forced = 0, time.Time{}
	at(time.Hour, "stopping").pending(t)
}

// The plan's longest patience leaves a forced stop the ten minutes that AWS gives it.
func TestForceComesInTime(t *testing.T) {
	await, err := wait.For(work(), job.ForStopped)
	if left := await.Until.Sub(begun.Add(time.Duration(plan.MaxForce))); err != nil || left < 10*time.Minute {
		t.Errorf("a forced stop has %s, %v", left, err)
	}
}

func TestRunning(t *testing.T) {
	now := begun.Add(time.Minute)
	if j := settle(t, work(), job.ForRunning, time.Minute, &cloud{instance: instance("running")},
		&tokens{}).reached(t); !j.Times.Running.Equal(now) || !j.Back {
		t.Errorf("running at %s, back %v", j.Times.Running, j.Back)
	}
	settle(t, work(), job.ForRunning, time.Minute, &cloud{instance: instance("pending")}, &tokens{}).pending(t)
	settle(t, work(), job.ForRunning, time.Minute, &cloud{instance: instance("terminated")}, &tokens{}).failed(t,
		"terminated")
	// A describe may show the state before the start for a while; later it went back.
	settle(t, work(), job.ForRunning, 45*time.Second, &cloud{instance: instance("stopped")}, &tokens{}).pending(t)
	settle(t, work(), job.ForRunning, 46*time.Second, &cloud{instance: instance("stopped")}, &tokens{}).failed(t,
		"went back to stopped", "the key is disabled")
	// One that EC2 shows as it was stopped before the start may lag for minutes.
	before := instance("stopped")
	before.StateTransitionReason = aws.String("User initiated (" + begun.Add(-time.Minute).Format(time.DateTime) + " GMT)")
	settle(t, work(), job.ForRunning, 5*time.Minute, &cloud{instance: before}, &tokens{}).pending(t)
	settle(t, work(), job.ForRunning, 6*time.Minute, &cloud{instance: before}, &tokens{}).failed(t, "went back to stopped")
	// One that a person has stopped since was back.
	since := instance("stopped")
	since.StateTransitionReason = aws.String("User initiated (" + begun.Add(time.Minute).Format(time.DateTime) + " GMT)")
	again := settle(t, work(), job.ForRunning, 2*time.Minute, &cloud{instance: since}, &tokens{}).reached(t)
	if !again.Back || !again.Times.Running.IsZero() || again.Warnings[0].Code != job.StoppedSince {
		t.Errorf("back %v, running %s, warnings %v", again.Back, again.Times.Running, again.Warnings)
	}
	settle(t, work(), job.ForRunning, time.Hour+time.Second, &cloud{instance: instance("pending")}, &tokens{}).failed(t,
		"not running")
}

// Whoever starts the instance before its snapshots are there spoils the image.
func TestStartedEarly(t *testing.T) {
	j := work()
	j.Times.Snapshotted = begun.Add(time.Minute)
	for after, warned := range map[time.Duration]int{-24 * time.Hour: 0, 30 * time.Second: 1, 2 * time.Minute: 0} {
		running := instance("running")
		running.LaunchTime = aws.Time(begun.Add(after))
		got := settle(t, j, job.ForRunning, 3*time.Minute, &cloud{instance: running}, &tokens{}).reached(t)
		if len(got.Warnings) != warned || warned > 0 && got.Warnings[0].Code != job.StartedEarly {
			t.Errorf("launched %s after the stop: %v", after, got.Warnings)
		}
	}
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
			got := settle(t, j, job.ForRunning, time.Minute, &cloud{instance: instance("running"), statuses: c.statuses},
				&tokens{})
			if c.healthy {
				got.reached(t)
			} else {
				got.pending(t)
			}
		})
	}
	settle(t, j, job.ForRunning, 2*time.Hour, &cloud{instance: instance("running"), statuses: status("impaired", "ok")},
		&tokens{}).failed(t, "not running")
}

func TestSnapshots(t *testing.T) {
	both := []types.Snapshot{snapshot("snap-b", "vol-b", "pending"), snapshot("snap-a", "vol-a", "completed")}
	got := settle(t, work(), job.ForSnapshots, time.Minute, &cloud{snapshots: both, image: image("pending")}, &tokens{})
	j := got.reached(t)
	if !j.Times.Snapshotted.Equal(begun.Add(time.Minute)) ||
		!cmp.Equal(j.Image.Snapshots, []string{"snap-a", "snap-b"}) || j.Image.State != "pending" {
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
	settle(t, work(), job.ForSnapshots, time.Second, &cloud{snapshots: broken}, &tokens{}).failed(t, "snap-a", "vol-a",
		"no key")
}

// What carries the tags of a run's snapshots, and was started before its stop was sent, keeps the instance down no
// shorter and fails nothing: anyone may write tags.
func TestSnapshotsOfOthersWithTheTags(t *testing.T) {
	of := func(after time.Duration, state types.SnapshotState, of ...string) (all []types.Snapshot) {
		for _, volume := range of {
			s := snapshot("snap-of-"+volume, volume, state)
			s.StartTime = aws.Time(begun.Add(after))
			all = append(all, s)
		}
		return all
	}
	for name, theirs := range map[string][]types.Snapshot{
		"of last year":      of(-365*24*time.Hour, "completed", "vol-a", "vol-b"),
		"a moment before":   of(-time.Second, "pending", "vol-a", "vol-b"),
		"that failed":       of(-time.Hour, "error", "vol-a"),
		"of another volume": of(-time.Hour, "completed", "vol-c"),
		"of no known time":  {{SnapshotId: aws.String("snap-x"), VolumeId: aws.String("vol-a"), State: "completed"}},
	} {
		t.Run(name, func(t *testing.T) {
			settle(t, work(), job.ForSnapshots, time.Second, &cloud{snapshots: theirs}, &tokens{}).pending(t)
			own := []types.Snapshot{snapshot("snap-b", "vol-b", "pending"), snapshot("snap-a", "vol-a", "completed")}
			for _, all := range [][]types.Snapshot{slices.Concat(own, theirs), slices.Concat(theirs, own)} {
				j := settle(t, work(), job.ForSnapshots, time.Second, &cloud{snapshots: all}, &tokens{}).reached(t)
				if !cmp.Equal(j.Image.Snapshots, []string{"snap-a", "snap-b"}) {
					t.Errorf("the image's snapshots are %v", j.Image.Snapshots)
				}
			}
		})
	}
}

// A snapshot that never comes is the image's matter, once it should be there.
func TestSnapshotsThatNeverCome(t *testing.T) {
	one := []types.Snapshot{snapshot("snap-a", "vol-a", "completed")}
	at := func(after time.Duration, i *types.Image) outcome {
		return settle(t, work(), job.ForSnapshots, after, &cloud{snapshots: one, image: i}, &tokens{})
	}
	at(20*time.Second, image("available")).pending(t)
	at(time.Minute, image("pending")).pending(t)
	// One that was deregistered keeps the instance down for seconds only.
	at(20*time.Second, nil).pending(t)
	at(21*time.Second, nil).failed(t, "ami-1", "it has been deregistered")
	j := at(time.Minute, image("available")).reached(t)
	if j.Times.Snapshotted.IsZero() || j.Times.Available.IsZero() || j.Image.State != "available" ||
		!cmp.Equal(j.Image.Snapshots, []string{"snap-a"}) {
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
	if j.Image.State != "available" || !j.Times.Available.Equal(begun.Add(23*time.Hour)) ||
		!cmp.Equal(j.Image.Snapshots, []string{"snap-a"}) {
		t.Errorf("%+v, %+v", j.Image, j.Times)
	}
	for _, state := range []types.ImageState{"pending", "transient"} {
		settle(t, work(), job.ForImage, 24*time.Hour, &cloud{image: image(state)}, &tokens{}).pending(t)
		settle(t, work(), job.ForImage, 31*time.Hour, &cloud{image: image(state)}, &tokens{}).failed(t,
			"ami-1 is not available")
	}
	for _, state := range []types.ImageState{"failed", "error", "invalid", "deregistered", "disabled"} {
		settle(t, work(), job.ForImage, time.Minute, &cloud{image: image(state)}, &tokens{}).failed(t, "ami-1", "web (i-1)",
			string(state), "Client.InternalError")
	}
}

// EC2 may not know an image it has just made, and knows none that was deregistered.
func TestImageThatIsNotShown(t *testing.T) {
	unknown := &smithy.GenericAPIError{Code: "InvalidAMIID.NotFound"}
	for name, c := range map[string]*cloud{"an empty answer": {}, "an error": {err: unknown}} {
		t.Run(name, func(t *testing.T) {
			back := work()
			back.Back = true
			settle(t, back, job.ForImage, time.Minute, c, &tokens{}).pending(t)
			settle(t, back, job.ForImage, 15*time.Minute, c, &tokens{}).pending(t)
			settle(t, back, job.ForImage, 16*time.Minute, c, &tokens{}).failed(t, "ami-1", "web (i-1)", "not there")
			// The instance is down for it.
			settle(t, work(), job.ForImage, 20*time.Second, c, &tokens{}).pending(t)
			settle(t, work(), job.ForImage, 21*time.Second, c, &tokens{}).failed(t, "ami-1", "web (i-1)", "not there")
		})
	}
}

// An AWS that is busy decides nothing: the caller looks again. Only an instance that is down for the answer does not
// wait for it for long.
func TestBusy(t *testing.T) {
	busy := &smithy.GenericAPIError{Code: "RequestLimitExceeded"}
	for _, what := range []job.For{job.ForStopped, job.ForSnapshots} {
		settle(t, work(), what, 16*time.Minute, &cloud{instance: instance("pending"), err: busy}, &tokens{}).
			failed(t, "web (i-1)", "is not known, EC2 does not answer", "RequestLimitExceeded")
	}
	for what, after := range map[job.For]time.Duration{
		job.ForStopped: 14 * time.Minute, job.ForSnapshots: 14 * time.Minute,
		job.ForRunning: 100 * time.Hour, job.ForImage: 100 * time.Hour,
	} {
		got := settle(t, work(), what, after, &cloud{instance: instance("pending"), err: busy}, &tokens{})
		if !errors.Is(got.err, busy) || len(got.tokens.success)+len(got.tokens.failure) != 0 || len(got.waits.done) != 0 {
			t.Errorf("%s: %v, done %q", what, got.err, got.waits.done)
		}
	}
}
