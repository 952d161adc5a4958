package asg_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/job"
)

// Every status that the SDK knows has ended or not; the test fails when there is a new one.
func TestProgress(t *testing.T) {
	want := map[types.InstanceRefreshStatus]asg.Progress{
		"Pending": asg.Going, "InProgress": asg.Going, "Baking": asg.Going, "Cancelling": asg.Going,
		"RollbackInProgress": asg.Going,
		"Successful":         asg.Reached,
		"Failed":             asg.Lost, "Cancelled": asg.Lost, "RollbackSuccessful": asg.Lost, "RollbackFailed": asg.Lost,
	}
	for _, status := range types.InstanceRefreshStatus("").Values() {
		if is, ok := want[status]; !ok || asg.ProgressOf(status) != is {
			t.Errorf("%s is %d, want %d (%v)", status, asg.ProgressOf(status), is, ok)
		}
	}
	if asg.ProgressOf("Of tomorrow") != asg.Going {
		t.Error("a status nobody knows has ended")
	}
}

var began = time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)

func rolledBack() types.InstanceRefresh {
	return types.InstanceRefresh{
		InstanceRefreshId: aws.String("r-1"), Status: types.InstanceRefreshStatusRollbackSuccessful,
		StartTime: aws.Time(began), EndTime: aws.Time(began.Add(time.Hour)),
		StatusReason:    aws.String("Done"),
		RollbackDetails: &types.RollbackDetails{RollbackReason: aws.String("the alarm went off")},
	}
}

func TestNoted(t *testing.T) {
	is := rolledBack()
	got := asg.Noted(job.Refresh{Group: "web", ID: "r-1"}, is)
	if got.Going() || !got.Began.Equal(began) || !got.Ended.Equal(began.Add(time.Hour)) ||
		!strings.HasSuffix(got.Problem, "Auto Scaling says: the alarm went off") {
		t.Errorf("%+v", got)
	}
	if behind := asg.Noted(job.Refresh{Group: "web", ID: "r-1", Behind: true}, is); behind.Problem != "" ||
		behind.Going() || !behind.Open() {
		t.Errorf("how somebody else's refresh ended is no problem of ours, and ours is to begin: %+v", behind)
	}
}

func TestNotedWithLittleSaid(t *testing.T) {
	is := rolledBack()
	is.EndTime, is.StatusReason, is.RollbackDetails = nil, nil, nil
	if got := asg.Noted(job.Refresh{Group: "web"}, is); got.Going() || !strings.HasSuffix(got.Problem, "before.") {
		t.Errorf("%+v", got)
	}
	is.Status = types.InstanceRefreshStatusInProgress
	if got := asg.Noted(job.Refresh{Group: "web", ID: "r-1"}, is); !got.Going() || got.Status != "InProgress" {
		t.Errorf("%+v", got)
	}
}
