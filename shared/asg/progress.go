package asg

import (
	"cmp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/job"
)

// Progress is how far an instance refresh has come.
type Progress int

const (
	// Going means that it has not ended.
	Going Progress = iota
	// Reached means that the group runs on what was asked for.
	Reached
	// Lost means that it ended otherwise.
	Lost
)

// ProgressOf classifies a status. One that is not known is waited for: statuses
// were added before, and a wait has its own last moment.
func ProgressOf(s types.InstanceRefreshStatus) Progress {
	switch s {
	case types.InstanceRefreshStatusSuccessful:
		return Reached
	case types.InstanceRefreshStatusFailed, types.InstanceRefreshStatusCancelled,
		types.InstanceRefreshStatusRollbackSuccessful, types.InstanceRefreshStatusRollbackFailed:
		return Lost
	case types.InstanceRefreshStatusPending, types.InstanceRefreshStatusInProgress, types.InstanceRefreshStatusBaking,
		types.InstanceRefreshStatusCancelling, types.InstanceRefreshStatusRollbackInProgress:
		return Going
	}
	return Going
}

// Noted is a record brought up to what Auto Scaling says of its refresh. The
// problem of one that ended otherwise than asked for is Auto Scaling's own reason.
func Noted(r job.Refresh, is types.InstanceRefresh) job.Refresh {
	r.Status = string(is.Status)
	if is.StartTime != nil {
		r.Began = is.StartTime.UTC()
	}
	switch ProgressOf(is.Status) {
	case Reached:
		r.Ended = endOf(is)
	case Lost:
		r.Ended = endOf(is)
		if !r.Behind {
			r.Problem = lost(is)
		}
	case Going:
	}
	return r
}

// endOf is a moment in any case: a refresh that has ended is not open any more.
func endOf(is types.InstanceRefresh) time.Time {
	return cmp.Or(aws.ToTime(is.EndTime), aws.ToTime(is.StartTime), time.Unix(0, 0)).UTC()
}

func lost(is types.InstanceRefresh) string {
	what := map[types.InstanceRefreshStatus]string{
		types.InstanceRefreshStatusFailed: "The refresh failed: some instances may run on the new image, " +
			"others on the old one",
		types.InstanceRefreshStatusCancelled: "The refresh was cancelled: some instances may run on the new " +
			"image, others on the old one",
		types.InstanceRefreshStatusRollbackSuccessful: "The refresh failed and was rolled back: the group launches what " +
			"it did before",
		types.InstanceRefreshStatusRollbackFailed: "The refresh failed, and so did rolling it back",
	}[is.Status]
	why := aws.ToString(is.StatusReason)
	if details := is.RollbackDetails; details != nil {
		why = cmp.Or(aws.ToString(details.RollbackReason), why)
	}
	if why == "" {
		return what + "."
	}
	return what + ". Auto Scaling says: " + why
}
