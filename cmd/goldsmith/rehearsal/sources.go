package rehearsal

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"goldsmith/shared/asg"
	"goldsmith/shared/attribute"
	"goldsmith/shared/copies"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
	"goldsmith/shared/sharing"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// Source is one source and what the run would do with it.
type Source struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Decision is what claim would decide.
	Decision job.Decision `json:"decision"`
	// Running is whether it runs now: what is stopped stays so.
	Running bool `json:"running"`
	// StandsFor is the Auto Scaling group that it stands for, where the plan picks one member of each.
	StandsFor string `json:"standsFor,omitempty"`
	// DrainedFrom names the target groups that it would be taken out of while it is down.
	DrainedFrom string `json:"drainedFrom,omitempty"`
	// Skip is why nothing would be done.
	Skip *job.Reason `json:"skip,omitempty"`
	// Warnings are what to know of a source that would be imaged.
	Warnings []job.Reason `json:"warnings,omitempty"`
	// LeftOut are the volumes that its image would be without.
	LeftOut []job.LeftOut `json:"leftOut,omitempty"`
	// General is wanted where a general image would be made of it and rolled, and left where the plan wants one and none
	// would be.
	General job.General `json:"general,omitempty"`
	// Unshared is why its image would not be shared; nil where nothing is known against that, or none would be.
	Unshared *job.Sharing `json:"unshared,omitempty"`
	// Registering is what would be registered of a snapshot, by whose word; nil when its disk was not looked at.
	Registering *attribute.Decision `json:"registering,omitempty"`

	instance types.Instance
	// lineage is as in a job: empty where it is the source itself.
	lineage string
	// taken is when a snapshot was started, and tags are those that it has with its instance's.
	taken time.Time
	tags  map[string]string
	// keys are the KMS keys of its volumes, or of its own; encrypted is whether a snapshot is.
	keys      []string
	encrypted bool
}

// lineages finds out what claim would find the sources to be over time.
func (s Stage) lineages(ctx context.Context, sources []Source) error {
	var members []string
	for _, src := range sources {
		if _, member := source.Tags(src.instance)[tag.Group]; member && src.Decision != job.SkipIt {
			members = append(members, aws.ToString(src.instance.InstanceId))
		}
	}
	found, err := lineage.OfInstances(ctx, s.AutoScaling, members)
	for i, src := range sources {
		if of := found[aws.ToString(src.instance.InstanceId)]; of != "" && of != src.ID {
			sources[i].lineage = of
		}
	}
	return err
}

// volumes warns of volumes that stay, or do not, with what is launched from the images.
func (s Stage) volumes(ctx context.Context, p plan.Plan, sources []Source) error {
	finder := rollout.Finder{EC2: s.EC2, Groups: s.AutoScaling, Path: s.Path, Now: s.Now}
	for i, src := range sources {
		if src.Decision == job.SkipIt || src.Decision == job.RegisterIt {
			continue
		}
		_, warning, err := finder.Volumes(ctx, p, src.job())
		if err != nil {
			return err
		}
		if warning != nil {
			sources[i].Warnings = append(sources[i].Warnings, *warning)
		}
	}
	return nil
}

// rolled reports whether an image would be made of it, and rolled.
func (s Source) rolled() bool { return s.imaged() && s.General != job.GeneralLeft }

// job is the source as jobs have it.
func (s Source) job() job.Source {
	if s.tags != nil {
		return job.Source{ID: s.ID, Name: s.Name, Lineage: s.lineage, Tags: s.tags, Kind: job.Snapshot}
	}
	return source.Without(job.Source{
		ID: s.ID, Name: s.Name, Lineage: s.lineage, Tags: source.Tags(s.instance), Kept: source.Kept(s.instance),
		Products: source.Products(s.instance),
	}, s.LeftOut)
}

// lookers is how many instances are asked about at once. EC2 answers twenty
// describes a second for long, and the night may need some of them.
const lookers = 5

