package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// Images finds Goldsmith's images and removes them with their snapshots.
type Images interface {
	DescribeImages(context.Context, *ec2.DescribeImagesInput, ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error)
	DeregisterImage(context.Context, *ec2.DeregisterImageInput, ...func(*ec2.Options)) (*ec2.DeregisterImageOutput, error)
}

// Gate says of images what uses them, by id; what it cannot find out it takes for a use.
type Gate interface {
	Uses(ctx context.Context, images []types.Image) (map[string][]string, error)
}

// Leftovers settles the images of jobs that failed or were cut off: each is either
// recorded as good or removed.
type Leftovers struct {
	EC2     Images
	Gate    Gate
	Waits   Waits
	Results Results
	// Tests reports whether the plan of that name has its images tested; nil for no plan.
	Tests func(plan string) bool
	Now   func() time.Time
}

// unproven is how long an image that failed its proof stays, for a person to look at.
const unproven = 24 * time.Hour

// Settle looks at every image of the last days whose job has ended badly. One that cannot
// be settled does not keep the others from it.
func (l Leftovers) Settle(ctx context.Context, claims []ledger.Claim) error {
	images, err := l.recent(ctx)
	if err != nil {
		return err
	}
	var settled, unsure []leftover
	results := map[string]map[string]job.Result{}
	for _, i := range images {
		left, ok, err := l.leftover(ctx, i, claims, results)
		if err != nil {
			return err
		}
		switch {
		case !ok:
		case left.good():
			settled = append(settled, left)
		default:
			unsure = append(unsure, left)
		}
	}
	var problems []error
	for _, left := range settled {
		problems = append(problems, l.keep(ctx, left, "its snapshots were complete"))
	}
	return errors.Join(append(problems, l.decide(ctx, unsure))...)
}

// recent are Goldsmith's images that were begun within the lookback. Older ones were settled
// in their time, or recover has been away for longer than an image takes.
func (l Leftovers) recent(ctx context.Context) ([]types.Image, error) {
	var days []string
	for day := l.Now().UTC(); len(days) <= int(lookback/(24*time.Hour)); day = day.Add(-24 * time.Hour) {
		days = append(days, day.Format(time.DateOnly)+"T*")
	}
	pages := ec2.NewDescribeImagesPaginator(l.EC2, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, MaxResults: aws.Int32(1000),
		Filters: []types.Filter{
			{Name: aws.String("tag:" + tag.Managed), Values: []string{"true"}},
			{Name: aws.String("creation-date"), Values: days},
		},
	})
	var found []types.Image
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the images of the last days: %w", err)
		}
		found = append(found, out.Images...)
	}
	return found, nil
}

// leftover is an image and the result of its job, which does not count it as good.
type leftover struct {
	image  types.Image
	id     string
	result job.Result
	// untested is whether its plan wants a test that it has not passed.
	untested bool
}

// leftover reports whether the image is one. A job in hand is nobody's business, and a job
// without a result proves nothing: a ledger that was lost must not cost good images.
func (l Leftovers) leftover(ctx context.Context, i types.Image, claims []ledger.Claim, results map[string]map[string]job.Result) (leftover, bool, error) {
	tags := tag.Map(i.Tags)
	run, source := tags[tag.Run], tags[tag.Source]
	if slices.ContainsFunc(claims, func(c ledger.Claim) bool { return c.Source == source && c.Run == run }) {
		return leftover{}, false, nil
	}
	if err := l.read(ctx, run, results); err != nil {
		return leftover{}, false, err
	}
	left := leftover{image: i, id: aws.ToString(i.ImageId)}
	var ended bool
	left.result, ended = results[run][source]
	good := left.result.Image.ID == left.id && left.result.Image.State == string(types.ImageStateAvailable)
	// An image that is pending is settled once EC2 has made up its mind; it may not be removed before.
	if !ended || good || image.ProgressOf(i.State) == image.Pending {
		return left, false, nil
	}
	left.untested = l.tests(tags[tag.Plan])
	kept := left.result.Image.State == job.Unproven && l.Now().Sub(left.result.At) < unproven
	return left, !kept, nil
}

