package command

import (
	"context"

	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/event"
	"goldsmith/shared/report"
)

func (t *terms) exemptCommand() *cobra.Command {
	e := event.Exempt{}
	c := &cobra.Command{
		Use:   "exempt SOURCE",
		Short: "Have others not wait for a source that is down and keeps them from being stopped",
		Long: `Exempt closes the circuit breaker for one source: while it is down and cannot be started, nothing
more of its plan, its instance type and zone, or the account is stopped, lest it stays down as well. If
that reason does not hold for the others, say so by its id or name. Goldsmith goes on trying
to start it. Who said so and when is recorded; it ends when the source is back, or by --undo.`,
		Example: "  goldsmith exempt i-0123456789abcdef0\n  goldsmith exempt --undo i-0123456789abcdef0",
		Args:    takes(1, 1, "the id or the name of a source"),
		RunE: func(c *cobra.Command, args []string) error {
			e.Source = args[0]
			sent, err := e.MarshalJSON()
			if err == nil {
				_, err = event.Decode(sent, event.Home{})
			}
			if err != nil {
				return misused{err}
			}
			return t.exempt(c.Context(), e)
		},
	}
	c.Flags().StringVar(&e.By, "by", t.User, "who says so, for the record")
	c.Flags().BoolVar(&e.Undo, "undo", false, "take it back: others wait for it again")
	return c
}

// exempted is what exempt shows.
type exempted struct {
	Source string `json:"source"`
	Name   string `json:"name"`
	Run    string `json:"run"`
	Why    string `json:"why"`
	Holds  string `json:"holds"`
	Undone bool   `json:"undone,omitempty"`
}

func (t *terms) exempt(ctx context.Context, e event.Exempt) error {
	cfg, err := t.connect(ctx)
	if err != nil {
		return err
	}
	var answer struct {
		Exempted exempted `json:"exempted"`
	}
	if err := invoke(ctx, cfg, deployment.Recover, e, &answer); err != nil {
		return err
	}
	return t.show(answer.Exempted, answer.Exempted.print)
}

func (x exempted) print(p *page) {
	label := clean(report.Label(x.Name, x.Source))
	if x.Undone {
		p.line("others wait for %s again", label)
	} else {
		p.line("others do not wait for %s any more", label)
	}
	p.fold("  ", "%s", x.Why)
}
