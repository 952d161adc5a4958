package wait

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// lookCopies waits for the copies that the job's image is registered of: RegisterImage takes completed ones only.
func lookCopies(ctx context.Context, api awsAPI, j job.Job, now time.Time) (job.Job, bool, error) {
	ids := j.Registering.Snapshots()
	if len(ids) == 0 {
		return j, false, fault.Failure("Ask again.", "%s (%s) has no copy", j.Source.Name, j.Source.ID)
	}
	out, err := api.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: ids}},
	})
	if err != nil {
		return j, false, fmt.Errorf("looking at the copies of %s: %w", j.Source.ID, err)
	}
	if len(out.Snapshots) < len(ids) && now.Sub(j.Times.ImageSent) > appearing {
		return j, false, fault.Failure("Ask again.", "a copy of %s (%s) is not there any more: it has been deleted",
			j.Source.Name, j.Source.ID)
	}
	done := len(out.Snapshots) == len(ids)
	for _, s := range out.Snapshots {
		if s.State == types.SnapshotStateError {
			return j, false, fault.Failure("Look at the key that it is encrypted with, and ask again.",
				"copying %s (%s) failed: %s", j.Source.Name, j.Source.ID, aws.ToString(s.StateMessage))
		}
		done = done && s.State == types.SnapshotStateCompleted
	}
	return j, done, nil
}