// read reads the results of a run, once.
func (l Leftovers) read(ctx context.Context, run string, results map[string]map[string]job.Result) error {
	if _, read := results[run]; read {
		return nil
	}
	results[run] = map[string]job.Result{}
	for r, err := range l.Results.Results(ctx, run) {
		if err != nil {
			return fmt.Errorf("reading the results of run %s: %w", run, err)
		}
		results[run][r.Source] = r
	}
	return nil
}

func (l Leftovers) tests(plan string) bool { return l.Tests != nil && l.Tests(plan) }

// good reports whether the job saw every snapshot while nothing was written any more:
// then the image is whole, whatever failed afterwards.
func (l leftover) good() bool {
	return !l.untested && l.result.Image.ID == l.id && l.result.Image.State != job.Unproven &&
		!l.result.Times.Snapshotted.IsZero() && image.ProgressOf(l.image.State) == image.Available
}

// decide keeps what something uses already, since its job was cut off when it was all but
// done, and removes the rest.
func (l Leftovers) decide(ctx context.Context, unsure []leftover) error {
	if len(unsure) == 0 {
		return nil
	}
	var images []types.Image
	for _, left := range unsure {
		images = append(images, left.image)
	}
	uses, err := l.Gate.Uses(ctx, images)
	if fault.IsNotFound(err) {
		// Another sweep, or a person, has removed one of them meanwhile; the next sweep looks at the others.
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking what uses the images of jobs that were cut off: %w", err)
	}
	var problems []error
	for _, left := range unsure {
		used := uses[left.id]
		if len(used) > 0 && left.untested {
			problems = append(problems, l.doubt(ctx, left))
			continue
		}
		if len(used) > 0 {
			left.result.Ending, left.result.Problem = job.Imaged, ""
			problems = append(problems, l.keep(ctx, left, "in use: "+strings.Join(used, "; ")))
			continue
		}
		problems = append(problems, l.remove(ctx, left))
	}
	return errors.Join(problems...)
}

// keep records the image as good. What rolled it has finished its job, too.
func (l Leftovers) keep(ctx context.Context, left leftover, why string) error {
	handler.Log(ctx).WarnContext(ctx, "kept the image of a job that was cut off", "image", left.id, "source", left.result.Source, "why", why)
	left.result.Image.State = string(types.ImageStateAvailable)
	return l.record(ctx, left)
}

// doubt keeps an image that something uses and that was never proved: its own test instance is
// such a use, and counts as a launch for two days. It is no successor of an older image.
func (l Leftovers) doubt(ctx context.Context, left leftover) error {
	if left.result.Image.State == job.Unproven {
		return nil
	}
	left.result.Image.State = job.Unproven
	return l.record(ctx, left)
}

func (l Leftovers) remove(ctx context.Context, left leftover) error {
	out, err := l.EC2.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: aws.String(left.id), DeleteAssociatedSnapshots: aws.Bool(true)})
	if fault.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing image %s of a job that was cut off: %w", left.id, err)
	}
	log := handler.Log(ctx)
	log.WarnContext(ctx, "removed the image of a job that was cut off", "image", left.id, "source", left.result.Source)
	if err == nil {
		for _, s := range out.DeleteSnapshotResults {
			if s.ReturnCode != types.SnapshotReturnCodesSuccess {
				log.ErrorContext(ctx, "a snapshot of it stays; the next run with a keep rule removes it", "snapshot", aws.ToString(s.SnapshotId), "code", string(s.ReturnCode))
			}
		}
	}
	left.result.Image.State = job.Removed
	return l.record(ctx, left)
}

// record forgets what the job waited for and writes what became of its image.
func (l Leftovers) record(ctx context.Context, left leftover) error {
	if err := forget(ctx, l.Waits, left.id, left.result.Run); err != nil {
		return err
	}
	if other := left.result.Image.ID; other != "" && other != left.id {
		return nil // The result is another image's, which may be good.
	}
	left.result.Image.ID = left.id
	if err := l.Results.PutResult(ctx, left.result); err != nil {
		return fmt.Errorf("recording what became of image %s: %w", left.id, err)
	}
	return nil
}
