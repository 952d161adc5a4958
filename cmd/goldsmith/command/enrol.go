package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/shared/fault"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

func (t *terms) enrolCommand() *cobra.Command {
	var path string
	var yes bool
	c := &cobra.Command{
		Use:   "enrol PLAN INSTANCE...",
		Short: "Have a plan image instances from now on",
		Long: `Enrol shows what the plan would do with the instances, and puts its name into their tag
goldsmith:plan. Plans that the tag names already stay in it. The plans are those of the
file; what is deployed decides what happens.`,
		Example: "  goldsmith enrol nightly i-0123456789abcdef0",
		Args:    atLeast(2, "the name of a plan and the ids of instances"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := t.mayAsk(yes); err != nil {
				return err
			}
			plans, err := t.plans(path)
			if err != nil {
				return err
			}
			if _, err := chosenPlans(plans, args[0], ""); err != nil {
				return err
			}
			if plans.Plans[args[0]].Sources.OfSnapshots() {
				return misusedf("plan %q makes images of snapshots, and of no instance", args[0])
			}
			return t.enrol(c.Context(), plans.Plans[args[0]], args[1:], yes)
		},
	}
	c.Flags().StringVar(&path, "plans", plansFile, "the plans' file")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (t *terms) leaveCommand() *cobra.Command {
	var name string
	var yes bool
	c := &cobra.Command{
		Use:   "leave INSTANCE...",
		Short: "Have no plan image instances from now on",
		Long: `Leave takes plans out of the tag goldsmith:plan of instances: all of them, or one. A run that
works on an instance goes on; images, and what was rolled to them, stay.`,
		Example: "  goldsmith leave i-0123456789abcdef0\n  goldsmith leave --plan nightly i-0123456789abcdef0",
		Args:    atLeast(1, "the ids of instances"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := t.mayAsk(yes); err != nil {
				return err
			}
			return t.leave(c.Context(), name, args, yes)
		},
	}
	c.Flags().StringVar(&name, "plan", "", "only this plan")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func atLeast(least int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least {
			return misusedf("%s needs %s", c.Name(), what)
		}
		for _, id := range args[least-1:] {
			if strings.HasPrefix(id, snapshotPrefix) {
				return misusedf("%s is a snapshot; %s is for instances", id, c.Name())
			}
			if err := checkSource(id); err != nil {
				return misusedf("%q is no id of an instance; want i- and 8 or 17 hex digits", id)
			}
		}
		return nil
	}
}

// enrolment is the plans of an instance, before and after.
type enrolment struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Before []string `json:"before"`
	Plans  []string `json:"plans"`

	// value is what the tag says before.
	value string
}

func (e enrolment) label() string { return clean(report.Label(e.Name, e.ID)) }

// to is what the tag is to say.
func (e enrolment) to() string { return strings.Join(e.Plans, " ") }

func (e enrolment) changes() bool { return !slices.Equal(e.Before, e.Plans) }

// enrolments are the instances as EC2 shows them, with the plans that they are to have.
func enrolments(ctx context.Context, api source.Lister, ids []string,
	edit func(names []string) []string) ([]enrolment, error) {
	var found []enrolment
	for _, id := range ids {
		i, ok, err := source.Find(ctx, api, id)
		switch {
		case err != nil:
			return nil, wrap("looking at "+id, err)
		case !ok || source.Ending(source.State(i)):
			return nil, fault.Failure("Look at the id and at --region. Nothing was changed.",
				"there is no instance %s, or it is terminated", id)
		}
		tags := source.Tags(i)
		e := enrolment{
			ID: id, Name: source.Name(tags, id), Before: append([]string{}, source.Plans(tags)...), value: tags[tag.Plan],
		}
		e.Plans = edit(slices.Clone(e.Before))
		found = append(found, e)
	}
	return found, nil
}

