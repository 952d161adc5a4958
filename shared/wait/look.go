package wait

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
)

// How long EC2 may take before a wait gives up.
const (
	// stopLimit: EC2 forces a guest off after some minutes; one that still hangs
	// after an hour needs a person, and starting it again is all that is left.
	stopLimit = time.Hour
	// forceLimit: AWS gives a forced stop ten minutes (User Guide, "Troubleshoot Amazon EC2 instance stop issues").
	forceLimit = 15 * time.Minute
	// snapshotLimit: the instance is down meanwhile, and snapshots appear within
	// seconds; half an hour without one means they will not come.
	snapshotLimit = 30 * time.Minute
	// startLimit includes slow boots and both status checks.
	startLimit = time.Hour
	// imageLimit: AWS says an image may take 24 hours, so nothing gives up earlier. A copy of a snapshot is stored as an
	// image's snapshots are.
	imageLimit = 30 * time.Hour
	// refreshLimit: Auto Scaling gives up after 14 days, a run after four. A plan may have a
	// refresh pause for a day; two leave it another for replacing instances, and the run its time to tell.
	refreshLimit = 48 * time.Hour
	// appearing is how long EC2 may not show an image it has just made. It shows
	// a deregistered or disabled one never again, and a wait for that is pointless.
	appearing = 15 * time.Minute
	// appearingDown is the same while the instance is down for it: an image that is only late costs a
	// night's image then, one that is gone would cost downtime.
	appearingDown = 20 * time.Second
)

// instancesAPI says how instances are.
type instancesAPI interface {
	source.Lister
	ec2.DescribeInstanceStatusAPIClient
}

// imagesAPI says how images and their snapshots are.
type imagesAPI interface {
	ec2.DescribeImagesAPIClient
	ec2.DescribeSnapshotsAPIClient
}

// awsAPI is EC2 as far as waiting needs it.
type awsAPI interface {
	instancesAPI
	imagesAPI
}

// For is what a job waits for next, and until when.
func For(j job.Job, what job.For) (*job.Await, error) {
	switch what {
	case job.ForStopped:
		return &job.Await{Resource: j.Source.ID, For: what, Until: stopUntil(j)}, nil
	case job.ForSnapshots:
		return &job.Await{Resource: j.Source.ID, For: what, Until: j.Times.ImageSent.Add(snapshotLimit)}, nil
	case job.ForCopies:
		return &job.Await{Resource: j.Source.ID, For: what, Until: j.Times.ImageSent.Add(imageLimit)}, nil
	case job.ForRunning:
		return &job.Await{Resource: j.Source.ID, For: what, Until: j.Times.StartSent.Add(startLimit)}, nil
	case job.ForImage:
		return &job.Await{Resource: j.Image.ID, For: what, Until: j.ImageSent().Add(imageLimit)}, nil
	case job.ForBooted:
		return &job.Await{Resource: j.TestInstance, For: what,
			Until: j.Times.TestSent.Add(time.Duration(j.Plan.Verify.Patience))}, nil
	case job.ForCloned:
		return &job.Await{Resource: j.Clone.Instance, For: what,
			Until: j.Clone.Sent.Add(time.Duration(j.Plan.Verify.Patience))}, nil
	case job.ForRefresh:
		return forRefresh(j)
	default:
		return nil, fmt.Errorf("nothing is known of waiting for %q", what)
	}
}

// stopUntil is an hour after the stop, but not before a forced one has had its time.
func stopUntil(j job.Job) time.Time {
	until := j.Times.StopSent.Add(stopLimit)
	if forced := j.Times.Forced.Add(forceLimit); !j.Times.Forced.IsZero() && forced.After(until) {
		return forced
	}
	return until
}

