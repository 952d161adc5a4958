package leftovers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
)

// EC2 finds Goldsmith's images and removes them with their snapshots.
type EC2 interface {
	copiesAPI
	DescribeImageAttribute(context.Context, *ec2.DescribeImageAttributeInput,
		...func(*ec2.Options)) (*ec2.DescribeImageAttributeOutput, error)
	ec2.DescribeImagesAPIClient
	DeregisterImage(context.Context, *ec2.DeregisterImageInput, ...func(*ec2.Options)) (*ec2.DeregisterImageOutput, error)
}

// UsageFinder says of images what uses them, by id; what it cannot find out it takes for a use.
type UsageFinder interface {
	Uses(ctx context.Context, images []types.Image) (map[string][]string, error)
	// SnapshotUses says it of snapshots without an image.
	SnapshotUses(ctx context.Context, ids []string) (map[string][]string, error)
}

// Register is what Goldsmith made, as far as sweeping needs it.
type Register interface {
	Unsettled(ctx context.Context) iter.Seq2[ledger.Registration, error]
	Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Settle(ctx context.Context, r ledger.Registration) error
	Retire(ctx context.Context, r ledger.Registration, at time.Time) error
}

// Results is what became of jobs.
type Results interface {
	Results(ctx context.Context, run string) iter.Seq2[job.Result, error]
	PutResult(ctx context.Context, r job.Result) error
}

// Images settles the registered images of jobs that have ended: each is either recorded
// as good or removed.
type Images struct {
	EC2      EC2
	Usage    UsageFinder
	Register Register
	Waits    ledger.Waiting
	Results  Results
	// Tests reports whether the plan of that name has its images tested; nil for no plan.
	Tests func(plan string) bool
	Now   func() time.Time
}

// unproven is how long an image that failed its boot test stays, for a person to look at.
const unproven = 24 * time.Hour

// Settle looks at every image of the unsettled registrations that no claim holds. One that cannot
// be settled does not keep the others from it.
func (l Images) Settle(ctx context.Context, claims []ledger.Claim, open []ledger.Registration) error {
	open = slices.DeleteFunc(slices.Clone(open), func(r ledger.Registration) bool {
		// Copies are the runs' own that asked for them, and after those the retiring runs'.
		return r.Kind != ledger.MadeImage || !r.Known() || r.IsCopy() || Held(claims, r)
	})
	images, err := l.described(ctx, open)
	if err != nil {
		return err
	}
	var unsure []leftover
	var problems []error
	results := map[string]map[string]*job.Result{}
	for _, r := range open {
		left, ok, err := l.leftover(ctx, r, images, results)
		switch {
		case err != nil:
			problems = append(problems, unlessMoved(err))
		case !ok:
		case left.good():
			problems = append(problems, unlessMoved(l.keep(ctx, left, "its snapshots were complete")))
		default:
			unsure = append(unsure, left)
		}
	}
	return errors.Join(append(problems, l.decide(ctx, unsure))...)
}

// Held reports whether a claim stands for the job that a registration is of.
func Held(claims []ledger.Claim, r ledger.Registration) bool {
	_, ok := ledger.FindClaim(claims, r.Source, r.Run)
	return ok
}

// described are the images under the registered names. A name tells an image also when the answer
// to its creation was lost.
func (l Images) described(ctx context.Context, open []ledger.Registration) (map[string]types.Image, error) {
	found := map[string]types.Image{}
	for some := range slices.Chunk(open, awsclient.FilterValues) {
		var names []string
		for _, r := range some {
			names = append(names, r.AMIName)
		}
		pages := ec2.NewDescribeImagesPaginator(l.EC2, &ec2.DescribeImagesInput{
			Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), MaxResults: aws.Int32(1000),
			Filters: []types.Filter{{Name: aws.String("name"), Values: names}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("looking for the images of jobs that have ended: %w", err)
			}
			for _, i := range out.Images {
				found[aws.ToString(i.Name)] = i
			}
		}
	}
	return found, nil
}

// leftover is an image and the result of its job, which does not count it as good. What a run has made of one source
// shares that.
type leftover struct {
	image      types.Image
	id         string
	registered ledger.Registration
	result     *job.Result
	// untested is whether its plan wants a test that it has not passed.
	untested bool
}

// leftover reports whether the image is one. What EC2's facts do not show to be the registered image is
// left alone, and a job without a result proves nothing: a ledger that was lost must not cost good images.
func (l Images) leftover(ctx context.Context, r ledger.Registration, images map[string]types.Image,
	results map[string]map[string]*job.Result) (left leftover, ok bool, err error) {
	i := images[r.AMIName]
	if register.Image(r, i) != nil {
		return left, false, l.missing(ctx, r)
	}
	if r, err = l.answered(ctx, r, i); err != nil {
		return left, false, err
	}
	if err := l.read(ctx, r.Run, results); err != nil {
		return left, false, err
	}
	left = leftover{image: i, id: r.ID, registered: r}
	var ended bool
	if left.result, ended = results[r.Run][r.Source]; !ended && r.Anew.IsZero() && r.Adopted == "" {
		return leftover{}, false, l.forget(ctx, r)
	}
	return l.unsettled(ctx, left)
}

