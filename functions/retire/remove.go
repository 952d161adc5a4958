package retire

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
)

// removal ends an image.
type removal interface {
	DisableImage(context.Context, *ec2.DisableImageInput, ...func(*ec2.Options)) (*ec2.DisableImageOutput, error)
	DeregisterImage(context.Context, *ec2.DeregisterImageInput, ...func(*ec2.Options)) (*ec2.DeregisterImageOutput, error)
	ec2.ListImagesInRecycleBinAPIClient
}

// snapshots looks at each snapshot's own result: DeregisterImage succeeds even when it
// deleted none of them (API reference, DeleteSnapshotReturnCode).
func (r *round) snapshots(ctx context.Context, image *retirement, results []types.DeleteSnapshotReturnCode) error {
	for _, result := range results {
		id := aws.ToString(result.SnapshotId)
		switch result.ReturnCode {
		case types.SnapshotReturnCodesSuccess:
		case types.SnapshotReturnCodesWarnSkipped:
			r.left[image.Subject] = true
			image.Why = append(image.Why, "snapshot "+id+" stays, since another image uses it")
		default:
			r.left[image.Subject] = true
			why := fmt.Sprintf("it stays after its image %s is gone, since EC2 says %s; the next run that looks at the whole "+
				"plan tries again", image.Subject, result.ReturnCode)
			if err := r.stuck(ctx, retirement{Subject: id, Name: image.Name}, why); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish prunes the templates of the images that are gone, finds out which are in the Recycle Bin,
// and writes them down.
func (r *round) finish(ctx context.Context) error {
	if err := r.prune(ctx); err != nil {
		return err
	}
	bin, err := r.binned(ctx)
	if err != nil {
		return err
	}
	for _, what := range r.gone {
		// The next round finds it gone, and prunes what is left.
		if what.Templates = r.unpruned[what.Subject]; len(what.Templates) > 0 {
			if err := r.put(ctx, what); err != nil {
				return err
			}
			continue
		}
		if until := bin[what.Subject]; until != "" {
			what.Why = append(what.Why, until)
		}
		r.retired++
		what.Status = job.Retired
		if err := r.put(ctx, what); err != nil {
			return err
		}
		if err := r.ended(ctx, what.Subject); err != nil {
			return err
		}
	}
	return nil
}

// binMost is how many images ListImagesInRecycleBin takes at once (API reference).
const binMost = 20

// binned says of images that are gone that they lie in the Recycle Bin, and until when. Not knowing is
// no reason to keep quiet about the rest.
func (r *round) binned(ctx context.Context) (map[string]string, error) {
	bin := map[string]string{}
	for gone := range slices.Chunk(r.gone, binMost) {
		var ids []string
		for _, what := range gone {
			ids = append(ids, what.Subject)
		}
		pages := ec2.NewListImagesInRecycleBinPaginator(r.EC2, &ec2.ListImagesInRecycleBinInput{ImageIds: ids})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if fault.IsTransient(err) {
				return nil, fmt.Errorf("looking into the Recycle Bin: %w", err)
			}
			if err != nil {
				handler.Log(ctx).WarnContext(ctx, "the Recycle Bin cannot be looked into", "error", err)
				return bin, nil
			}
			for _, i := range out.Images {
				bin[aws.ToString(i.ImageId)] = "it lies in the Recycle Bin until " + job.UTC(aws.ToTime(i.RecycleBinExitTime))
			}
		}
	}
	return bin, nil
}
