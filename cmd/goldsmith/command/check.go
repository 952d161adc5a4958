package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/spf13/cobra"

	"goldsmith/shared/copies"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
	"goldsmith/shared/sharing"
)

// plansFile is where the plans lie unless a flag says otherwise.
const plansFile = "plans.yaml"

func (t *terms) checkCommand() *cobra.Command {
	var ask bool
	c := &cobra.Command{
		Use:   "check [plans.yaml]",
		Short: "Check plans, and show when they are due",
		Long: `Check reads plans and tells everything that is wrong with them, each with its
line; or, when nothing is, what they are and the next three times of each. It
asks AWS nothing, unless --ask is given: then it tells which Regions of copies the
account has not enabled, which keys are not there or not enabled, and whether the
organization is the account's own. Where --region says in which Region they are to be
deployed, it tells which copies cannot be there as well.`,
		Example: "  goldsmith check\n  goldsmith check team/plans.yaml -o json\n  goldsmith check --region eu-central-1\n  " +
			"goldsmith check --ask",
		Args: takes(0, 1, "the path of one plans' file"),
		RunE: func(c *cobra.Command, args []string) error {
			path := plansFile
			if len(args) > 0 {
				path = args[0]
			}
			return t.check(c.Context(), path, ask)
		},
	}
	c.Flags().BoolVar(&ask, "ask", false, "ask AWS as well what the account has of what plans name")
	return c
}

// checked is what check shows.
type checked struct {
	File     string        `json:"file"`
	Problems []problem     `json:"problems,omitempty"`
	Warnings []problem     `json:"warnings,omitempty"`
	Default  string        `json:"default,omitempty"`
	Plans    []checkedPlan `json:"plans,omitempty"`
}

