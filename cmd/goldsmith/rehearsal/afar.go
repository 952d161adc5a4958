package rehearsal

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"golang.org/x/sync/errgroup"

	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/retention"
	"goldsmith/shared/rollout"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
)

// Place is what a rehearsal asks in the Region of copies.
type Place struct {
	EC2         EC2
	AutoScaling autoScalingAPI
	Parameters  parametersAPI
}

// Afar are the places of who has this configuration.
func Afar(c aws.Config) func(region string) Place {
	return func(region string) Place {
		at := c.Copy()
		at.Region = region
		return Place{EC2: ec2.NewFromConfig(at), AutoScaling: autoscaling.NewFromConfig(at),
			Parameters: ssm.NewFromConfig(at)}
	}
}

// patience is how long a Region may take: one that does not answer does not delay the others.
const patience = time.Minute

// visit is what is known at home before Regions are looked at.
type visit struct {
	run   job.Run
	plan  plan.Plan
	rolls rolls
	left  *after
}

// seen is what the run would do in a Region.
type seen struct {
	rolls  []Roll
	images []Image
	blind  string
}

// regions says what would become of copies: in the Regions where there are any, and where there would be. A Region that
// cannot be looked at is told of, and costs nothing else.
func (s Stage) regions(ctx context.Context, registered []string, v visit, n *Night) error {
	all := slices.Clone(registered)
	for _, c := range n.Copies {
		if c.Problem == "" {
			all = append(all, c.Region)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	found := make([]seen, len(all))
	var group errgroup.Group
	group.SetLimit(lookers)
	for i, region := range all {
		group.Go(func() error {
			found[i] = s.region(ctx, region, v, *n)
			return nil
		})
	}
	_ = group.Wait()
	for i, region := range all {
		n.Templates, n.Images = append(n.Templates, found[i].rolls...), append(n.Images, found[i].images...)
		if found[i].blind != "" {
			n.BlindIn = append(n.BlindIn, Unseen{region, found[i].blind})
		}
	}
	return ctx.Err()
}

func (s Stage) region(ctx context.Context, region string, v visit, n Night) (found seen) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	at, there := s.Afar(region), s.in(region, v, n)
	found.rolls = s.rolledIn(ctx, region, v, there)
	there.point(found.rolls)
	ruled := v.plan
	ruled.Keep = v.plan.KeepIn(region)
	review, err := s.look(ctx, v.run, ruled, retention.Reviewer{Region: region, EC2: there, Ledger: there,
		Usage: usage.Finder{
			EC2: there, AutoScaling: at.AutoScaling, SSM: there.parameters(), Path: s.Path, Now: s.Now,
		}})
	if err == nil {
		err = review.Blind
	}
	if err != nil {
		found.blind = fault.Brief(err)
	}
	for _, i := range shown(review.Decisions, there.expected) {
		i.Region = region
		found.images = append(found.images, i)
	}
	return found
}

// in is a Region of copies as the run would leave it: with a copy of each new image, where nothing stands in its way.
func (s Stage) in(region string, v visit, n Night) *after {
	at := s.Afar(region)
	there := &after{
		EC2: at.EC2, ledgerAPI: v.left.ledgerAPI, values: at.Parameters, run: v.left.run, newest: v.left.newest,
		expected: map[string]bool{}, templates: map[string]string{}, aliases: map[string]string{},
	}
	if !slices.ContainsFunc(n.Copies, func(c job.Copy) bool { return c.Region == region && c.Problem == "" }) {
		return there
	}
	for _, j := range v.left.jobs {
		r := register.CopyOf(j, job.Copy{Region: region}, s.Copies.Home, s.Now())
		r.ID = ExpectedCopy(j.Source.ID)
		there.jobs = append(there.jobs, j)
		there.expected[r.ID] = true
		there.registered = append(there.registered, r)
		there.made = append(there.made, types.Image{
			ImageId: aws.String(r.ID), Name: aws.String(r.AMIName), SourceImageId: aws.String(r.From),
			SourceImageRegion: aws.String(r.FromRegion), State: types.ImageStateAvailable, Tags: tag.List(image.Tags(j)),
		})
	}
	return there
}

// ExpectedCopy is what a copy of a source's image is called that does not exist yet.
func ExpectedCopy(source string) string { return "copy of the " + Expected(source) }

// rolledIn is what the copies in a Region would be rolled into there, once home is rolled.
func (s Stage) rolledIn(ctx context.Context, region string, v visit, there *after) (all []Roll) {
	if !v.plan.RollsIn(region, s.Copies.Home) {
		return nil
	}
	at := s.Afar(region)
	names, first := &titles{
		Ledger: rollout.Seen{Region: region, Ledger: v.rolls.left}, taken: map[string]ledger.Owner{},
	}, map[string]string{}
	finder := rollout.Finder{
		EC2: at.EC2, Groups: at.AutoScaling, Parameters: at.Parameters, Ledger: names, Path: s.Path, Now: s.Now,
		Lineages: lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling},
	}
	for _, image := range v.rolls.images {
		of := image.ID
		if image.ID = ExpectedCopy(image.Source); !there.expected[image.ID] {
			continue
		}
		if v.plan.CopyIn(region).Key != "" {
			image.Machine = image.Under()
		}
		finder.Copied = &rollout.Copied{ID: image.ID, From: of, Region: region, Begun: s.Now(), Home: v.rolls.left}
		found, err := finder.Find(ctx, v.plan.Roll, image)
		if err != nil {
			all = append(all, Roll{Source: image.Source, Region: region, Rolled: rollout.Unfound(image, err).Short()})
			continue
		}
		for _, r := range decided(found, names, first, v.plan.Roll, image) {
			r.Region = region
			all = append(all, r)
		}
	}
	return all
}
