package command

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
)

// plansFile is where the plans lie unless a flag says otherwise.
const plansFile = "plans.yaml"

func (t *terms) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [plans.yaml]",
		Short: "Check plans, and show when they are due",
		Long: `Check reads plans and tells everything that is wrong with them, each with its
line; or, when nothing is, what they are and the next three times of each. It
asks AWS nothing. Where --region says in which Region they are to be deployed, it
tells which copies cannot be there as well.`,
		Example: "  goldsmith check\n  goldsmith check team/plans.yaml -o json\n  goldsmith check --region eu-central-1",
		Args:    takes(0, 1, "the path of one plans' file"),
		RunE: func(_ *cobra.Command, args []string) error {
			path := plansFile
			if len(args) > 0 {
				path = args[0]
			}
			return t.check(path)
		},
	}
}

// checked is what check shows.
type checked struct {
	File     string        `json:"file"`
	Problems []problem     `json:"problems,omitempty"`
	Default  string        `json:"default,omitempty"`
	Plans    []checkedPlan `json:"plans,omitempty"`
}

type problem struct {
	Line int    `json:"line"`
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

type checkedPlan struct {
	plan.Plan
	Next []time.Time `json:"next,omitempty"`
}

func (t *terms) check(path string) error {
	plans, err := planfile.LoadIn(path, t.account.Region, t.Now())
	var invalid *planfile.InvalidError
	if errors.As(err, &invalid) {
		return t.showProblems(path, invalid)
	}
	if err != nil {
		return unread(path, err)
	}
	found := checked{File: path, Default: plans.Default}
	for _, name := range plans.Names() {
		next, err := upcoming(plans.Plans[name], t.Now(), 3)
		if err != nil {
			return err
		}
		found.Plans = append(found.Plans, checkedPlan{plans.Plans[name], next})
	}
	return t.show(found, func(p *page) { found.print(p, t.Now()) })
}

// showProblems tells what is wrong: in text where compilers tell it, in JSON where it is read from.
func (t *terms) showProblems(path string, invalid *planfile.InvalidError) error {
	found := checked{File: path}
	for _, each := range invalid.Problems {
		found.Problems = append(found.Problems, problem{each.Line, each.Path, each.Text})
	}
	if t.output == inJSON {
		if err := t.show(found, nil); err != nil {
			return err
		}
		return ended{Misused}
	}
	fmt.Fprintf(t.Err, "%s\n%s: %s. Nothing was done; correct the file and check it again.\n", invalid.Error(), path,
		count(len(found.Problems), "problem"))
	return ended{Misused}
}

// plans are the plans of a file, for the commands that need them.
func (t *terms) plans(path string) (plan.Plans, error) {
	plans, err := planfile.Load(path, t.Now())
	var invalid *planfile.InvalidError
	switch {
	case errors.As(err, &invalid):
		return plans, t.showProblems(path, invalid)
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
	p.line("%s: %s, nothing wrong; the default plan is %s", c.File, count(len(c.Plans), "plan"), c.Default)
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
	}[c.Consistency]
	how += fmt.Sprintf(", %d at once", c.Concurrency)
	if !c.Limit.IsZero() {
		how += fmt.Sprintf(", refuses more than %s", c.Limit)
	}
	return how + fmt.Sprintf(", within %s", c.Window)
}
