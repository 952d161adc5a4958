package command

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/event"
)

func (t *terms) handoverCommand() *cobra.Command {
	e := event.Handover{}
	c := &cobra.Command{
		Use:   "handover",
		Short: "Give the name of a source to another instance",
		Long: `Handover gives a name to another instance that goes by it. A name belongs to the
source whose image was last rolled under it, for as long as that lives: images of
others with the same name are made and not rolled. From the hand-over on it is the
images of the new owner that launch templates and the alias get; what they have now
stays until its next one. For a member of an Auto Scaling group the group has the
name, whichever member is imaged. --dry shows what it would do.`,
		Example: "  goldsmith handover --name web --to i-0123456789abcdef0 --dry\n" +
			"  goldsmith handover --name web --to i-0123456789abcdef0",
		Args: takes(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if e.Name == "" || e.To == "" {
				return misusedf("handover needs --name, the name of a source, and --to, the id of an instance")
			}
			sent, err := e.MarshalJSON()
			if err == nil {
				_, err = event.Decode(sent, event.Home{})
			}
			if err != nil {
				return misused{err}
			}
			return t.handover(c.Context(), e)
		},
	}
	c.Flags().StringVar(&e.Name, "name", "", "the name: a source's tag goldsmith:name, else Name")
	c.Flags().StringVar(&e.To, "to", "", "the id of the instance that is to have it")
	c.Flags().StringVar(&e.By, "by", t.User, "who says so, for the record and the message")
	c.Flags().BoolVar(&e.Dry, "dry", false, "show what would change, and change nothing")
	return c
}

// handedOver is what the function answers.
type handedOver struct {
	Name     string `json:"name"`
	Dry      bool   `json:"dry,omitempty"`
	Handover struct {
		From   string `json:"from,omitempty"`
		To     string `json:"to"`
		Source string `json:"source"`
		There  bool   `json:"there,omitempty"`
		Next   string `json:"next"`
	} `json:"handover"`
}

func (t *terms) handover(ctx context.Context, e event.Handover) error {
	cfg, err := t.connect(ctx)
	if err != nil {
		return err
	}
	var answer handedOver
	if err := invoke(ctx, cfg, deployment.Rollback, e, &answer); err != nil {
		return err
	}
	return t.show(answer, answer.print)
}

func (h handedOver) print(p *page) {
	did := "handed over"
	switch {
	case h.Handover.There:
		did = "has this owner already"
	case h.Dry:
		did = "would be handed over; nothing was changed"
	}
	p.line("%s: %s", p.in(bold, clean(h.Name)), did)
	p.line("")
	p.table([][]string{{"OWNER", "NEW OWNER"}, {cmp.Or(h.Handover.From, "no source"), h.Handover.To}})
	p.line("")
	p.line("%s", clean(h.Handover.Next))
}