// unsettled reports whether the image of a job that has ended is one.
func (l Images) unsettled(ctx context.Context, left leftover) (leftover, bool, error) {
	switch r := left.registered; {
	case !r.Anew.IsZero() || r.Adopted != "":
		// A person had it back from the Recycle Bin, or said that it is Goldsmith's.
		return leftover{}, false, l.Register.Settle(ctx, r)
	case left.result.Counts(left.id):
		return leftover{}, false, l.settled(ctx, left)
	case !r.Going.IsZero():
		return leftover{}, false, l.hadBack(ctx, r)
	case image.ProgressOf(left.image.State) == image.Pending:
		// It is settled once EC2 has made up its mind; it may not be removed before.
		return leftover{}, false, nil
	}
	// Until its job has ended well it is not known how an image of a snapshot is billed, or it is known to be wrong.
	left.untested = l.tests(left.registered.Plan) || left.registered.Call == ledger.RegisterImage
	kept := left.recorded().State == job.Unproven && l.Now().Sub(left.result.At) < unproven
	return left, !kept, nil
}

// missing ends the registration of an image that was never made. One that has an id was removed by
// somebody, which the next run that retires finds out with its snapshots.
func (l Images) missing(ctx context.Context, r ledger.Registration) error {
	if r.ID == "" && r.Call == ledger.RegisterImage {
		return l.unmade(ctx, r)
	}
	if r.ID == "" && l.Now().Sub(r.Begun) > executions.Lookback {
		return l.Register.Retire(ctx, r, l.Now())
	}
	r, err := l.going(ctx, r)
	if err != nil {
		return err
	}
	return l.forget(ctx, r)
}

// unshownImage is how long EC2 may say of an image that was just made that it does not exist.
const unshownImage = time.Hour

// going writes down that EC2 says of an image that it is gone: an answer that leaves it out proves nothing.
func (l Images) going(ctx context.Context, r ledger.Registration) (ledger.Registration, error) {
	if r.ID == "" || !r.Going.IsZero() || r.Revision == "" || l.Now().Sub(r.Begun) < unshownImage {
		return r, nil
	}
	_, err := l.EC2.DescribeImageAttribute(ctx, &ec2.DescribeImageAttributeInput{
		ImageId: aws.String(r.ID), Attribute: types.ImageAttributeNameDescription,
	})
	if !fault.IsNoImage(err) {
		return r, err
	}
	r.Going = l.Now()
	return written(ctx, l.Register, r)
}

// hadBack settles an image that is there though it was about to be removed, or was gone: a person may have had it
// back, so that it begins anew, and stays.
func (l Images) hadBack(ctx context.Context, r ledger.Registration) error {
	if l.Now().Sub(r.Going) < ledger.Removing {
		return nil
	}
	handler.Log(ctx).WarnContext(ctx, "kept an image that may have been had back", "image", r.ID, "source", r.Source,
		"run", r.Run)
	r.Anew, r.Going = l.Now(), time.Time{}
	r, err := written(ctx, l.Register, r)
	if err != nil {
		return err
	}
	return l.Register.Settle(ctx, r)
}

// forget looks at a registration no more once no run can come back to it.
func (l Images) forget(ctx context.Context, r ledger.Registration) error {
	if l.Now().Sub(r.Begun) <= executions.Lookback {
		return nil
	}
	return l.Register.Settle(ctx, r)
}

// answered writes down the id of an image whose creation was never answered.
func (l Images) answered(ctx context.Context, r ledger.Registration, i types.Image) (ledger.Registration, error) {
	if r.ID != "" && r.Revision != "" {
		return r, nil
	}
	r.ID = aws.ToString(i.ImageId)
	handler.Log(ctx).WarnContext(ctx, "unanswered image found", "image", r.ID, "source", r.Source,
		"run", r.Run)
	return written(ctx, l.Register, r)
}

// written stores what has changed of a registration.
func written(ctx context.Context, into Register, r ledger.Registration) (ledger.Registration, error) {
	put := into.Amend
	if r.Revision == "" {
		put = into.Register
	}
	r, err := put(ctx, r)
	if err != nil {
		return r, fmt.Errorf("registering %s: %w", r.ID, err)
	}
	return r, nil
}

// unlessMoved is nil when another sweep has changed the registration meanwhile: the next one looks anew.
func unlessMoved(err error) error {
	if errors.As(err, new(*ledger.MovedError)) {
		return nil
	}
	return err
}

// settled writes down that the image is good and which snapshots are its own: nothing has to look at it any more.
func (l Images) settled(ctx context.Context, left leftover) error {
	left.registered.Good, left.registered.Snapshots = true, register.Snapshots(left.registered, left.image)
	r, err := written(ctx, l.Register, left.registered)
	if err != nil {
		return err
	}
	return l.Register.Settle(ctx, r)
}

// read reads the results of a run, once.
func (l Images) read(ctx context.Context, run string, results map[string]map[string]*job.Result) error {
	if _, read := results[run]; read {
		return nil
	}
	results[run] = map[string]*job.Result{}
	for r, err := range l.Results.Results(ctx, run) {
		if err != nil {
			return fmt.Errorf("reading the results of run %s: %w", run, err)
		}
		results[run][r.Source] = &r
	}
	return nil
}

func (l Images) tests(plan string) bool { return l.Tests != nil && l.Tests(plan) }
