package group

import "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

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