func (t *terms) enrol(ctx context.Context, p plan.Plan, ids []string, yes bool) error {
	stage, _, err := t.stage(ctx)
	if err != nil {
		return err
	}
	found, err := enrolments(ctx, stage.EC2, ids, func(names []string) []string {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
		return names
	})
	if err != nil {
		return err
	}
	stage.EC2 = tagged{stage.EC2, found}
	would := plannedPlan{Night: rehearsal.Night{Plan: p.Name}, plan: p}
	for _, id := range ids {
		each, err := t.rehearse(ctx, stage, p, id)
		if err != nil {
			return wrap("rehearsing plan "+p.Name, err)
		}
		would.Sources, would.Next = append(would.Sources, each.Sources...), each.Next
	}
	if !yes {
		page := t.page()
		would.printSources(page, t.Now())
		fmt.Fprint(t.Out, page)
		if !t.agreed(fmt.Sprintf("Enrol %s in %s?", count(len(found), "instance"), p.Name)) {
			fmt.Fprintln(t.Out, "nothing was changed")
			return nil
		}
	}
	return t.setPlans(ctx, found)
}

// tagged is EC2 as it is once the instances have their tags.
type tagged struct {
	rehearsal.EC2
	enrolments []enrolment
}

// DescribeInstances shows the instances with the tags that they are to have.
func (c tagged) DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput, opts ...func(*ec2.Options)) (
	*ec2.DescribeInstancesOutput, error) {
	out, err := c.EC2.DescribeInstances(ctx, in, opts...)
	if err != nil {
		return nil, err
	}
	for _, r := range out.Reservations {
		for n, i := range r.Instances {
			for _, e := range c.enrolments {
				if e.ID == aws.ToString(i.InstanceId) {
					tags := source.Tags(i)
					tags[tag.Plan] = e.to()
					r.Instances[n].Tags = tag.List(tags)
				}
			}
		}
	}
	return out, nil
}

func (t *terms) leave(ctx context.Context, name string, ids []string, yes bool) error {
	cfg, err := t.connect(ctx)
	if err != nil {
		return err
	}
	found, err := enrolments(ctx, ec2.NewFromConfig(cfg), ids, func(names []string) []string {
		return slices.DeleteFunc(names, func(n string) bool { return name == "" || n == name })
	})
	if err != nil {
		return err
	}
	if !yes {
		for _, e := range found {
			fmt.Fprintf(t.Out, "%s %s\n", e.label(), enrolment{Before: e.Before, Plans: e.Before}.outcome())
		}
		if !t.agreed(fmt.Sprintf("Let %s leave %s?", count(len(found), "instance"), cmp.Or(name, "all plans"))) {
			fmt.Fprintln(t.Out, "nothing was changed")
			return nil
		}
	}
	return t.setPlans(ctx, found)
}

// outcome is what becomes of the plans.
func (e enrolment) outcome() string {
	before, after := strings.Join(e.Before, ", "), strings.Join(e.Plans, ", ")
	switch {
	case !e.changes() && after == "":
		return "is in no plan"
	case !e.changes():
		return "is in " + clean(after)
	case after == "":
		return "is in no plan now; it was in " + clean(before)
	case before == "":
		return "is in " + clean(after) + " now"
	default:
		return "is in " + clean(after) + " now; it was in " + clean(before)
	}
}

// setPlans writes the tags that change, one instance after the other, and shows them.
func (t *terms) setPlans(ctx context.Context, wanted []enrolment) error {
	cfg, err := t.connect(ctx)
	if err != nil {
		return err
	}
	api := ec2.NewFromConfig(cfg)
	done := []enrolment{}
	for _, e := range wanted {
		if e.changes() {
			if err := e.write(ctx, api); err != nil {
				return wrap(fmt.Sprintf("%s tagged; tagging %s", count(len(done), "instance"), e.ID), err)
			}
		}
		done = append(done, e)
	}
	return t.show(map[string]any{"instances": done}, func(p *page) {
		for _, e := range done {
			p.line("%s %s", e.label(), e.outcome())
		}
	})
}

// write puts the plans into the tag. The last one takes the tag off, unless it was changed meanwhile:
// DeleteTags with a value takes off that value alone.
func (e enrolment) write(ctx context.Context, api *ec2.Client) (err error) {
	if len(e.Plans) == 0 {
		_, err = api.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{e.ID},
			Tags: []types.Tag{{Key: aws.String(tag.Plan), Value: aws.String(e.value)}}})
		return err
	}
	_, err = api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{e.ID},
		Tags: []types.Tag{{Key: aws.String(tag.Plan), Value: aws.String(e.to())}}})
	return err
}
