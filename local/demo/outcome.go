package demo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"goldsmith/local/sfn"
	"goldsmith/local/slack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	runpage "goldsmith/shared/page"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// outcome is the night as dist/demo/run.json holds it.
type outcome struct {
	Seed uint64 `json:"seed"`
	Runs []run  `json:"runs"`
}

type run struct {
	Name    string   `json:"name"`
	Plan    string   `json:"plan"`
	Outcome string   `json:"outcome"`
	Sources []source `json:"sources"`
	// Retired is what became of old images.
	Retired []job.Retirement `json:"retired,omitempty"`
}

// source is what became of one source. Downtime is what Goldsmith saw; the
// minimum is what EC2 itself took to stop, snapshot and start.
type source struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Outcome     job.Ending `json:"outcome"`
	Reason      string     `json:"reason,omitempty"`
	Image       string     `json:"image,omitempty"`
	DownSeconds float64    `json:"downtimeSeconds"`
	MinSeconds  float64    `json:"minimumSeconds"`
	// FrozenSeconds is for how long its data stood still.
	FrozenSeconds float64        `json:"frozenSeconds,omitempty"`
	Calls         map[string]int `json:"apiCalls"`
	Rolled        []job.Rolled   `json:"rolled,omitempty"`
	Refreshes     []job.Refresh  `json:"refreshes,omitempty"`
	WasRunning    bool           `json:"-"`
}

// outcome collects what the ledger and the embedded AWS know of the night.
func (n *night) outcome(ctx context.Context) (*outcome, error) {
	calls := n.calls()
	o := &outcome{Seed: n.options.Seed}
	for _, name := range n.runs() {
		record, _, err := n.suite.Ledger.GetRun(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("reading run %s: %w", name, err)
		}
		r := run{Name: name, Plan: record.Plan, Outcome: record.Outcome}
		p := runpage.Run{Run: record, Plan: plan.Plan{Name: record.Plan}, Written: n.clock.Now()}
		for result, err := range n.suite.Ledger.Results(ctx, name) {
			if err != nil {
				return nil, fmt.Errorf("reading the results of run %s: %w", name, err)
			}
			r.Sources = append(r.Sources, n.source(result, calls[result.Source]))
			p.Results = append(p.Results, result)
		}
		slices.SortStableFunc(r.Sources, func(a, b source) int {
			return cmp.Or(cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Name, b.Name))
		})
		if r.Retired, err = report.RetiredBy(ctx, n.suite.Ledger, ledger.Run{Name: r.Name, Plan: r.Plan}); err != nil {
			return nil, err
		}
		p.Retired = r.Retired
		o.Runs, n.pages = append(o.Runs, r), append(n.pages, p)
	}
	return o, nil
}

// runs are the scheduled run and those that were asked for, as far as they have begun.
func (n *night) runs() []string {
	names := []string{job.RunName(n.name, n.due)}
	for _, id := range n.scene.wanted() {
		for _, e := range n.suite.States.List(sfn.Filter{Machine: n.suite.Machine}) {
			if strings.Contains(e.Name, id) {
				names = append(names, e.Name)
				break
			}
		}
	}
	return names
}

func (n *night) source(r job.Result, calls map[string]int) source {
	s := source{
		ID: r.Source, Name: r.Name, Outcome: r.Ending, Reason: r.Problem, Image: r.Image.ID, Rolled: r.Rolled,
		Refreshes: r.Refreshes,
		Calls:     calls, DownSeconds: r.Times.Downtime().Seconds(),
	}
	if r.Skip != nil {
		s.Reason = r.Skip.Text
	}
	for _, f := range n.suite.Parameters.Frozen() {
		if f.Instance == r.Source {
			s.FrozenSeconds = f.Until.Sub(f.Since).Seconds()
		}
	}
	if s.DownSeconds > 0 {
		s.MinSeconds = n.suite.EC2.Times(r.Source).Minimum().Seconds()
	}
	return s
}

// calls counts the functions' calls by source and action. A call is of the
// source its function worked on; an event's is of the resource it looked at.
func (n *night) calls() map[string]map[string]int {
	owner := map[string]string{}
	counted := map[string]map[string]int{}
	for _, c := range n.suite.Calls.Since(0) {
		if c.Caller == "person" {
			continue
		}
		_, id, _ := strings.Cut(c.Caller, "/")
		for _, resource := range c.Resources {
			if id == "" {
				id = owner[resource]
			}
			if id != "" {
				owner[resource] = id
			}
		}
		if id == "" {
			continue
		}
		if counted[id] == nil {
			counted[id] = map[string]int{}
		}
		counted[id][c.Action]++
	}
	return counted
}

