package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/prove"
)

// proving is what was typed after prove.
type proving struct {
	only                []string
	dir, subnet, run    string
	yes, know, redact   bool
	clean, list, policy bool
}

func (t *terms) proveCommand() *cobra.Command {
	var p proving
	c := &cobra.Command{
		Use:   "prove",
		Short: "Try on a sandbox account what Goldsmith assumes of AWS",
		Long: `Prove tries, on an account of yours, what Goldsmith assumes of AWS and could not try
where it was built (docs/unverified.md). It needs no suite. It makes a small
instance, images of it, launch templates, groups without instances and parameters,
tries each assumption by the code that relies on it, and removes all of it, whatever
fails. First it says what it will make and what that costs at most, and asks.

A journal in the folder of --dir says what is made before it is made. After a crash
prove goes on where it was, and prove --clean only removes what is left. The report
is in the same folder, as JSON and as a page for a browser; with --redact it names
neither the account nor who asked.`,
		Example: "  goldsmith prove --list\n  goldsmith prove --only stop-reason,snapshot-tags\n  goldsmith prove --clean",
		Args:    takes(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case p.list:
				return t.proveList()
			case p.policy:
				_, err := fmt.Fprint(t.Out, prove.Policy)
				return err
			case p.run != "" && !p.clean:
				return misusedf("--run names the run whose remains --clean removes")
			}
			for _, key := range p.only {
				if !slices.Contains(prove.Keys(), key) {
					return misusedf("there is no probe %q; goldsmith prove --list shows all", key)
				}
			}
			return t.prove(c.Context(), p)
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&p.only, "only", nil, "keys of what is tried (default all)")
	flags.StringVar(&p.dir, "dir", "prove", "where the journal and the reports are written")
	flags.StringVar(&p.subnet, "subnet", "", "where instances are launched (default one of the default VPC)")
	flags.BoolVarP(&p.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&p.know, "i-know", false, "try it although other instances run here")
	flags.BoolVar(&p.redact, "redact", false, "leave the account and who asked out of the report")
	flags.BoolVar(&p.clean, "clean", false, "only remove what an earlier start has left")
	flags.StringVar(&p.run, "run", "", "with --clean: the run, where its journal is lost")
	flags.BoolVar(&p.list, "list", false, "show what is tried, and how")
	flags.BoolVar(&p.policy, "policy", false, "show what these credentials have to be allowed, as a policy")
	return c
}

// assumption is a row for programs.
type assumption struct {
	Key        string `json:"key"`
	Assumed    string `json:"assumed"`
	Tried      string `json:"tried,omitempty"`
	Unwritten  string `json:"unwritten,omitempty"`
	Impossible string `json:"impossible,omitempty"`
}

// assumptions is what prove --list shows.
type assumptions struct {
	Assumptions []assumption `json:"assumptions"`
}

func (t *terms) proveList() error {
	rows, err := prove.Rows()
	if err != nil {
		return err
	}
	var all assumptions
	for _, r := range rows {
		all.Assumptions = append(all.Assumptions,
			assumption{r.Key, prove.Plain(r.Assumed), r.Tried, r.Unwritten, r.Impossible})
	}
	return t.show(all, func(p *page) {
		for _, a := range all.Assumptions {
			if a.Tried != "" {
				p.line("%s", p.in(bold, a.Key))
				p.fold("  ", "%s.", a.Assumed)
				p.fold("  ", "Tried: %s.", a.Tried)
			}
		}
		tried, unwritten, impossible := prove.Counts(rows)
		p.line("")
		p.fold("", "%s", without(tried, unwritten, impossible))
	})
}

func without(tried, unwritten, impossible int) string {
	return fmt.Sprintf("Of %d assumptions %d have a probe. For %d one is possible and not written yet, for %d none is "+
		"possible: docs/unverified.md says of each what it would need.", tried+unwritten+impossible, tried, unwritten,
		impossible)
}

func (t *terms) prove(ctx context.Context, p proving) error {
	if err := t.mayAsk(p.yes || p.clean); err != nil {
		return err
	}
	cfg, err := t.AWS(ctx, t.account)
	if err != nil {
		return err
	}
	s, err := prove.Open(ctx, prove.Options{
		AWS: cfg, Dir: p.dir, Only: p.only, Subnet: p.subnet, Run: p.run, NewID: t.NewID, Now: t.Now,
	})
	if err != nil {
		return err
	}
	if p.clean {
		return t.proveClean(ctx, s, p)
	}
	if may, err := t.mayProve(s, p); err != nil || !may {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		fmt.Fprintln(t.Err, "goldsmith: interrupted; removing what was made. What a second Ctrl-C leaves there, "+
			"goldsmith prove --clean removes")
	})
	report, err := s.Prove(ctx, t.proveTell)
	stop()
	return cmp.Or(errors.Join(err, t.proveKeep(p, report)), ctx.Err(), proved(report))
}

