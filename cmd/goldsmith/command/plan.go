package command

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/shared/copies"
	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/plan"
	"goldsmith/shared/sharing"
	"goldsmith/shared/source"
)

func (t *terms) planCommand() *cobra.Command {
	var path, name, source string
	var set, data []string
	c := &cobra.Command{
		Use:   "plan [PLAN]",
		Short: "Show what a run would do, and do nothing",
		Long: `Plan shows what a run that began now would do: which sources it would image and
how, and which it would leave alone and why; what launch templates and aliases
would point at; which Auto Scaling groups would be refreshed, and what that would
wait for; and what becomes of old images. Instances whose tag names a plan that is
not in the file are listed. It only reads, and decides with the same
code as the run. The plans are those of the file, as a deployment of it would have
them. What uses an old image once groups are refreshed is known only when they are.

Of a snapshot it shows the image that would be registered: each attribute with who
says it, from AMIs and instances of the same volume, from the disk itself, which is
read, from the tag goldsmith:image-settings and, where one is named, from the plan;
or why there would be none. Of a plan of snapshots it shows the same of each.`,
		Example: "  goldsmith plan\n  goldsmith plan nightly\n  goldsmith plan on-demand --source i-0123456789abcdef0\n  " +
			"goldsmith plan --source snap-0123456789abcdef0 --set bootMode=uefi",
		Args: takes(0, 1, "the name of one plan"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				name = args[0]
			}
			if strings.HasPrefix(source, snapshotPrefix) {
				return t.planSnapshot(c.Context(), source, path, name, set, data)
			}
			if len(data) > 0 {
				return misusedf("--data goes with --source snap-..., and with nothing else")
			}
			if len(set) > 0 {
				return misusedf("--set goes with --source snap-..., and with nothing else")
			}
			if source != "" {
				if err := checkSource(source); err != nil {
					return err
				}
			}
			return t.plan(c.Context(), path, name, source)
		},
	}
	c.Flags().StringVar(&path, "plans", plansFile, "the plans' file")
	c.Flags().StringVar(&name, "name", "", "only this plan")
	hidden(c, "name") // What the argument was called at first.
	c.Flags().StringVar(&source, "source", "", "as if it were asked for this one instance or snapshot")
	c.Flags().StringArrayVar(&data, "data", nil,
		"with a snapshot: a data volume for its image, such as /dev/sdf=snap-0123456789abcdef0")
	c.Flags().StringArrayVar(&set, "set", nil,
		"with a snapshot: as if the tag goldsmith:image-settings said this, such as bootMode=uefi")
	return c
}

// checkSource reads an id as trigger will.
func checkSource(id string) error {
	sent, err := event.RunNow{Plan: "plan", Source: id}.MarshalJSON()
	if err == nil {
		_, err = event.Decode(sent, event.Home{})
	}
	if err != nil {
		return misusedf("--source %q is no id of an instance or a snapshot; want i- or snap- and 8 or 17 hex digits", id)
	}
	return nil
}

// planned is what plan shows.
type planned struct {
	// Note is what could not be looked at.
	Note  string        `json:"note,omitempty"`
	Plans []plannedPlan `json:"plans"`
	// Missing are plans that are deployed and not in the file.
	Missing []string `json:"missing,omitempty"`
	// Strays are instances whose tag names a plan that there is not.
	Strays []rehearsal.Stray `json:"strays,omitempty"`
}

type plannedPlan struct {
	rehearsal.Night
	Next *time.Time `json:"next,omitempty"`
	// Undeployed is whether what is deployed goes by another plan of this name, or has none.
	Undeployed bool `json:"undeployed,omitempty"`
	// Paused is whether its schedule is off.
	Paused bool `json:"paused,omitempty"`

	plan plan.Plan
}

func (t *terms) plan(ctx context.Context, path, name, source string) error {
	plans, err := t.plans(path)
	if err != nil {
		return err
	}
	names, err := chosenPlans(plans, name, source)
	if err != nil {
		return err
	}
	found, err := t.planned(ctx, plans, names, source)
	if err != nil {
		return err
	}
	if name != "" || source != "" {
		found.Missing = nil // It is about one plan.
	}
	if err := t.show(found, func(p *page) { found.print(p, t.Now()) }); err != nil {
		return err
	}
	if slices.ContainsFunc(found.Plans, func(p plannedPlan) bool { return p.Refused != "" }) {
		return ended{Failed}
	}
	return nil
}

