package group_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/group"
	"goldsmith/shared/job"
)

// Every status that the SDK knows has ended or not; the test fails when there is a new one.
func TestProgress(t *testing.T) {
	want := map[types.InstanceRefreshStatus]group.Progress{
		"Pending": group.Going, "InProgress": group.Going, "Baking": group.Going, "Cancelling": group.Going, "RollbackInProgress": group.Going,
		"Successful": group.Reached,
		"Failed":     group.Lost, "Cancelled": group.Lost, "RollbackSuccessful": group.Lost, "RollbackFailed": group.Lost,
	}
	for _, status := range types.InstanceRefreshStatus("").Values() {
		if is, ok := want[status]; !ok || group.ProgressOf(status) != is {
			t.Errorf("%s is %d, want %d (%v)", status, group.ProgressOf(status), is, ok)
		}
	}
	if group.ProgressOf("Of tomorrow") != group.Going {
		t.Error("a status nobody knows has ended")
	}
}

var began = time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)

func rolledBack() types.InstanceRefresh {
	return types.InstanceRefresh{
		InstanceRefreshId: aws.String("r-1"), Status: types.InstanceRefreshStatusRollbackSuccessful, StartTime: aws.Time(began), EndTime: aws.Time(began.Add(time.Hour)),
		StatusReason: aws.String("Done"), RollbackDetails: &types.RollbackDetails{RollbackReason: aws.String("the alarm went off")},
	}
}

func TestNoted(t *testing.T) {
	is := rolledBack()
	got := group.Noted(job.Refresh{Group: "web", ID: "r-1"}, is)
	if got.Going() || !got.Began.Equal(began) || !got.Ended.Equal(began.Add(time.Hour)) || !strings.HasSuffix(got.Problem, "Auto Scaling says: the alarm went off") {
		t.Errorf("%+v", got)
	}
	if behind := group.Noted(job.Refresh{Group: "web", ID: "r-1", Behind: true}, is); behind.Problem != "" || behind.Going() || !behind.Open() {
		t.Errorf("how somebody else's refresh ended is no problem of ours, and ours is to begin: %+v", behind)
	}
}

func TestNotedWithLittleSaid(t *testing.T) {
	is := rolledBack()
	is.EndTime, is.StatusReason, is.RollbackDetails = nil, nil, nil
	if got := group.Noted(job.Refresh{Group: "web"}, is); got.Going() || !strings.HasSuffix(got.Problem, "before.") {
		t.Errorf("%+v", got)
	}
	is.Status = types.InstanceRefreshStatusInProgress
	if got := group.Noted(job.Refresh{Group: "web", ID: "r-1"}, is); !got.Going() || got.Status != "InProgress" {
		t.Errorf("%+v", got)
	}
}