// mayProve shows what would be made, and asks.
func (t *terms) mayProve(s *prove.Session, p proving) (bool, error) {
	if err := t.provePreview(s, p.yes); err != nil {
		return false, err
	}
	if len(s.Others) > 0 && !p.know {
		return false, misusedf("other instances run in this account and Region (%s). Use a sandbox account, or say "+
			"--i-know: they are not touched, and requests of this command may throttle theirs", someOf(s.Others))
	}
	if t.asks(p.yes) && !t.agreed("Try it on account "+s.Account+", Region "+s.Region+"?") {
		fmt.Fprintln(t.Out, "nothing was made")
		return false, nil
	}
	return true, nil
}

// proved is the exit code of a report.
func proved(r prove.Report) error {
	switch {
	case r.Count(prove.Broken) > 0:
		return ended{Failed}
	case r.Count(prove.Untried) > 0:
		return ended{Partial}
	}
	return nil
}

// provePreview says where it is and what will be made, on standard error where the answer is for a program.
func (t *terms) provePreview(s *prove.Session, yes bool) error {
	p := t.page()
	p.line("%s", p.in(bold, "ACCOUNT "+s.Account+"   REGION "+s.Region))
	p.line("as %s", s.Caller)
	p.line("")
	p.fold("", "%s", without(s.Tried, s.Unwritten, s.Impossible))
	if s.Resumed {
		p.fold("", "An earlier start was cut off: what it has left is removed first, and what it has found is kept.")
	}
	p.line("")
	if len(s.Makes) > 0 {
		p.fold("", "It makes, with the tag goldsmith:run, and removes again:")
	} else {
		p.fold("", "It makes nothing.")
	}
	for _, each := range s.Makes {
		p.fold("    ", "%s", each)
	}
	costs := "nothing"
	if s.Cents > 0 {
		costs = "at most " + count(s.Cents, "cent")
	}
	p.fold("", "It takes %s at most and costs %s. Ctrl-C ends it, and removes everything as well.", span(s.Longest), costs)
	out := t.Out
	if t.output == inJSON {
		out = t.Err
	}
	if !t.asks(yes) {
		p.line("")
	}
	_, err := fmt.Fprint(out, p.String())
	return err
}

// proveTell tells a finding when it is there.
func (t *terms) proveTell(f prove.Finding) {
	if t.output == inJSON {
		return
	}
	colors := map[prove.Verdict]color{prove.Held: green, prove.Broken: red, prove.Untried: yellow}
	p := t.page()
	p.line("  %s  %s", p.in(colors[f.Verdict], fmt.Sprintf("%-17s", f.Verdict)), f.Key)
	if f.Verdict != prove.Held {
		indent := strings.Repeat(" ", 21)
		p.fold(indent, "Assumed: %s.", prove.Plain(f.Assumed))
		p.fold(indent, "But: %s.", f.Says)
		for _, c := range f.Calls {
			if c.Code != "" {
				p.fold(indent, "%s: %s (request %s)", c.Call, c.Code, c.RequestID)
			}
		}
		p.fold(indent, "So: %s.", prove.Plain(f.Otherwise))
	}
	fmt.Fprint(t.Out, p.String())
}

// proveKeep writes the report into the folder, and says what came of it.
func (t *terms) proveKeep(p proving, report prove.Report) (err error) {
	if p.redact {
		if report, err = report.Redacted(); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := report.WriteHTML(&html); err != nil {
		return err
	}
	for name, text := range map[string][]byte{"report.json": text, "report.html": html.Bytes()} {
		if err := os.WriteFile(filepath.Join(p.dir, name), text, 0o600); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return t.show(report, func(out *page) {
		out.line("")
		out.line("%d held, %d do not hold, %d could not be tried", report.Count(prove.Held), report.Count(prove.Broken),
			report.Count(prove.Untried))
		if report.Left == "" {
			out.line("Nothing that was made is left in the account.")
		}
		for _, each := range report.Strange {
			out.fold("", "Left alone, since it only carries the run's tag: %s.", each)
		}
		out.line("Report: %s and report.json", filepath.Join(p.dir, "report.html"))
		if report.Count(prove.Broken) > 0 {
			out.fold("", "What does not hold is a bug of Goldsmith's: CONTRIBUTING.md says how to send the report.")
		}
	})
}

// cleaned is what prove --clean answers.
type cleaned struct {
	Run     string   `json:"run,omitempty"`
	Strange []string `json:"strange,omitempty"`
	// Runs are those of which something carries the tag.
	Runs []string `json:"runs,omitempty"`
}

func (t *terms) proveClean(ctx context.Context, s *prove.Session, p proving) error {
	if !s.Resumed && p.run == "" {
		runs, err := s.Runs(ctx)
		if err != nil {
			return err
		}
		return t.show(cleaned{Runs: runs}, func(out *page) {
			out.fold("", "The journal in %s says that nothing is left.", p.dir)
			for _, run := range runs {
				out.fold("", "Something carries the tag of run %s; if nobody is at it: goldsmith prove --clean --run %s", run, run)
			}
		})
	}
	strange, err := s.Clean(ctx)
	if err != nil {
		return err
	}
	return t.show(cleaned{Run: s.Run, Strange: strange}, func(out *page) {
		out.line("Nothing that %s has made is left in account %s, Region %s.", s.Run, s.Account, s.Region)
		for _, each := range strange {
			out.fold("", "Left alone, since it only carries the run's tag: %s.", each)
		}
	})
}
