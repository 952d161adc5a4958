package sharing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// EC2 gives permissions and takes them back.
type EC2 interface {
	ModifyImageAttribute(context.Context, *ec2.ModifyImageAttributeInput,
		...func(*ec2.Options)) (*ec2.ModifyImageAttributeOutput, error)
	ModifySnapshotAttribute(context.Context, *ec2.ModifySnapshotAttributeInput,
		...func(*ec2.Options)) (*ec2.ModifySnapshotAttributeOutput, error)
}

// Permit lets others launch an image and, where that is wished, make volumes of its snapshots. Sent again it changes
// nothing. An account that EC2 does not know is left out: shared are those that may launch the image.
func Permit(ctx context.Context, api EC2, image string, snapshots []string, with job.Sharing) (shared job.Sharing,
	err error) {
	p := permitting{api: api, image: image, left: halvings}
	if err := p.add(ctx, permissions(with)); err != nil {
		return job.Sharing{}, fmt.Errorf("sharing image %s: %w", image, err)
	}
	known := func(who string) bool { return slices.Contains(p.refused, who) }
	shared = with
	shared.Accounts = slices.DeleteFunc(slices.Clone(with.Accounts), known)
	shared.Organizations = slices.DeleteFunc(slices.Clone(with.Organizations), known)
	if len(p.refused) > 0 {
		shared.Problem = fmt.Sprintf("it is not shared with %s: %s", job.Few(p.refused, named), p.why)
		shared.Do = "Correct share in the plan; the next image is shared as it says then."
	}
	if !with.Snapshots || len(shared.Accounts) == 0 {
		return shared, nil
	}
	for _, id := range snapshots {
		if err := volumes(ctx, api, id, shared.Accounts, types.OperationTypeAdd); err != nil {
			return shared, fmt.Errorf("sharing snapshot %s of image %s: %w", id, image, err)
		}
	}
	return shared, nil
}

// TakeBack ends what Permit did. What is gone is shared with none.
func TakeBack(ctx context.Context, api EC2, image string, snapshots []string, with job.Sharing) error {
	if with.Snapshots {
		for _, id := range snapshots {
			err := volumes(ctx, api, id, with.Accounts, types.OperationTypeRemove)
			if err != nil && !fault.IsNoSnapshot(err) {
				return fmt.Errorf("taking back the sharing of snapshot %s: %w", id, err)
			}
		}
	}
	_, err := api.ModifyImageAttribute(ctx, &ec2.ModifyImageAttributeInput{
		ImageId: aws.String(image), LaunchPermission: &types.LaunchPermissionModifications{Remove: permissions(with)},
	})
	if err != nil && !fault.IsNoImage(err) {
		return fmt.Errorf("taking back the sharing of image %s: %w", image, err)
	}
	return nil
}

func permissions(with job.Sharing) (all []types.LaunchPermission) {
	for _, id := range with.Accounts {
		all = append(all, types.LaunchPermission{UserId: aws.String(id)})
	}
	for _, arn := range with.Organizations {
		p := types.LaunchPermission{OrganizationArn: aws.String(arn)}
		if strings.Contains(arn, ":ou/") {
			p = types.LaunchPermission{OrganizationalUnitArn: aws.String(arn)}
		}
		all = append(all, p)
	}
	return all
}

// halvings is how many more calls find out whom EC2 does not share with: one among two hundred takes sixteen.
const halvings = 40

// permitting is the sharing of one image.
type permitting struct {
	api   EC2
	image string
	left  int
	// refused are those that EC2 does not share with, and why.
	refused []string
	why     string
}

// add shares with all or, where EC2 refuses one of them, with all the others: it refuses a call as a whole.
func (p *permitting) add(ctx context.Context, with []types.LaunchPermission) error {
	_, err := p.api.ModifyImageAttribute(ctx, &ec2.ModifyImageAttributeInput{
		ImageId: aws.String(p.image), LaunchPermission: &types.LaunchPermissionModifications{Add: with},
	})
	switch {
	case err == nil || !fault.IsNoSharee(err) || len(with) > 1 && p.left < 2:
		return err
	case len(with) == 1:
		w := with[0]
		who := aws.ToString(w.UserId) + aws.ToString(w.OrganizationArn) + aws.ToString(w.OrganizationalUnitArn)
		p.refused, p.why = append(p.refused, who), strings.TrimSuffix(fault.Brief(err), ".")
		return nil
	}
	p.left -= 2
	if err := p.add(ctx, with[:len(with)/2]); err != nil {
		return err
	}
	return p.add(ctx, with[len(with)/2:])
}

// volumes changes who may make volumes of a snapshot. One call takes 500 changes (API reference,
// ModifySnapshotAttribute), which a plan stays under.
func volumes(ctx context.Context, api EC2, id string, accounts []string, do types.OperationType) error {
	_, err := api.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: aws.String(id), Attribute: types.SnapshotAttributeNameCreateVolumePermission, OperationType: do,
		UserIds: accounts,
	})
	return err
}
