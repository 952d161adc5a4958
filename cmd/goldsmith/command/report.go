package command

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"goldsmith/shared/fault"
	runpage "goldsmith/shared/page"
	"goldsmith/shared/plan"
)

func (t *terms) reportCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "report RUN",
		Short: "Write the report of a run as one page for a browser",
		Long: `Report writes what came of a run as one HTML file that needs no network: a
timeline of every source with its downtime, images, templates and groups from what
to what, what was refused or failed and what to do about it, and old images. It
can be sent to others as it is.`,
		Example: "  goldsmith report nightly-20260322T023000Z\n  goldsmith report nightly-20260322T023000Z --file night.html",
		Args:    takes(1, 1, "the name of one run"),
		RunE: func(c *cobra.Command, args []string) error {
			return t.report(c.Context(), args[0], file)
		},
	}
	c.Flags().StringVar(&file, "file", "", "where to write it (default: RUN.html)")
	return c
}

// written is what report answers.
type written struct {
	Run  string `json:"run"`
	File string `json:"file"`
}

func (t *terms) report(ctx context.Context, run, file string) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	told, err := site.told(ctx, run)
	if err != nil {
		return err
	}
	if told == nil {
		return fault.Failure("goldsmith status lists the last ones; what is older than two months is forgotten.",
			"there is no run %s", run)
	}
	var text bytes.Buffer
	err = runpage.Write(&text, runpage.Run{
		Run: told.record, Plan: plan.Plan{Name: told.record.Plan}, Results: told.Results, Retired: told.Retired,
		Written: t.Now(),
	})
	if err != nil {
		return err
	}
	if file == "" {
		file = run + ".html"
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return t.show(written{run, file}, func(p *page) { p.line("Written: %s", file) })
}
