package command

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/ledger"
	"goldsmith/shared/report"
	"goldsmith/shared/retention"
)

// made is what the register has of images, by their ids.
type made map[string]ledger.Registration

// registered reads the register.
func registered(ctx context.Context, l retention.Ledger) (made, error) {
	all := made{}
	for r, err := range l.Registrations(ctx, "") {
		if err != nil {
			return nil, wrap("reading the register", err)
		}
		all[r.ID] = r
	}
	return all, nil
}

// regions are those of copies beside the suite's own, in order.
func (m made) regions(home string) (all []string) {
	for _, r := range m {
		if r.IsCopy() && r.Region != home && r.Retired.IsZero() && !slices.Contains(all, r.Region) {
			all = append(all, r.Region)
		}
	}
	slices.Sort(all)
	return all
}

// shared says of images whom Goldsmith shares them with.
func (m made) shared(shown []goldenImage) {
	for n, i := range shown {
		if r := m[i.ID]; r.Shared != nil && r.Unshared.IsZero() && !i.Unregistered &&
			i.State != string(types.ImageStateDisabled) {
			with := *r.Shared
			shown[n].Shared = &with
		}
	}
}

// without says of images which are general, and which devices of their sources were left out and are not in them.
func (m made) without(images []types.Image, shown []goldenImage) {
	for n, i := range images {
		if shown[n].Unregistered {
			continue
		}
		shown[n].General = m[shown[n].ID].General
		shown[n].Without = slices.DeleteFunc(slices.Clone(m[shown[n].ID].LeftOut), func(device string) bool {
			return slices.ContainsFunc(i.BlockDeviceMappings, func(d types.BlockDeviceMapping) bool {
				return d.Ebs != nil && aws.ToString(d.DeviceName) == device
			})
		})
	}
}

// under says of images which KMS keys their snapshots are under. What a role may not see is left out.
func under(ctx context.Context, client *ec2.Client, images []types.Image,
	shown []goldenImage) (note string, err error) {
	keys, err := keysOf(ctx, client, encrypted(images))
	switch {
	case slices.Contains(denied, fault.Code(err)):
		return "Under which keys images are is left out: " + fault.Brief(err), nil
	case err != nil:
		return "", wrap("looking at the snapshots of images", err)
	}
	for n, i := range images {
		for _, id := range image.Snapshots(i) {
			if key := keys[id]; key != "" && !slices.Contains(shown[n].Keys, key) {
				shown[n].Keys = append(shown[n].Keys, key)
			}
		}
	}
	return "", nil
}

// encrypted are the snapshots of images that are.
func encrypted(images []types.Image) (ids []string) {
	for _, i := range images {
		for _, m := range i.BlockDeviceMappings {
			if m.Ebs != nil && aws.ToBool(m.Ebs.Encrypted) && m.Ebs.SnapshotId != nil {
				ids = append(ids, *m.Ebs.SnapshotId)
			}
		}
	}
	return ids
}

// keysOf are the keys of snapshots.
func keysOf(ctx context.Context, client *ec2.Client, ids []string) (map[string]string, error) {
	keys := map[string]string{}
	for some := range slices.Chunk(ids, awsclient.FilterValues) {
		pages := ec2.NewDescribeSnapshotsPaginator(client, &ec2.DescribeSnapshotsInput{
			Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: some}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, s := range out.Snapshots {
				keys[aws.ToString(s.SnapshotId)] = aws.ToString(s.KmsKeyId)
			}
		}
	}
	return keys, nil
}

// keyed are the keys' ids, which are what a table has room for.
func (i goldenImage) keyed() string {
	var ids []string
	for _, key := range i.Keys {
		ids = append(ids, key[strings.LastIndex(key, "/")+1:])
	}
	return strings.Join(ids, ", ")
}

func (i goldenImage) with() string {
	if i.Shared == nil {
		return ""
	}
	return report.With(*i.Shared)
}