// look describes what the job waits for once. It returns the job as it is then
// and whether the wait is over; an error that is a *fault.Failed ends it badly.
func (s Settler) look(ctx context.Context, j job.Job, now time.Time) (job.Job, bool, error) {
	api := s.EC2
	switch j.Await.For {
	case job.ForStopped:
		return lookStopped(ctx, api, j, now)
	case job.ForSnapshots:
		return lookSnapshots(ctx, api, j, now)
	case job.ForCopies:
		return lookCopies(ctx, api, j, now)
	case job.ForRunning:
		return lookRunning(ctx, api, j, now)
	case job.ForImage:
		return lookImageDown(ctx, api, j, now)
	case job.ForBooted:
		return lookBooted(ctx, api, j, now)
	case job.ForCloned:
		return lookCloned(ctx, api, j, now)
	case job.ForRefresh:
		return lookRefreshes(ctx, s.Groups, j, now)
	default:
		return j, false, fmt.Errorf("nothing is known of waiting for %q", j.Await.For)
	}
}

func lookStopped(ctx context.Context, api awsAPI, j job.Job, now time.Time) (job.Job, bool, error) {
	instance, err := alive(ctx, api, j)
	if err != nil {
		return j, false, err
	}
	j = taken(j, instance)
	switch source.State(instance) {
	case types.InstanceStateNameStopped:
		if err := doubtful(j); err != nil {
			return j, false, err
		}
		j.Times.Stopped = now
		return j, true, nil
	case types.InstanceStateNameStopping:
		// Only what is on its way down is ever forced: somebody else may have started it again.
		j.Hangs = j.Plan.Force > 0 && j.Times.Forced.IsZero() && now.Sub(j.Times.StopSent) >= time.Duration(j.Plan.Force)
		if !j.Hangs && now.After(j.Await.Until) {
			return j, false, fault.Failure(hangs(j), "%s (%s) is still stopping %s after it was to stop",
				j.Source.Name, j.Source.ID, now.Sub(j.Times.StopSent).Round(time.Minute))
		}
		return j, j.Hangs, nil
	default:
		return j, false, stayedUp(j, instance, now)
	}
}

// taken is the job with the moment at which EC2 took the stop: the calls before it were refused, and the guest shuts
// down since then only. A stop by force is another one.
func taken(j job.Job, instance types.Instance) job.Job {
	at, known := source.StoppedAt(instance)
	if known && j.Times.Forced.IsZero() && at.After(j.Times.StopSent) {
		j.Times.StopSent = at
	}
	return j
}

// hangs is what to do about an instance that does not stop. After ten minutes of force AWS asks to contact its support
// (EC2 User Guide, "Troubleshoot Amazon EC2 instance stop issues").
func hangs(j job.Job) string {
	force := "aws ec2 stop-instances --force --instance-ids " + j.Source.ID
	if j.Times.Forced.IsZero() {
		return "Stop it by force: " + force + "; Goldsmith starts it once it is stopped."
	}
	return "Force has not stopped it. Try once more: " + force + "; if it still hangs after ten minutes, ask AWS " +
		"Support. Goldsmith starts it once it is stopped."
}

// stayedUp is the failure of an instance that runs though it was to stop: somebody started it after the stop,
// which its launch time tells, that of its last start. Nil while a describe may only lag.
func stayedUp(j job.Job, instance types.Instance, now time.Time) error {
	switch {
	case !j.Times.StopSent.IsZero() && aws.ToTime(instance.LaunchTime).After(j.Times.StopSent):
		return fault.Failure("Nothing is to be done: it runs, and the next run images it.",
			"%s (%s) was started by other hands before its image was made, so none was made", j.Source.Name, j.Source.ID)
	case now.After(j.Await.Until):
		return fault.Failure("Nothing is to be done now: it runs. If the next run says so again, see in its system log "+
			"why it does not shut down.",
			"%s (%s) still runs %s after EC2 took the request to stop it, so no image was made", j.Source.Name, j.Source.ID,
			now.Sub(j.Times.StopSent).Round(time.Minute))
	default:
		return nil
	}
}

// doubtful is the failure of an instance that was stopped by force though its
// plan takes no image with a warning; it is only brought back.
func doubtful(j job.Job) error {
	if j.Times.Forced.IsZero() || !j.Plan.Strict {
		return nil
	}
	return fault.Failure("Check its file systems, and why it did not shut down.",
		"%s (%s) hung while it was stopped and was stopped by force; plan %s is strict, so no image was made of it",
		j.Source.Name, j.Source.ID, j.Run.Plan)
}

