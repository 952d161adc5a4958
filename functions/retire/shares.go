package retire

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/report"
	"goldsmith/shared/retention"
	"goldsmith/shared/sharing"
	"goldsmith/shared/usage"
)

// sharesAPI gives permissions and takes them back, and has EC2 find out who uses them.
type sharesAPI interface {
	sharing.EC2
	CreateImageUsageReport(context.Context, *ec2.CreateImageUsageReportInput,
		...func(*ec2.Options)) (*ec2.CreateImageUsageReportOutput, error)
}

// ask has EC2 make usage reports, which the next run reads. Asked again in this run it makes no other.
func (r *round) ask(ctx context.Context) error {
	for _, id := range r.Asking {
		_, err := r.EC2.CreateImageUsageReport(ctx, &ec2.CreateImageUsageReportInput{
			ImageId: aws.String(id), ClientToken: aws.String(awsclient.Token("usage", r.page.Run.Name, id)),
			ResourceTypes: []types.ImageUsageResourceTypeRequest{
				{ResourceType: aws.String("ec2:Instance")},
				{
					ResourceType: aws.String("ec2:LaunchTemplate"),
					ResourceTypeOptions: []types.ImageUsageResourceTypeOptionRequest{
						{OptionName: aws.String("version-depth"), OptionValues: []string{usage.Depth}},
					},
				},
			},
		})
		if err == nil || fault.IsNoImage(err) {
			continue
		}
		what := retirement{Subject: id, Name: r.Registered[id].Name}
		if err := r.failed(ctx, what, err, "finding out which accounts use"); err != nil {
			return err
		}
	}
	return nil
}

// unshare takes back the permissions that Goldsmith gave. The image goes later, unless a launch shows until then.
func (r *round) unshare(ctx context.Context, what retirement) error {
	registered := r.Registered[what.Subject]
	snapshots, err := r.sharedSnapshots(ctx, registered)
	if err == nil {
		err = sharing.TakeBack(ctx, r.EC2, what.Subject, snapshots, *registered.Shared)
	}
	if err != nil {
		return r.failed(ctx, what, err, "taking back the sharing of")
	}
	registered.Unshared = r.now
	if err := r.amend(ctx, registered); err != nil {
		return err
	}
	what.Status, what.Due = job.Unshared, r.now.Add(retention.Shown)
	what.Why = append(what.Why, "it was shared with "+report.With(*registered.Shared)+", of which none uses it")
	return r.put(ctx, what)
}

// shareAgain gives an image the permissions back which it had: one that stays, of which they were taken back before it
// was to go, and one that was disabled, which drops them, and that a person has enabled. That one begins anew. It
// returns what it did, in words.
func (r *round) shareAgain(ctx context.Context, d retention.Decision) (string, error) {
	registered := r.Registered[d.ID]
	if registered.Shared == nil || !registered.Known() {
		return "", nil
	}
	taken := !registered.Unshared.IsZero()
	switch {
	case d.Disabled && !taken:
		registered.Unshared = r.now
		return "", r.amend(ctx, registered)
	case !taken, !d.Available, d.Going() && r.Known[d.ID].Status != job.Disabled:
		return "", nil
	}
	snapshots, err := r.sharedSnapshots(ctx, registered)
	if err != nil {
		return "", err
	}
	with, err := sharing.Permit(ctx, r.EC2, d.ID, snapshots, *registered.Shared)
	if err != nil {
		return "", err
	}
	registered.Unshared = time.Time{}
	return fmt.Sprintf("shared again with %s", report.With(with)), r.amend(ctx, registered)
}

// sharedSnapshots are the image's own, where those are shared as well.
func (r *round) sharedSnapshots(ctx context.Context, registered ledger.Registration) ([]string, error) {
	if !registered.Shared.Snapshots {
		return nil, nil
	}
	own, _, err := register.Own(ctx, r.EC2, registered, r.Images[registered.ID])
	return own, err
}
