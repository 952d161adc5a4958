package wait_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/wait"
)

// tested is a job whose image's test instance was launched when the test begins.
func tested() job.Job {
	j := work()
	j.TestInstance, j.Times.TestSent = "i-1", begun
	j.Plan.Verify = plan.Verify{Boot: true, Patience: plan.Duration(20 * time.Minute)}
	return j
}

func TestBooted(t *testing.T) {
	up := func(checks []types.InstanceStatus) *cloud {
		for i := range checks {
			checks[i].InstanceId = aws.String("i-1")
		}
		return &cloud{instance: instance("running"), statuses: checks}
	}
	now := begun.Add(time.Minute)
	j := settle(t, tested(), job.ForBooted, time.Minute, up(status("ok", "ok")), &tokens{}).reached(t)
	if !j.Times.Booted.Equal(now) || j.Tested {
		t.Errorf("booted at %s, tested %v", j.Times.Booted, j.Tested)
	}
	for name, c := range map[string]struct {
		cloud *cloud
		says  []string // once its time is over
	}{
		"not shown yet": {&cloud{}, []string{"is not there any more"}},
		"pending":       {&cloud{instance: instance("pending")}, []string{"is still pending 20m1s after its launch"}},
		"no checks yet": {up(nil),
			[]string{"its system status check is not there and its instance status check is not there"}},
		"another's checks": {&cloud{instance: instance("running"), statuses: status("ok", "ok")},
			[]string{"is not there"}},
		"initializing": {up(status("initializing", "initializing")),
			[]string{"its system status check is initializing"}},
		"impaired": {up(status("impaired", "ok")),
			[]string{"runs, but 20m1s after its launch its instance status check is impaired"}},
		"the system impaired": {up(status("ok", "impaired")), []string{"its system status check is impaired"}},
	} {
		t.Run(name, func(t *testing.T) {
			settle(t, tested(), job.ForBooted, 20*time.Minute, c.cloud, &tokens{}).pending(t)
			says := append(c.says, "image ami-1 of web (i-1) did not boot", "its test instance i-1",
				"get-console-output --instance-id i-1")
			settle(t, tested(), job.ForBooted, 20*time.Minute+time.Second, c.cloud, &tokens{}).failed(t, says...)
		})
	}
	// What is reached at the last moment is reached.
	settle(t, tested(), job.ForBooted, 2*time.Hour, up(status("ok", "ok")), &tokens{}).reached(t)
}

// A test instance that ends or stops by itself is told at once, with EC2's reason.
func TestBootDead(t *testing.T) {
	for _, state := range []types.InstanceStateName{"stopping", "stopped", "shutting-down", "terminated"} {
		settle(t, tested(), job.ForBooted, time.Second, &cloud{instance: instance(state)}, &tokens{}).
			failed(t, "did not boot", "is "+string(state), "EC2 says: Client.InvalidKMSKey.InvalidState")
	}
	busy := errors.New("busy")
	if got := settle(t, tested(), job.ForBooted, time.Hour, &cloud{instance: instance("running"), err: busy},
		&tokens{}); !errors.Is(got.err, busy) {
		t.Error(got.err)
	}
}

// Only running with both checks passed has booted, and only what ends is dead.
func TestBootOf(t *testing.T) {
	counts := map[wait.Boot]int{}
	for _, state := range types.InstanceStateName("").Values() {
		for _, own := range types.SummaryStatus("").Values() {
			for _, system := range types.SummaryStatus("").Values() {
				counts[wait.BootOf(state, status(own, system)[0])]++
			}
		}
	}
	checks := len(types.SummaryStatus("").Values())
	if counts[wait.Booted] != 1 || counts[wait.Dead] != 4*checks*checks {
		t.Errorf("of all states and checks %d have booted and %d are dead", counts[wait.Booted], counts[wait.Dead])
	}
}

// A clone has booted as a test instance has, and what is said of it names it.
func TestCloned(t *testing.T) {
	j := work()
	j.Clone = job.Clone{Instance: "i-1", Sent: begun}
	j.Plan.Verify = plan.Verify{Boot: true, Patience: plan.Duration(20 * time.Minute)}
	up := func(checks []types.InstanceStatus) *cloud {
		for i := range checks {
			checks[i].InstanceId = aws.String("i-1")
		}
		return &cloud{instance: instance("running"), statuses: checks}
	}
	cloned := settle(t, j, job.ForCloned, time.Minute, up(status("ok", "ok")), &tokens{}).reached(t)
	if !cloned.Clone.Booted.Equal(begun.Add(time.Minute)) || !cloned.Times.Booted.IsZero() {
		t.Errorf("cloned at %s, tested at %s", cloned.Clone.Booted, cloned.Times.Booted)
	}
	settle(t, j, job.ForCloned, time.Minute, up(status("ok", "initializing")), &tokens{}).pending(t)
	settle(t, j, job.ForCloned, 21*time.Minute, up(status("ok", "impaired")), &tokens{}).failed(t, "its clone i-1 runs")
}