func lookRunning(ctx context.Context, api awsAPI, j job.Job, now time.Time) (job.Job, bool, error) {
	instance, err := alive(ctx, api, j)
	if err != nil {
		return j, false, err
	}
	switch source.State(instance) {
	case types.InstanceStateNameRunning:
		healthy, err := passed(ctx, api, j)
		if err != nil || !healthy {
			return j, false, err
		}
		j.Back, j.Times.Running = true, upSince(j, instance, now)
		return startedEarly(j, instance), true, nil
	case types.InstanceStateNameStopped:
		return stoppedAgain(j, instance, now)
	default:
	}
	return j, false, nil
}

// stoppedAgain looks at a stopped instance that was sent a start. One that a person has stopped since was back, and
// its image goes on.
func stoppedAgain(j job.Job, instance types.Instance, now time.Time) (job.Job, bool, error) {
	if j.Back { // Function start has seen so.
		return j, true, nil
	}
	switch source.StartOf(instance, j.Times.StartSent, now) {
	case source.TakenBack:
		return takenBack(j, instance, now)
	case source.StoppedAgain:
		j.Back, j.Warnings = true, append(slices.Clone(j.Warnings), source.StoppedSince)
		return j, true, nil
	case source.Unshown:
	}
	return j, false, nil
}

// takenBack is a start that EC2 took back. For want of room it is sent again after a while, as one that EC2 refuses for
// that, unless this is what brings the instance back after a failure: the sweep goes on then.
func takenBack(j job.Job, instance types.Instance, now time.Time) (job.Job, bool, error) {
	code := ""
	if r := instance.StateReason; r != nil {
		code = aws.ToString(r.Code)
	}
	if fault.Passes(code) && j.Failure == nil && now.Sub(j.Times.StopSent) < source.StartsWithoutRoom {
		j.NoRoom = true
		return j, true, nil
	}
	do := cmp.Or(fault.Remedy(fault.StateCode(code)), "Look at it in the EC2 console.")
	return j, false, fault.Failure(do, "%s (%s) went back to stopped after it was started: %s", j.Source.Name,
		j.Source.ID, source.Why(instance))
}

// startedEarly warns when somebody started the instance before its snapshots
// were there: its launch time is that of its last start, in full seconds.
func startedEarly(j job.Job, instance types.Instance) job.Job {
	launched := aws.ToTime(instance.LaunchTime)
	if j.Times.Snapshotted.IsZero() || !launched.After(j.Times.StopSent) ||
		!launched.Add(time.Second).Before(j.Times.Snapshotted) {
		return j
	}
	j.Warnings = append(slices.Clone(j.Warnings), job.Reason{
		Code: job.StartedEarly,
		Text: "it was started by other hands while it was being imaged: its image may hold half-written data",
	})
	return j
}

// alive is the job's instance; it is an error when it was terminated, or is not shown.
func alive(ctx context.Context, api awsAPI, j job.Job) (types.Instance, error) {
	instance, ok, err := source.Find(ctx, api, j.Source.ID)
	if err != nil {
		return instance, err
	}
	if !ok {
		return instance, source.Missing(j.Source.ID)
	}
	if source.Ending(source.State(instance)) {
		return instance, fault.Failure("", "%s (%s) was terminated during the run", j.Source.Name, j.Source.ID)
	}
	return instance, nil
}

// passed reports whether the instance is as healthy as the plan asks.
func passed(ctx context.Context, api awsAPI, j job.Job) (bool, error) {
	if j.Plan.Health != plan.Checked {
		return true, nil
	}
	out, err := api.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{j.Source.ID}})
	if err != nil {
		return false, fmt.Errorf("reading the status checks of %s: %w", j.Source.ID, err)
	}
	for _, s := range out.InstanceStatuses {
		if s.InstanceStatus == nil || s.InstanceStatus.Status != types.SummaryStatusOk ||
			s.SystemStatus == nil || s.SystemStatus.Status != types.SummaryStatusOk {
			return false, nil
		}
	}
	return len(out.InstanceStatuses) > 0, nil
}

// snapshotFailed is what to do about that.
const snapshotFailed = "Put right what it says, if anything; the next run tries again."
