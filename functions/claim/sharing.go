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
	"goldsmith/shared/sharing"
	"goldsmith/shared/source"
)

// ahead sees, before anything is stopped, what will come of sharing the image and its copies, and whether the groups
// that take it can launch it. Whatever that is, the image is made.
func (s Step) ahead(ctx context.Context, j job.Job) job.Job {
	j.Sharing, j.Shared = false, nil
	shares, grouped := j.Plan.Shares(), grouped(j)
	if !shares && !grouped || j.Decision == job.SkipIt || j.Decision == job.WaitFirst {
		return j
	}
	j.Warnings = slices.Clone(j.Warnings)
	keys, err := s.keys(ctx, j.Source)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "volume keys not read", "source", j.Source.ID,
			"error", err)
		unseen := job.Reason{Code: job.SharingUnseen,
			Text: "under which keys its volumes are could not be seen before it was imaged: " + fault.Brief(err)}
		if !shares {
			unseen.Code = job.GroupsUnseen
		}
		j.Warnings = append(j.Warnings, unseen)
	}
	if shares {
		problem, warnings := s.Sharing.Ahead(ctx, j.Plan.Share, keys, j.Source.Products)
		j.Sharing, j.Shared = problem == nil && !j.Plan.Share.IsZero(), problem
		j.Warnings = append(j.Warnings, warnings...)
		j.Warnings = append(j.Warnings, copies.Warnings(j.Plan, j.Run.Copies, len(keys) > 0, j.Source.Products)...)
	}
	if grouped {
		j.Warnings = append(j.Warnings, s.Sharing.Groups(ctx, keys, func(ctx context.Context) ([]sharing.Group, error) {
			return s.Takers.Named(ctx, j.Plan.Roll, j.Source)
		})...)
	}
	return j
}

// grouped reports whether groups may launch an image of the job that is encrypted.
func grouped(j job.Job) bool {
	return !j.Plan.Roll.Skip && slices.Contains(j.Source.Notes, job.Encrypted)
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
	unread := slices.DeleteFunc(f.Unread, func(volume string) bool { return !slices.Contains(of.Volumes, volume) })
	if err == nil && len(unread) > 0 {
		err = fmt.Errorf("EC2 does not say under which key volume %s is", job.Few(unread, 1))
	}
	return f.KeysOf(of.Volumes), err
}
