package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/report"
)

func (t *terms) rollbackCommand() *cobra.Command {
	var yes bool
	e := event.Rollback{}
	c := &cobra.Command{
		Use:   "rollback",
		Short: "Point launch templates and the alias back at an earlier image",
		Long: `Rollback points everything that takes the images of a source back at the image
it had before, or at the one that --to names, and holds it there: runs leave it
alone until goldsmith follow. It refuses an image that is gone or cannot be
launched before it changes anything, and names the groups that still launch or
run what is undone; --refresh moves them. --dry shows what it would do. In a
terminal it shows that first, and asks.`,
		Example: "  goldsmith rollback --name web --dry\n  goldsmith rollback --name web --to ami-0123456789abcdef0",
		Args:    takes(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if e.Name == "" {
				return misusedf("rollback needs --name, the name of a source")
			}
			if err := checkRollback(e); err != nil {
				return err
			}
			if t.asks(yes || e.Dry) {
				if ok, err := t.agreesToRollBack(c.Context(), e); err != nil || !ok {
					return err
				}
			}
			return t.rollback(c.Context(), e)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().StringVar(&e.Name, "name", "", "the source's name: its tag goldsmith:name, else Name")
	c.Flags().StringVar(&e.To, "to", "", "an image id, or a version of a launch template (default what was before)")
	c.Flags().StringVar(&e.By, "by", t.User, "who asks, for the message")
	c.Flags().BoolVar(&e.Refresh, "refresh", false, "refresh the groups that still launch or run what is undone")
	c.Flags().BoolVar(&e.Dry, "dry", false, "show what would change, and change nothing")
	return c
}

// agreesToRollBack shows a person what would change, and asks. What can be done in part alone is asked, too.
func (t *terms) agreesToRollBack(ctx context.Context, e event.Rollback) (bool, error) {
	e.Dry = true
	var inPart ended
	if err := t.rollback(ctx, e); err != nil && !errors.As(err, &inPart) {
		return false, err
	}
	ok := t.agreed("Roll " + clean(e.Name) + " back?")
	if !ok {
		fmt.Fprintln(t.Out, "nothing was changed")
	}
	return ok, nil
}

func (t *terms) followCommand() *cobra.Command {
	e := event.Rollback{Follow: true}
	c := &cobra.Command{
		Use:   "follow",
		Short: "Let what was rolled back take new images again",
		Long: `Follow ends the hold of everything that takes the images of a source and was
rolled back: the next run rolls into it again. What it has now stays until then.`,
		Example: "  goldsmith follow --name web",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misusedf("follow takes --name, the name of a source; what happens in a run is shown by: goldsmith watch %s",
					args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			if e.Name == "" {
				return misusedf("follow needs --name, the name of a source")
			}
			if err := checkRollback(e); err != nil {
				return err
			}
			return t.rollback(c.Context(), e)
		},
	}
	c.Flags().StringVar(&e.Name, "name", "", "the source's name: its tag goldsmith:name, else Name")
	c.Flags().StringVar(&e.By, "by", t.User, "who asks, for the record")
	return c
}

// checkRollback reads the event as the function will.
func checkRollback(e event.Rollback) error {
	sent, err := e.MarshalJSON()
	if err == nil {
		_, err = event.Decode(sent, event.Home{})
	}
	if err != nil {
		return misused{err}
	}
	return nil
}

// rolledBack is what the function answers.
type rolledBack struct {
	Name    string       `json:"name"`
	Dry     bool         `json:"dry,omitempty"`
	Targets []backTarget `json:"targets"`
	More    int          `json:"more,omitempty"`
	After   string       `json:"after,omitempty"`
	Unread  []string     `json:"unread,omitempty"`
	// Untold is why nobody was told of it by a message.
	Untold string `json:"untold,omitempty"`

	follow bool
}

type backTarget struct {
	job.Rolled
	Region    string   `json:"region,omitempty"`
	There     bool     `json:"there,omitempty"`
	Groups    []string `json:"groups,omitempty"`
	Refreshed []string `json:"refreshed,omitempty"`
	Follows   bool     `json:"follows,omitempty"`
}

func (t *terms) rollback(ctx context.Context, e event.Rollback) error {
	cfg, err := t.connect(ctx)
	if err != nil {
		return err
	}
	answer, err := askRollback(ctx, cfg, e)
	for until := time.Now().Add(checking); err == nil && len(answer.Unread) > 0 && time.Now().Before(until); {
		fmt.Fprintf(t.Err, "waiting for Parameter Store: %s\n", strings.Join(answer.Unread, ", "))
		var again rolledBack
		if err = smithytime.SleepWithContext(ctx, lookingAgain); err == nil {
			again, err = askRollback(ctx, cfg, e)
			answer = again.since(answer)
		}
	}
	if err != nil {
		return err
	}
	if err := t.show(answer, answer.print); err != nil {
		return err
	}
	for _, each := range answer.Targets {
		if each.Problem != "" {
			return ended{Partial}
		}
	}
	return nil
}

const (
	// checking is how long Parameter Store may take to check an image that was written: until then groups are not
	// refreshed that launch from the parameter.
	checking = 10 * time.Minute
	// lookingAgain is how often it is asked again meanwhile.
	lookingAgain = 10 * time.Second
)

// askRollback asks until all targets are done.
func askRollback(ctx context.Context, cfg aws.Config, e event.Rollback) (rolledBack, error) {
	answer := rolledBack{Targets: []backTarget{}, follow: e.Follow}
	for {
		next := rolledBack{}
		if err := invoke(ctx, cfg, deployment.Rollback, e, &next); err != nil {
			return answer, answer.unfinished(err)
		}
		answer.Name, answer.Dry, answer.Targets = next.Name, next.Dry, append(answer.Targets, next.Targets...)
		answer.Unread, answer.Untold = append(answer.Unread, next.Unread...), cmp.Or(next.Untold, answer.Untold)
		if e.After, answer.More = next.After, next.More; next.More == 0 {
			return answer, nil
		}
	}
}

// since is the answer to who asked again, with what the first one had changed.
func (r rolledBack) since(first rolledBack) rolledBack {
	for i, t := range r.Targets {
		for _, was := range first.Targets {
			if was.Target == t.Target && was.Region == t.Region && t.There && !was.There && was.Problem == "" {
				r.Targets[i].There, r.Targets[i].From = false, was.From
				r.Targets[i].Version, r.Targets[i].Previous = was.Version, was.Previous
			}
		}
	}
	return r
}

// unfinished is an error with how far it came: what is done stays done, and asking again goes on.
func (r rolledBack) unfinished(err error) error {
	if len(r.Targets) == 0 {
		return err
	}
	return fmt.Errorf("%d targets are done, %d are left; ask again: %w", len(r.Targets), r.More, err)
}

func (r rolledBack) print(p *page) {
	if r.follow {
		r.printFollow(p)
		return
	}
	did := "rolled back"
	if r.Dry {
		did = "would be rolled back; nothing was changed"
	}
	p.line("%s: %s", p.in(bold, clean(r.Name)), did)
	rows := [][]string{{"TEMPLATE OR ALIAS", "CHANGE", "NOTE"}}
	for _, t := range r.Targets {
		rows = append(rows, []string{report.Roll{Region: t.Region, Rolled: t.Rolled}.Label(), t.change(r.Dry), t.note()})
	}
	p.line("")
	p.table(rows)
	if r.Untold != "" {
		p.line("")
		p.fold("  ", "Nobody was told of it by a message: %s. Tell those who launch from it.", sentence(r.Untold))
	}
}

// printFollow says of each target whether it was held.
func (r rolledBack) printFollow(p *page) {
	p.line("%s: takes new images again; the next run rolls into it", p.in(bold, clean(r.Name)))
	rows := [][]string{{"TEMPLATE OR ALIAS", "HAS NOW", "CHANGE"}}
	for _, t := range r.Targets {
		change := "was not held"
		switch {
		case t.Problem != "":
			change = t.Problem
		case t.Follows:
			change = "held no more"
		}
		rows = append(rows, []string{report.Roll{Region: t.Region, Rolled: t.Rolled}.Label(), t.From, change})
	}
	p.line("")
	p.table(rows)
}

func (t backTarget) change(dry bool) string {
	switch {
	case t.Problem != "":
		return "left alone"
	case t.There:
		return "has " + t.To + " already"
	case dry:
		return t.From + " -> " + t.To
	default:
		return report.Roll{Rolled: t.Rolled}.Change()
	}
}

func (t backTarget) note() string {
	notes := []string{}
	for _, each := range []string{t.Problem, t.Note} {
		if each != "" {
			notes = append(notes, each)
		}
	}
	if len(t.Groups) > 0 {
		notes = append(notes, fmt.Sprintf("instance refresh rolled back in %s", strings.Join(t.Groups, ", ")))
	}
	if len(t.Refreshed) > 0 {
		notes = append(notes, fmt.Sprintf("instance refresh begun in %s", strings.Join(t.Refreshed, ", ")))
	}
	return strings.Join(notes, "; ")
}