// planned is what runs of the named plans would do, and what is deployed otherwise.
func (t *terms) planned(ctx context.Context, plans plan.Plans, names []string, source string) (planned, error) {
	stage, note, err := t.stage(ctx)
	if err != nil {
		return planned{}, err
	}
	found := planned{Note: note}
	drift, err := t.drift(ctx, plans, note == "")
	if err != nil {
		return found, err
	}
	found.Missing = drift.missing
	for _, name := range names {
		each, err := t.rehearse(ctx, stage, plans.Plans[name], source)
		if err != nil {
			return found, wrap("rehearsing plan "+name, err)
		}
		each.Undeployed, each.Paused = slices.Contains(drift.changed, name), slices.Contains(drift.paused, name)
		found.Plans = append(found.Plans, each)
	}
	if source == "" {
		found.Strays, err = stage.Strays(ctx, plans)
	}
	return found, wrap("looking for instances whose plan is not there", err)
}

// drift is what is deployed otherwise than the file says: plans that are not deployed as they stand there, that are
// deployed and not in it, and that are paused.
type drift struct{ changed, missing, paused []string }

// drift asks what is deployed. A suite that is not, or that tells nothing of its plans, has no drift.
func (t *terms) drift(ctx context.Context, plans plan.Plans, deployed bool) (d drift, err error) {
	if !deployed {
		return d, nil
	}
	site, err := t.site(ctx)
	if err != nil {
		return d, err
	}
	if d.paused, _, err = site.paused(ctx); err != nil {
		return d, err
	}
	d.changed, d.missing, _, err = site.differs(ctx, plans)
	return d, err
}

// differs names the plans that are not deployed as they are, and those that only what is deployed has; known is whether
// that tells its plans.
func (s site) differs(ctx context.Context, plans plan.Plans) (changed, missing []string, known bool, err error) {
	sums, err := deployment.PlanSums(ctx, lambda.NewFromConfig(s.aws))
	if err != nil || len(sums) == 0 {
		return nil, nil, false, err
	}
	changed, missing = plan.Differs(plans, sums)
	return changed, missing, true, nil
}

// rehearse plays a run of a plan that begins now.
func (t *terms) rehearse(ctx context.Context, stage rehearsal.Stage, p plan.Plan, source string) (plannedPlan, error) {
	run := rehearsal.Scheduled(p, t.Now())
	if source != "" {
		run = rehearsal.Asked(p, source, t.Now())
	}
	night, err := stage.Play(ctx, run, p)
	if err != nil {
		return plannedPlan{}, err
	}
	each := plannedPlan{Night: night, plan: p}
	next, err := upcoming(p, t.Now(), 1)
	if len(next) > 0 {
		each.Next = &next[0]
	}
	return each, err
}

func chosenPlans(plans plan.Plans, name, source string) ([]string, error) {
	if name == "" && source != "" {
		name = plans.Default
	}
	if name == "" {
		return plans.Names(), nil
	}
	if _, ok := plans.Plans[name]; !ok {
		return nil, misusedf("there is no plan %q; there are: %s", name, strings.Join(plans.Names(), ", "))
	}
	return []string{name}, nil
}

// stage is the account as it is. A suite that is not deployed holds no source,
// so plans can be rehearsed before there is one.
func (t *terms) stage(ctx context.Context) (rehearsal.Stage, string, error) {
	site, err := t.site(ctx)
	parameters := ssm.NewFromConfig(site.aws)
	stage := rehearsal.Stage{
		EC2: ec2.NewFromConfig(site.aws), AutoScaling: autoscaling.NewFromConfig(site.aws),
		Balancers:  elasticloadbalancingv2.NewFromConfig(site.aws),
		Parameters: parameters, Agents: parameters, Keys: source.Keys{KMS: kms.NewFromConfig(site.aws), Anyone: true},
		Copies: copies.Wire(site.aws), Afar: rehearsal.Afar(site.aws),
		Sharing: sharing.New(organizations.NewFromConfig(site.aws), kms.NewFromConfig(site.aws)),
		Quotas:  servicequotas.NewFromConfig(site.aws), Blocks: ebs.NewFromConfig(site.aws), Now: t.Now,
	}
	if err == nil {
		stage.Ledger = site.ledger
		functions := lambda.NewFromConfig(site.aws)
		if stage.Path, err = deployment.ImagePath(ctx, functions); err == nil {
			err = grantedKeys(ctx, functions, &stage.Keys)
		}
	}
	var absent *deployment.AbsentError
	switch {
	case errors.As(err, &absent):
		return stage, "Goldsmith is not deployed here yet; this is what it would do.", nil
	case slices.Contains(denied, fault.Code(err)):
		stage.Ledger = nil
		return stage, "These credentials may not ask what is deployed (" + fault.Code(err) +
			"): what runs are working on now, templates and old images are left out.", nil
	default:
		return stage, "", err
	}
}

// grantedKeys finds out on which keys the deployed functions may make grants.
func grantedKeys(ctx context.Context, api deployment.Functions, keys *source.Keys) error {
	setting, err := deployment.VolumeKeys(ctx, api)
	if err == nil && setting != "" {
		keys.Granted, keys.Anyone = source.Listed(setting), false
	}
	return err
}
