// Package rehearsal says what a run would do, and does nothing. It asks the same
// functions of shared as the workflow's steps, so that a rehearsal equals the night.
package rehearsal

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/attribute"
	"goldsmith/shared/balancer"
	"goldsmith/shared/copies"
	"goldsmith/shared/disk"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/rollout"
	"goldsmith/shared/sharing"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
)

// EC2 is all that a rehearsal asks of EC2: describes.
type EC2 interface {
	sourcesAPI
	usage.EC2
	rollout.Reader
	attribute.API
}

// sourcesAPI is what EC2 knows of sources.
type sourcesAPI interface {
	source.Lister
	source.Investigator
	source.Protector
}

// autoScalingAPI is all that it asks of Auto Scaling.
type autoScalingAPI interface {
	usage.AutoScaling
	autoscaling.DescribeAutoScalingInstancesAPIClient
}

// parametersAPI is all that it asks of Parameter Store.
type parametersAPI interface {
	rollout.Parameters
	usage.Parameters
}

// ledgerAPI is what it reads of the ledger.
type ledgerAPI interface {
	retention.Ledger
	rollout.Ledger
}

// Stage is what a rehearsal looks at. Without a Ledger, before anything is
// deployed, it says nothing of templates and old images: none is Goldsmith's yet.
type Stage struct {
	EC2         EC2
	AutoScaling autoScalingAPI
	Parameters  parametersAPI
	// Balancers have the target groups of instances.
	Balancers balancer.Groups
	// Agents tell which instances take commands; nil where that is not asked.
	Agents ssm.DescribeInstanceInformationAPIClient
	Keys   source.Keys
	// Sharing says what will come of sharing images.
	Sharing sharing.Lookout
	// Copies says what will come of copying them.
	Copies copies.Lookout
	// Afar is where copies are.
	Afar   func(region string) Place
	Quotas source.Quotas
	// Blocks reads the disks of snapshots.
	Blocks disk.API
	Ledger ledgerAPI
	// Path is the Parameter Store path that the aliases of images lie under.
	Path string
	Now  func() time.Time
}

// Night is what a run of a plan would do.
type Night struct {
	Plan string `json:"plan"`
	// Refused is why the run would touch nothing at all.
	Refused   string   `json:"refused,omitempty"`
	Sources   []Source `json:"sources"`
	Templates []Roll   `json:"templates"`
	// Copies are those that each image would have, or why not.
	Copies []job.Copy `json:"copies,omitempty"`
	// Groups are the Auto Scaling groups that use what would be rolled.
	Groups []Group `json:"groups"`
	Images []Image `json:"images"`
	// Blind is why no image would be removed: it cannot be found out what is in use.
	Blind string `json:"blind,omitempty"`
	// BlindIn is why no copy would be removed in a Region.
	BlindIn []Unseen `json:"blindIn,omitempty"`
}

// Unseen is a Region that could not be looked at, and why.
type Unseen struct {
	Region string `json:"region"`
	Why    string `json:"why"`
}

// Play says what the run would do. It makes no call that changes anything.
func (s Stage) Play(ctx context.Context, run job.Run, p plan.Plan) (Night, error) {
	n := Night{Plan: run.Plan, Sources: []Source{}, Templates: []Roll{}, Groups: []Group{}, Images: []Image{}}
	var err error
	n.Copies = s.Copies.Ahead(ctx, p)
	run.Copies = n.Copies
	if p.Sources.OfSnapshots() && (run.Request == nil || run.Request.Source == "") {
		n.Sources, err = s.snapshots(ctx, run, p)
	} else {
		err = s.instances(ctx, run, p, &n)
	}
	if err != nil || n.Refused != "" {
		return n, err
	}
	if s.Ledger == nil {
		return n, nil
	}
	err = s.follow(ctx, run, p, &n)
	return n, err
}

// instances are the sources that the run selects, unless they are more than the plan's limit.
func (s Stage) instances(ctx context.Context, run job.Run, p plan.Plan, n *Night) error {
	selected, err := source.Selected(ctx, s.EC2, run, p.Sources)
	if err != nil {
		return err
	}
	stand := source.StandIns(run, p, s.Now(), selected, nil)
	standing := source.Standing(p, selected, stand)
	_, err = source.WithinLimit(ctx, s.EC2, run, p.Limit, source.Touched(standing))
	var refused *fault.Failed
	if errors.As(err, &refused) {
		n.Refused = refused.Error()
		return nil
	}
	if err == nil {
		n.Sources, err = s.sources(ctx, run, p, standing, others(run, p, selected, stand))
	}
	if err == nil {
		err = s.hooks(ctx, p, n.Sources)
	}
	if err == nil {
		err = s.targets(ctx, p, n.Sources)
	}
	for i, src := range n.Sources {
		if group := source.Tags(src.instance)[tag.Group]; stand[group] == src.ID {
			n.Sources[i].StandsFor = group
		}
	}
	return err
}

// others are the ids that a plan names in vain, and the members for which others of their groups stand.
func others(run job.Run, p plan.Plan, selected []types.Instance, stand map[string]string) (all []Source) {
	ids, why := source.Unenrolled(run, p.Sources, selected)
	for _, id := range ids {
		all = append(all, Source{ID: id, Name: id, Decision: job.SkipIt, Skip: &why})
	}
	for _, i := range selected {
		if reason := source.StoodFor(p, i, stand); reason != nil {
			id := aws.ToString(i.InstanceId)
			src := Source{ID: id, Name: source.Name(source.Tags(i), id), instance: i,
				Running: source.State(i) == types.InstanceStateNameRunning}
			all = append(all, src.skipped(*reason))
		}
	}
	return all
}

// follow says what becomes of all else once the night's sources are imaged.
func (s Stage) follow(ctx context.Context, run job.Run, p plan.Plan, n *Night) error {
	if err := s.lineages(ctx, n.Sources); err != nil {
		return err
	}
	s.grouped(ctx, p, n.Sources)
	if err := s.volumes(ctx, p, n.Sources); err != nil {
		return err
	}
	r, err := s.templates(ctx, run, p, n.Sources)
	if err != nil {
		return err
	}
	n.Templates = r.all
	if n.Groups, err = s.groups(ctx, p, r.prospects, n.Sources); err != nil {
		return err
	}
	left, registered, err := s.images(ctx, run, p, n)
	if err != nil {
		return err
	}
	return s.regions(ctx, registered, visit{run: run, plan: p, rolls: r, left: left}, n)
}

// Scheduled is the run that a plan's schedule would start at a moment.
func Scheduled(p plan.Plan, at time.Time) job.Run {
	at = at.UTC()
	return job.Run{Name: job.RunName(p.Name, at), Plan: p.Name, Scheduled: at, Closes: at.Add(time.Duration(p.Window))}
}

// Asked is the run that a person would start at a moment; source is one instance, or empty for all.
func Asked(p plan.Plan, source string, at time.Time) job.Run {
	run := Scheduled(p, at)
	run.Request = &job.Request{Source: source}
	if source != "" {
		run.Request.Kind = job.KindOf(source)
	}
	return run
}
