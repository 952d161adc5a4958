package command

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/event"
	"goldsmith/shared/register"
)

func (t *terms) adoptCommand() *cobra.Command {
	e := event.Adopt{}
	var yes bool
	c := &cobra.Command{
		Use:   "adopt [IMAGE...]",
		Short: "Register images that Goldsmith made and does not know, or that are to be its own",
		Long: `Adopt registers images, so that they are counted, kept and retired by the rules of
the plan that their tags name. Goldsmith leaves alone what is not registered: images
of before it had a register or of a table that was lost, copies, and whatever was
tagged by hand. It shows what EC2 says of each and asks before it registers it.

--all registers what EC2 proves to be Goldsmith's: made of the instance that the tags
name, under the name that only that run gives, while the run went on. The others are
listed with the reason; whether they are Goldsmith's is for you to say, by their ids.`,
		Example: "  goldsmith adopt --all --dry\n  goldsmith adopt ami-0123456789abcdef0",
		Args:    takes(0, event.MostAdopted, "the ids of images"),
		RunE: func(c *cobra.Command, args []string) error {
			e.Images = args
			if err := t.checkAdopt(e, yes); err != nil {
				return err
			}
			return t.adopt(c.Context(), e, yes)
		},
	}
	c.Flags().BoolVar(&e.All, "all", false, "all images that EC2 proves to be Goldsmith's")
	c.Flags().StringVar(&e.By, "by", t.User, "who says so, for the register")
	c.Flags().BoolVar(&e.Dry, "dry", false, "show what would be registered, and register nothing")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// checkAdopt reads the event as the function will.
func (t *terms) checkAdopt(e event.Adopt, yes bool) error {
	switch {
	case e.All == (len(e.Images) > 0):
		return misusedf("adopt needs the ids of images, or --all")
	case e.Dry && yes:
		return misusedf("--dry registers nothing, so there is nothing to say --yes to")
	case t.output == inJSON && !e.Dry && !yes:
		return misusedf("--output json asks nothing; it needs --yes or --dry")
	}
	sent, err := e.MarshalJSON()
	if err == nil {
		_, err = event.Decode(sent, event.Home{})
	}
	if err != nil {
		return misused{err}
	}
	return nil
}

// adopted is what adopt shows.
type adopted struct {
	Dry    bool                 `json:"dry,omitempty"`
	Images []register.Candidate `json:"images"`
}

func (t *terms) adopt(ctx context.Context, e event.Adopt, yes bool) error {
	if e.Dry || yes {
		found, err := t.adoptAll(ctx, e)
		if err != nil {
			return err
		}
		if err := t.show(found, found.print); err != nil {
			return err
		}
		return found.exit(e)
	}
	asked := e
	asked.Dry = true
	found, err := t.adoptAll(ctx, asked)
	if err != nil {
		return err
	}
	if err := t.show(found, found.print); err != nil {
		return err
	}
	wanted := found.wanted()
	if wanted == 0 {
		return found.exit(e)
	}
	if !t.agreed(fmt.Sprintf("Register %s?", count(wanted, "image"))) {
		fmt.Fprintln(t.Out, "nothing was registered")
		return nil
	}
	if found, err = t.adoptAll(ctx, e); err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "registered %s\n", count(found.wanted(), "image"))
	return found.exit(e)
}

// agreed asks a person.
func (t *terms) agreed(question string) bool {
	where := t.page()
	t.head(where)
	fmt.Fprintf(t.Out, "\n%s%s [y/N] ", where.String(), question)
	if t.In == nil {
		return false
	}
	line, _ := bufio.NewReader(t.In).ReadString('\n') // without an answer it is no
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}

// adoptAll asks the function until it has looked at all images.
func (t *terms) adoptAll(ctx context.Context, e event.Adopt) (adopted, error) {
	found := adopted{Dry: e.Dry, Images: []register.Candidate{}}
	cfg, err := t.connect(ctx)
	if err != nil {
		return found, err
	}
	for {
		var answer struct {
			Adopted struct {
				Images []register.Candidate `json:"images"`
				After  string               `json:"after"`
			} `json:"adopted"`
		}
		if err := invoke(ctx, cfg, deployment.Recover, e, &answer); err != nil {
			return found, err
		}
		found.Images = append(found.Images, answer.Adopted.Images...)
		if e.After = answer.Adopted.After; e.After == "" {
			return found, nil
		}
	}
}

// wanted is how many were, or would be, registered.
func (a adopted) wanted() (n int) {
	for _, i := range a.Images {
		if i.Why == "" {
			n++
		}
	}
	return n
}

// exit is 3 when a person named an image that was not registered.
func (a adopted) exit(e event.Adopt) error {
	if !e.All && a.wanted() < len(a.Images) {
		return ended{Partial}
	}
	return nil
}

func (a adopted) print(p *page) {
	if len(a.Images) == 0 {
		p.line("every image that carries Goldsmith's tags is registered")
		return
	}
	did := "registered"
	if a.Dry {
		did = "to be registered"
	}
	rows := [][]string{{"IMAGE", "OF", "PLAN", "MADE", "NAME", "BY", "FROM", ""}}
	for _, i := range a.Images {
		from := cmp.Or(i.From, i.Source, "-")
		rows = append(rows, []string{
			i.ID, cmp.Or(i.Name, "-"), cmp.Or(i.Plan, "-"), stamp(i.Begun), cmp.Or(i.AMIName, "-"), cmp.Or(string(i.Call), "-"),
			from,
			cmp.Or(prefixed("not: ", i.Why), did),
		})
	}
	p.table(rows)
	p.line("")
	p.line("  %s: %d %s, %d not", count(len(a.Images), "image"), a.wanted(), did, len(a.Images)-a.wanted())
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
