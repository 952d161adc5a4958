package retire

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// orphaned are the registrations of images that EC2 does not list any more, by id, without those whose snapshots
// still have their grace, and without those that this plan removed and whose templates are still to be pruned.
func (r *round) orphaned() []ledger.Registration {
	var gone []ledger.Registration
	for _, id := range slices.Sorted(maps.Keys(r.Registered)) {
		registered := r.Registered[id]
		_, held := ledger.FindClaim(r.Claims, registered.Source, registered.Run)
		old := r.now.Sub(registered.Begun) > orphanAge
		ours := len(r.unpruned[id]) > 0
		if !r.Shown[id] && !held && !ours && registered.Known() && old && !r.waiting(registered) {
			gone = append(gone, registered)
		}
	}
	return gone[:min(len(gone), sweepMost)]
}

// waiting is whether an image that others deregistered was missed for less than the grace period.
func (r *round) waiting(registered ledger.Registration) bool {
	return registered.Gone.IsZero() && r.now.Before(r.until(registered.Missed))
}

func (r *round) until(missed time.Time) time.Time {
	return missed.Add(time.Duration(r.page.Plan.Keep.Grace))
}

// proven leaves out the images of which EC2 does not say that they are gone: an answer that lists none proves
// nothing, and DescribeImages answers so for days (spulec/moto#5050). DescribeImageAttribute has no empty answer.
func (r *round) proven(ctx context.Context, owners []ledger.Registration) ([]ledger.Registration, error) {
	var proven []ledger.Registration
	for _, registered := range owners {
		gone, err := r.says(ctx, registered.ID)
		if err != nil {
			return nil, fmt.Errorf("asking EC2 for image %s: %w", registered.ID, err)
		}
		if gone {
			proven = append(proven, registered)
		}
	}
	return proven, nil
}

// says is whether EC2 says of that very image that it is gone.
func (r *round) says(ctx context.Context, id string) (bool, error) {
	_, err := r.EC2.DescribeImageAttribute(ctx, &ec2.DescribeImageAttributeInput{
		ImageId: aws.String(id), Attribute: types.ImageAttributeNameDescription,
	})
	if fault.IsNoImage(err) {
		return true, nil
	}
	return false, err
}

// miss tells that others deregistered an image, until when its snapshots are kept and what brings it back. It is
// written down last: what is cut off in between is told again.
func (r *round) miss(ctx context.Context, registered ledger.Registration, left []string) error {
	due := r.until(r.now)
	why := fmt.Sprintf("it was deregistered, and not by Goldsmith; its snapshots (%s) are kept until %s;"+
		" until then it can be had back from the Recycle Bin, where that holds it,"+
		" or registered from them (aws ec2 register-image)",
		strings.Join(left, ", "), job.UTC(due))
	what := retirement{Subject: registered.ID, Name: registered.Name, Status: job.Missed, Why: []string{why}, Due: due}
	if err := r.put(ctx, what); err != nil {
		return err
	}
	registered.Missed = r.now
	return r.amend(ctx, registered)
}
