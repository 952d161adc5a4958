package command

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	runpage "goldsmith/shared/page"
	"goldsmith/shared/plan"
)

func (t *terms) reportCommand() *cobra.Command {
	var file string
	var all bool
	var days int
	c := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Write the report of a run, or of all, as one page for a browser",
		Long: `Report writes what came of a run as one HTML file that needs no network: a
timeline of every source with its downtime, images, templates and groups from what
to what, what was refused or failed and what to do about it, and old images. It
can be sent to others as it is.

With --all it is a page over the runs of the last days: how each source of each plan
fared, its downtime from run to run, and what changed in the last one.`,
		Example: "  goldsmith report nightly-20260322T023000Z\n  goldsmith report nightly-20260322T023000Z --file " +
			"night.html\n" +
			"  goldsmith report --all --days 30",
		Args: takes(0, 1, "the name of one run"),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case all == (len(args) == 1):
				return misusedf("report needs the name of one run, or --all")
			case all:
				return t.reportAll(c.Context(), days, cmp.Or(file, "goldsmith.html"))
			}
			return t.report(c.Context(), args[0], cmp.Or(file, args[0]+".html"))
		},
	}
	c.Flags().StringVar(&file, "file", "", "where to write it (default: RUN.html, or goldsmith.html with --all)")
	c.Flags().BoolVar(&all, "all", false, "a page over all runs")
	c.Flags().IntVar(&days, "days", 30, "how many days back, with --all")
	return c
}

// written is what report answers.
type written struct {
	// Run is the one that it is of; Runs is how many it is over, with --all.
	Run  string `json:"run,omitempty"`
	Runs int    `json:"runs,omitempty"`
	File string `json:"file"`
}

func (t *terms) report(ctx context.Context, run, file string) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	told, err := site.runStatus(ctx, run)
	if err != nil {
		return err
	}
	if told == nil {
		return noRun(run)
	}
	var text bytes.Buffer
	err = runpage.Write(&text, runpage.Run{
		Run: told.record, Plan: plan.Plan{Name: told.record.Plan}, Results: told.Results, Retired: told.Retired,
		Written: t.Now(),
	})
	if err != nil {
		return err
	}
	return t.keep(written{Run: run, File: file}, text.Bytes())
}

// mostRuns bounds a page over runs: a run every hour for six weeks.
const mostRuns = 1000

func (t *terms) reportAll(ctx context.Context, days int, file string) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	runs, err := site.runs(ctx, t.Now().AddDate(0, 0, -days), mostRuns)
	if err != nil {
		return err
	}
	nights := runpage.Nights{Written: t.Now()}
	for _, each := range runs {
		if told := each.told; told != nil && !told.record.Ended.IsZero() {
			nights.Runs = append(nights.Runs, runpage.Run{
				Run: told.record, Plan: plan.Plan{Name: told.record.Plan}, Results: told.Results, Retired: told.Retired,
			})
		}
	}
	var text bytes.Buffer
	if err := runpage.WriteNights(&text, nights); err != nil {
		return err
	}
	return t.keep(written{Runs: len(nights.Runs), File: file}, text.Bytes())
}

func (t *terms) keep(w written, text []byte) error {
	if err := os.WriteFile(w.File, text, 0o600); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return t.show(w, func(p *page) { p.line("Written: %s", w.File) })
}