// print writes the table.
func (o *outcome) print(out io.Writer) {
	for _, r := range o.Runs {
		fmt.Fprintf(out, "\n%s: %s\n\n", r.Name, strings.ToUpper(r.Outcome))
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "SOURCE\tOUTCOME\tDOWN\tEC2'S MINIMUM\tADDED\tAPI CALLS\tIMAGE\tROLLED\tWHY")
		for _, s := range r.Sources {
			fmt.Fprintln(table, strings.Join(s.row(), "\t"))
		}
		_ = table.Flush()
		r.printRefreshed(out)
		r.printRetired(out)
	}
}

func (r run) printRefreshed(out io.Writer) {
	rows := []string{"GROUP\tOF\tREFRESHED"}
	for _, s := range r.Sources {
		for _, each := range s.Refreshes {
			rows = append(rows, each.Group+"\t"+s.Name+"\t"+report.Refresh{Refresh: each}.Change())
		}
	}
	if len(rows) > 1 {
		write(out, rows)
	}
}

// write writes a table below another.
func write(out io.Writer, rows []string) {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, row)
	}
	_ = table.Flush()
}

func (r run) printRetired(out io.Writer) {
	rows := []string{"OLD IMAGE\tOF\tBECAME\tWHY"}
	for _, each := range r.Retired {
		rows = append(rows, strings.Join([]string{each.Subject, each.Name, string(each.Status),
			strings.Join(each.Why, "; ")}, "\t"))
	}
	if len(rows) > 1 {
		write(out, rows)
	}
}

func (s source) row() []string {
	down, least, added := "-", "-", "-"
	if s.DownSeconds > 0 {
		down, least, added = seconds(s.DownSeconds), seconds(s.MinSeconds), seconds(s.DownSeconds-s.MinSeconds)
	}
	calls, total := "-", 0
	for _, n := range s.Calls {
		total += n
	}
	if total > 0 {
		calls = fmt.Sprint(total)
	}
	return []string{s.Name, string(s.Outcome), down, least, added, calls, cmp.Or(s.Image, "-"), s.rolledTo(), s.why()}
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}

func (s source) rolledTo() string {
	var names []string
	for _, r := range s.Rolled {
		if r.Problem == "" {
			names = append(names, cmp.Or(r.Name, r.Target))
		}
	}
	return cmp.Or(strings.Join(names, " "), "-")
}

func (s source) why() string {
	reasons := []string{s.Reason}
	if s.FrozenSeconds > 0 {
		reasons = append(reasons, "its database was frozen for "+seconds(s.FrozenSeconds))
	}
	for _, r := range s.Rolled {
		if r.Problem != "" {
			reasons = append(reasons, cmp.Or(r.Name, r.Target)+": "+r.Problem)
		}
	}
	return strings.Join(slices.DeleteFunc(reasons, func(r string) bool { return r == "" }), "; ")
}

// write leaves the night behind for programs, and the messages and the scheduled run's report for browsers.
func (o *outcome) write(folder string, messages []slack.Message, scheduled runpage.Run) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("making %s: %w", folder, err)
	}
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the night: %w", err)
	}
	var page bytes.Buffer
	page.WriteString("<!doctype html>\n<meta charset=\"utf-8\">\n<title>Goldsmith in Slack</title>\n<style>" +
		string(slack.Style) + "</style>\n")
	for _, m := range messages {
		if err := m.HTML(&page); err != nil {
			return fmt.Errorf("drawing a message: %w", err)
		}
	}
	var report bytes.Buffer
	if err := runpage.Write(&report, scheduled); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"run.json": append(text, '\n'), "slack.html": page.Bytes(), "report.html": report.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// check says whether the night went as it should: everything that can be
// imaged was, and nothing was left behind.
func (o *outcome) check() error {
	for _, r := range o.Runs {
		for _, s := range r.Sources {
			if s.Outcome == job.Broken || s.Outcome == job.LeftStopped {
				return fmt.Errorf("%s (%s) ended as %s: %s", s.Name, s.ID, s.Outcome, s.Reason)
			}
		}
	}
	return nil
}