// sources are what select and claim would decide of instances, with the others that are left alone without that.
func (s Stage) sources(ctx context.Context, run job.Run, p plan.Plan, selected []types.Instance,
	others []Source) ([]Source, error) {
	held, err := s.held(ctx)
	if err != nil {
		return nil, err
	}
	facts, refused, err := s.investigate(ctx, run, p, selected)
	if err != nil {
		return nil, err
	}
	found := make([]Source, len(facts))
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(lookers)
	for i, f := range facts {
		group.Go(func() (err error) {
			reason, bad := refused[aws.ToString(f.Instance.InstanceId)]
			found[i], err = s.source(each, f, held)
			if bad && (asksFirst(run) || found[i].Decision == job.StopFirst) {
				found[i] = found[i].skipped(reason)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, f := range facts {
		found[i].ahead(ctx, s.Sharing, run, p, f.ImageKeys())
	}
	all := append(found, others...)
	slices.SortStableFunc(all,
		func(a, b Source) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// ahead sees what will come of sharing its image and the copies of that, as claim does.
func (s *Source) ahead(ctx context.Context, l sharing.Lookout, run job.Run, p plan.Plan, keys []string) {
	if s.keys = keys; s.Decision == job.SkipIt {
		return
	}
	products := s.job().Products
	problem, warnings := l.Ahead(ctx, p.Share, keys, products)
	s.Unshared, s.Warnings = problem, append(slices.Clone(s.Warnings), warnings...)
	s.Warnings = append(s.Warnings, copies.Warnings(p, run.Copies, len(keys) > 0, products)...)
}

// grouped warns of groups that could not launch an image which is encrypted, as claim does.
func (s Stage) grouped(ctx context.Context, p plan.Plan, sources []Source) {
	if p.Roll.Skip {
		return
	}
	takers := rollout.Takers{EC2: s.EC2, Groups: s.AutoScaling, Path: s.Path}
	for i, src := range sources {
		if src.Decision == job.SkipIt {
			continue
		}
		sources[i].Warnings = append(sources[i].Warnings, s.Sharing.Groups(ctx, src.keys,
			func(ctx context.Context) ([]sharing.Group, error) { return takers.Named(ctx, p.Roll, src.job()) })...)
	}
}

// investigate completes what is known of the instances, and gives the reasons of those that EC2 could not start again
// after a stop, as select finds them. What only a dry run under the functions' role tells is not among them.
func (s Stage) investigate(ctx context.Context, run job.Run, p plan.Plan, selected []types.Instance,
) (facts []source.Facts, refused map[string]job.Reason, err error) {
	if run.Quotas, err = source.VCPUs(ctx, s.EC2, s.Quotas, p, selected); err != nil {
		return nil, nil, err
	}
	facts, err = source.Investigate(ctx, s.EC2, source.Facts{Run: run, Plan: p, Now: s.Now()}, selected)
	if err != nil {
		return nil, nil, err
	}
	asked := slices.DeleteFunc(slices.Clone(facts), func(f source.Facts) bool {
		return source.Never(f) != nil || !f.Stops()
	})
	refused, unseen, err := source.Locked(ctx, s.Keys, asked)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range asked {
		if over := f.OverQuota(); over != nil {
			refused[aws.ToString(f.Instance.InstanceId)] = *over
		}
	}
	for i, f := range facts {
		facts[i].KeyUnseen = slices.Contains(unseen, aws.ToString(f.Instance.InstanceId))
	}
	return facts, refused, nil
}

// asksFirst reports whether it is asked before claim's questions whether a source could be started again, as of a
// plan's own sources.
func asksFirst(run job.Run) bool { return run.Request == nil || run.Request.Source == "" }

// held are the claims, by source.
func (s Stage) held(ctx context.Context) (map[string]ledger.Claim, error) {
	held := map[string]ledger.Claim{}
	if s.Ledger == nil {
		return held, nil
	}
	for c, err := range s.Ledger.Claims(ctx) {
		if err != nil {
			return nil, err
		}
		held[c.Source] = c
	}
	return held, nil
}

// source goes through what select and then claim ask of a source, in their order.
func (s Stage) source(ctx context.Context, f source.Facts, held map[string]ledger.Claim) (Source, error) {
	id := aws.ToString(f.Instance.InstanceId)
	src := Source{
		ID: id, Name: source.Name(source.Tags(f.Instance), id), instance: f.Instance,
		Running: source.State(f.Instance) == types.InstanceStateNameRunning,
	}
	if reason := source.Never(f); reason != nil {
		return src.skipped(*reason), nil
	}
	if f.Run.Request != nil && f.Run.Request.Kind == job.Snapshot {
		return src.skipped(job.Reason{Code: job.Evidence,
			Text: "what is registered of a snapshot is decided by its disk"}), nil
	}
	if claim, ok := held[id]; ok {
		other := ledger.HeldError{Source: id, By: claim}
		return src.skipped(other.Reason()), nil
	}
	decision, err := s.decide(ctx, f)
	if err != nil {
		return src, err
	}
	if decision.Skip != nil {
		return src.skipped(*decision.Skip), nil
	}
	src.Decision = decision.Do
	var told []job.Reason
	src.LeftOut, told = f.LeaveOut()
	general, left := f.General()
	src.General, src.Warnings = general, slices.Concat(decision.Warnings, told, left)
	return src, nil
}

// decide asks what claim asks; of what was asked for alone it looks at the instance again, as claim does.
func (s Stage) decide(ctx context.Context, f source.Facts) (source.Decision, error) {
	if f.Run.Request == nil || f.Run.Request.Source == "" {
		return s.ask(ctx, f)
	}
	instance, ok, err := source.Find(ctx, s.EC2, f.Run.Request.Source)
	if err != nil || !ok {
		return source.Decision{Do: job.SkipIt, Skip: &source.Gone}, err
	}
	return s.ask(ctx, f.Of(instance))
}

// ask decides with what Auto Scaling says of a member that would be taken out of service.
func (s Stage) ask(ctx context.Context, f source.Facts) (source.Decision, error) {
	d, err := source.Ask(ctx, s.EC2, f)
	if _, member := source.Tags(f.Instance)[tag.Group]; err != nil || !member || d.Do != job.StopFirst {
		return d, err
	}
	found, err := asg.MemberOf(ctx, s.AutoScaling, aws.ToString(f.Instance.InstanceId))
	if err != nil {
		return d, err
	}
	f.Member = &found
	return source.Decide(f), nil
}

func (s Source) skipped(reason job.Reason) Source {
	s.Decision, s.Skip, s.Warnings, s.LeftOut = job.SkipIt, &reason, nil, nil
	return s
}
