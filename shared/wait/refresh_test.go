package wait_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/smithy-go"

	"goldsmith/shared/job"
	"goldsmith/shared/wait"
)

func (c *cloud) DescribeInstanceRefreshes(_ context.Context, in *autoscaling.DescribeInstanceRefreshesInput,
	_ ...func(*autoscaling.Options)) (*autoscaling.DescribeInstanceRefreshesOutput, error) {
	out := &autoscaling.DescribeInstanceRefreshesOutput{}
	if is, ok := c.refreshes[in.InstanceRefreshIds[0]]; ok {
		out.InstanceRefreshes = append(out.InstanceRefreshes, is)
	}
	return out, c.err
}

// refreshing is a job that waits for two refreshes; a third group is done with.
func refreshing() job.Job {
	j := work()
	j.Times.Released = begun
	j.Refreshes = []job.Refresh{
		{Group: "idle"}, {Group: "web", ID: "r-1", Status: "Pending", Began: begun},
		{Group: "api", ID: "r-2", Status: "Pending", Began: begun},
	}
	return j
}

func is(status scaling.InstanceRefreshStatus, ended time.Duration) scaling.InstanceRefresh {
	r := scaling.InstanceRefresh{Status: status, StartTime: aws.Time(begun)}
	if ended != 0 {
		r.EndTime, r.StatusReason = aws.Time(begun.Add(ended)), aws.String("of something")
	}
	return r
}

func TestRefreshes(t *testing.T) {
	at := func(after time.Duration, first, second scaling.InstanceRefresh) outcome {
		return settle(t, refreshing(), job.ForRefresh, after,
			&cloud{refreshes: map[string]scaling.InstanceRefresh{"r-1": first, "r-2": second}}, &tokens{})
	}
	going, done, lost := is("InProgress", 0), is("Successful", time.Hour), is("Failed", time.Hour)
	at(time.Hour, going, done).pending(t)
	if j := at(2*time.Hour, done, going).reached(t); j.Refreshes[1].Going() || !j.Refreshes[2].Going() ||
		j.Refreshes[2].Status != "InProgress" {
		t.Errorf("%+v", j.Refreshes)
	}
	// One that fails is no failure of the wait.
	if j := at(2*time.Hour, lost, done).reached(t); !strings.HasSuffix(j.Refreshes[1].Problem,
		"Auto Scaling says: of something") || j.Refreshes[2].Problem != "" {
		t.Errorf("%+v", j.Refreshes)
	}
	at(48*time.Hour, going, going).pending(t)
	j := at(48*time.Hour+time.Second, going, done).reached(t)
	if !strings.Contains(j.Refreshes[1].Problem, "is InProgress after 48h0m0s") || j.Refreshes[2].Problem != "" {
		t.Errorf("%+v", j.Refreshes)
	}
}

func TestRefreshesThatNobodyKnows(t *testing.T) {
	settle(t, refreshing(), job.ForRefresh, 15*time.Minute, &cloud{}, &tokens{}).pending(t)
	if j := settle(t, refreshing(), job.ForRefresh, 16*time.Minute, &cloud{},
		&tokens{}).reached(t); !strings.Contains(j.Refreshes[1].Problem, "does not know refresh r-1 any more") {
		t.Errorf("%+v", j.Refreshes)
	}
	gone := &cloud{err: &smithy.GenericAPIError{Code: "ValidationError", Message: "no such group"}}
	if j := settle(t, refreshing(), job.ForRefresh, time.Minute, gone,
		&tokens{}).reached(t); !strings.Contains(j.Refreshes[2].Problem, "no such group") {
		t.Errorf("%+v", j.Refreshes)
	}
	busy := settle(t, refreshing(), job.ForRefresh, time.Minute, &cloud{err: &smithy.GenericAPIError{Code: "Throttling"}},
		&tokens{})
	if busy.err == nil || len(busy.tokens.success)+len(busy.tokens.failure) > 0 {
		t.Errorf("a busy Auto Scaling ended the wait: %v", busy.err)
	}
}

func TestForRefresh(t *testing.T) {
	got, err := wait.For(refreshing(), job.ForRefresh)
	if err != nil || got.Resource != "r-1" || !got.Until.Equal(begun.Add(48*time.Hour)) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := wait.For(work(), job.ForRefresh); err == nil {
		t.Error("it waits for nothing")
	}
}
