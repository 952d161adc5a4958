package wait

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/source"
)

// Boot is what a test instance's states mean to who waits for it to have booted.
type Boot int

const (
	// Booting instances may still come up.
	Booting Boot = iota
	// Booted instances run, and both of EC2's status checks pass.
	Booted
	// Dead instances will not come up: one that ends or stops by itself does not come back.
	Dead
)

// BootOf classifies a test instance. A check that is impaired may pass yet, on
// a slow boot; only the wait's last moment ends that.
func BootOf(state types.InstanceStateName, checks types.InstanceStatus) Boot {
	switch state {
	case types.InstanceStateNameStopping, types.InstanceStateNameStopped,
		types.InstanceStateNameShuttingDown, types.InstanceStateNameTerminated:
		return Dead
	case types.InstanceStateNameRunning:
		if status(checks.InstanceStatus) == types.SummaryStatusOk && status(checks.SystemStatus) == types.SummaryStatusOk {
			return Booted
		}
		return Booting
	case types.InstanceStateNamePending:
		return Booting
	default:
		return Booting
	}
}

func status(s *types.InstanceStatusSummary) types.SummaryStatus {
	if s == nil {
		return ""
	}
	return s.Status
}

// launched is an instance that was launched from the job's image, and what it is called.
type launched struct {
	id, is string
	sent   time.Time
}

// lookBooted looks at the test instance of the job's image.
func lookBooted(ctx context.Context, api awsAPI, j job.Job, now time.Time) (job.Job, bool, error) {
	booted, err := boots(ctx, api, j, launched{j.TestInstance, "test instance", j.Times.TestSent}, now)
	if booted {
		j.Times.Booted = now
	}
	return j, booted, err
}

// lookCloned looks at the clone of the job's source.
func lookCloned(ctx context.Context, api awsAPI, j job.Job, now time.Time) (job.Job, bool, error) {
	booted, err := boots(ctx, api, j, launched{j.Clone.Instance, "clone", j.Clone.Sent}, now)
	if booted {
		j.Clone.Booted = now
	}
	return j, booted, err
}

// boots reports whether an instance has booted. It is an error when it will not.
func boots(ctx context.Context, api awsAPI, j job.Job, l launched, now time.Time) (bool, error) {
	instance, known, err := source.Find(ctx, api, l.id)
	if err != nil {
		return false, err
	}
	var checks types.InstanceStatus
	if source.State(instance) == types.InstanceStateNameRunning {
		if checks, err = statusOf(ctx, api, l.id); err != nil {
			return false, err
		}
	}
	switch BootOf(source.State(instance), checks) {
	case Booted:
		return true, nil
	case Dead:
		return false, unbooted(j, l, fmt.Sprintf("is %s. %s", source.State(instance), source.Why(instance)))
	case Booting:
	}
	if now.After(j.Await.Until) {
		return false, unbooted(j, l, stuck(instance, known, checks, now.Sub(l.sent).Round(time.Second)))
	}
	return false, nil
}

// stuck says how such an instance is whose time is over.
func stuck(i types.Instance, known bool, checks types.InstanceStatus, after time.Duration) string {
	switch state := source.State(i); {
	case !known:
		return "is not there any more: it has been terminated"
	case state == types.InstanceStateNameRunning:
		return fmt.Sprintf("runs, but %s after its launch %s", after, failing(checks))
	default:
		return fmt.Sprintf("is still %s %s after its launch", state, after)
	}
}

// unbooted is the failure of an image that does not boot. EC2 keeps what an instance wrote
// to its console for at least an hour (API reference, GetConsoleOutput), also of a terminated one.
func unbooted(j job.Job, l launched, how string) error {
	return fault.Failure(fmt.Sprintf("See what it wrote, for about an hour: aws ec2 get-console-output --instance-id %s",
		l.id),
		"image %s of %s (%s) did not boot: its %s %s %s", j.Image.ID, j.Source.Name, j.Source.ID, l.is, l.id, how)
}

// failing says which checks do not pass.
func failing(checks types.InstanceStatus) string {
	var parts []string
	for _, check := range []struct {
		name string
		is   types.SummaryStatus
	}{
		{"system", status(checks.SystemStatus)}, {"instance", status(checks.InstanceStatus)},
	} {
		if check.is != types.SummaryStatusOk {
			parts = append(parts, fmt.Sprintf("its %s status check is %s", check.name, cmp.Or(string(check.is), "not there")))
		}
	}
	return strings.Join(parts, " and ")
}

// statusOf are an instance's status checks, empty while EC2 has none.
func statusOf(ctx context.Context, api awsAPI, id string) (types.InstanceStatus, error) {
	out, err := api.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}})
	if fault.IgnoreNotFound(err) != nil {
		return types.InstanceStatus{}, fmt.Errorf("reading the status checks of %s: %w", id, err)
	}
	if out != nil {
		for _, s := range out.InstanceStatuses {
			if aws.ToString(s.InstanceId) == id {
				return s, nil
			}
		}
	}
	return types.InstanceStatus{}, nil
}