type problem struct {
	Line int    `json:"line"`
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

// warning is what may be right, as compilers tell it.
func (p problem) warning(path string) string {
	return fmt.Sprintf("%s:%d: warning: %s: %s", filepath.Base(path), p.Line, p.Path, p.Text)
}

type checkedPlan struct {
	plan.Plan
	Next []time.Time `json:"next,omitempty"`
}

func (t *terms) check(ctx context.Context, path string, ask bool) error {
	cfg, region, err := t.checkedFor(ctx, ask)
	if err != nil {
		return err
	}
	file, err := planfile.Open(path, region, t.Now())
	var invalid *planfile.InvalidError
	if errors.As(err, &invalid) {
		return t.showProblems(path, invalid, file.Doubts)
	}
	if err != nil {
		return unread(path, err)
	}
	doubts := file.Doubts
	if ask {
		seen, err := asked(ctx, cfg, file.Plans)
		if err != nil {
			return wrap("asking AWS about "+path, err)
		}
		doubts = file.Invalid(seen.Doubts) // EC2 and KMS know what there is, and leave no doubt of it.
		if invalid := file.Invalid(seen.Problems); invalid != nil {
			return t.showProblems(path, invalid, doubts)
		}
	}
	return t.showPlans(checked{File: path, Default: file.Default, Warnings: problems(doubts)}, file.Plans)
}

// checkedFor is whom to ask, and the Region that the plans are for; empty for any.
func (t *terms) checkedFor(ctx context.Context, ask bool) (cfg aws.Config, region string, err error) {
	region = t.account.Region
	if region != "" && plan.PartitionOf(region) == "" {
		return cfg, region, misusedf("--region: %s", plan.NoRegion(region))
	}
	if ask {
		cfg, err = t.connect(ctx)
		region = cfg.Region
	}
	return cfg, region, err
}

// showPlans tells what the plans are, and when they are due.
func (t *terms) showPlans(found checked, plans plan.Plans) error {
	for _, name := range plans.Names() {
		next, err := upcoming(plans.Plans[name], t.Now(), 3)
		if err != nil {
			return err
		}
		found.Plans = append(found.Plans, checkedPlan{plans.Plans[name], next})
	}
	return t.show(found, func(p *page) { found.print(p, t.Now()) })
}

// asked is what the account has, and has not, of what plans name.
func asked(ctx context.Context, cfg aws.Config, plans plan.Plans) (copies.Found, error) {
	found, err := copies.Wire(cfg).Look(ctx, plans)
	if err != nil {
		return found, err
	}
	with := sharing.New(organizations.NewFromConfig(cfg), kms.NewFromConfig(cfg))
	with.Person = true
	for _, name := range plans.Names() {
		problem, warnings := with.Ahead(ctx, plans.Plans[name].Share, nil, nil)
		for _, w := range warnings {
			found.Doubts = append(found.Doubts, plan.Problem{Path: name + ".share", Text: w.Text})
		}
		if problem != nil {
			found.Problems = append(found.Problems,
				plan.Problem{Path: name + ".share", Text: problem.Problem + ". " + problem.Do})
		}
	}
	return found, nil
}

func problems(of *planfile.InvalidError) (all []problem) {
	if of == nil {
		return nil
	}
	for _, each := range of.Problems {
		all = append(all, problem{each.Line, each.Path, each.Text})
	}
	return all
}

// showProblems tells what is wrong: in text where compilers tell it, in JSON where it is read from.
func (t *terms) showProblems(path string, invalid, doubts *planfile.InvalidError) error {
	found := checked{File: path, Problems: problems(invalid), Warnings: problems(doubts)}
	if t.output == inJSON {
		if err := t.show(found, nil); err != nil {
			return err
		}
		return ended{Misused}
	}
	fmt.Fprintln(t.Err, invalid.Error())
	for _, w := range found.Warnings {
		fmt.Fprintln(t.Err, w.warning(path))
	}
	fmt.Fprintf(t.Err, "%s: %s. Nothing was done; correct the file and check it again.\n", path,
		count(len(found.Problems), "problem"))
	return ended{Misused}
}

// plans are the plans of a file, for the commands that need them.
func (t *terms) plans(path string) (plan.Plans, error) {
	plans, err := planfile.Load(path, t.Now())
	var invalid *planfile.InvalidError
	switch {
	case errors.As(err, &invalid):
		return plans, t.showProblems(path, invalid, nil)
	case err != nil:
		return plans, unread(path, err)
	default:
		return plans, nil
	}
}

func unread(path string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return misusedf("there is no file %s; name the plans' file", path)
	}
	return misused{err}
}

func (c checked) print(p *page, now time.Time) {
	wrong := "nothing wrong"
	if len(c.Warnings) > 0 {
		wrong = count(len(c.Warnings), "warning")
	}
	p.line("%s: %s, %s; the default plan is %s", c.File, count(len(c.Plans), "plan"), wrong, c.Default)
	for _, w := range c.Warnings {
		p.line("%s", p.in(yellow, w.warning(c.File)))
	}
	for _, each := range c.Plans {
		p.heading("%s", each.Name)
		switch {
		case each.Schedule == "":
			p.line("  no schedule: it runs when it is asked for")
		case len(each.Next) == 0:
			p.line("  due %s", each.Schedule)
		default:
			p.line("  due %s %s", each.Schedule, each.Timezone)
		}
		for _, at := range each.Next {
			p.line("    %s, in %s", dueAt(at), span(at.Sub(now)))
		}
		p.line("  %s", each.how())
	}
}

// how is how the plan images, in one line.
func (c checkedPlan) how() string {
	how := map[plan.Consistency]string{
		plan.Stop:   "stops each instance",
		plan.Reboot: "reboots each instance",
		plan.None:   "images instances as they run",
		plan.Frozen: "freezes each instance for " + plan.Duration(c.Freeze.Lasts()).String() + " at most (" +
			string(c.Freeze.What()) + ")",
	}[c.Consistency]
	how += fmt.Sprintf(", %d at once", c.Concurrency)
	if !c.Limit.IsZero() {
		how += fmt.Sprintf(", refuses more than %s", c.Limit)
	}
	return how + fmt.Sprintf(", within %s", c.Window)
}
