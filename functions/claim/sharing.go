package claim

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/copies"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/source"
)

// ahead sees, before anything is stopped, what will come of sharing the image and its copies. Whatever that is, the
// image is made.
func (s Step) ahead(ctx context.Context, j job.Job) job.Job {
	j.Sharing, j.Shared = false, nil
	if !j.Plan.Shares() || j.Decision == job.SkipIt || j.Decision == job.WaitFirst {
		return j
	}
	keys, err := s.keys(ctx, j.Source)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "volume keys not read", "source", j.Source.ID,
			"error", err)
		j.Warnings = append(slices.Clone(j.Warnings), job.Reason{Code: job.SharingUnseen,
			Text: "under which keys its volumes are could not be seen before it was imaged: " + fault.Brief(err)})
	}
	problem, warnings := s.Sharing.Ahead(ctx, j.Plan.Share, keys)
	j.Sharing, j.Shared = problem == nil && !j.Plan.Share.IsZero(), problem
	j.Warnings = append(slices.Clone(j.Warnings), warnings...)
	j.Warnings = append(j.Warnings, copies.Warnings(j.Plan, j.Run.Copies, len(keys) > 0)...)
	return j
}

// keys are the KMS keys of what the image is made of.
func (s Step) keys(ctx context.Context, of job.Source) ([]string, error) {
	if of.Kind == job.Snapshot {
		found, ok, err := source.FindSnapshot(ctx, s.EC2, of.ID)
		if err != nil || !ok || found.KmsKeyId == nil {
			return nil, err
		}
		return []string{aws.ToString(found.KmsKeyId)}, nil
	}
	f, err := source.WithKeys(ctx, s.EC2, source.Facts{Instance: types.Instance{InstanceId: aws.String(of.ID)}})
	if err == nil && len(f.Unread) > 0 {
		err = fmt.Errorf("EC2 does not say under which key volume %s is", job.Few(f.Unread, 1))
	}
	return f.Keys, err
}
