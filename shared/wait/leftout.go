package wait

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
)

// allTheSame is the job of an available image with a warning of each volume that was to be left out of it and of which
// EC2 has made a snapshot: what NoDevice does with snapshots is not documented, and aws/aws-cli#6334 reports an image
// with them. Nothing was waited for on its account.
func allTheSame(ctx context.Context, api awsAPI, j job.Job, found types.Image) (job.Job, error) {
	if len(j.Image.LeftOut) == 0 {
		return j, nil
	}
	have, err := snapshots(ctx, api, j)
	if err != nil {
		return j, err
	}
	held := map[string]string{}
	for _, m := range found.BlockDeviceMappings {
		if m.Ebs != nil {
			held[aws.ToString(m.DeviceName)] = aws.ToString(m.Ebs.SnapshotId)
		}
	}
	j.Image.LeftOut, j.Warnings = slices.Clone(j.Image.LeftOut), slices.Clone(j.Warnings)
	for i, l := range j.Image.LeftOut {
		snapshot, text := have[l.Volume], "EC2 has made %s of %s (%s), which was to be left out; the image does not hold "+
			"it, "+
			"so that it stays when that goes"
		if id, holds := held[l.Device]; holds {
			snapshot, text = id, "EC2 has made %s of %s (%s), which was to be left out, and the image holds it"
		}
		if snapshot == "" || l.Snapshot != "" {
			continue
		}
		j.Image.LeftOut[i].Snapshot = snapshot
		j.Warnings = append(j.Warnings,
			job.Reason{Code: job.NotLeftOut, Text: fmt.Sprintf(text, snapshot, l.Device, l.Volume)})
	}
	return j, nil
}
