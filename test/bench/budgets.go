package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// row is one line of the table: a budget of the design and what was measured.
type row struct {
	What     string `json:"what"`
	Budget   string `json:"budget"`
	Measured string `json:"measured"`
	Verdict  string `json:"verdict"`
}

// The verdicts. A row that was not measured says why in its own words.
const (
	met    = "met"
	missed = "MISSED"
	told   = "no budget"
)

func verdict(kept bool) string {
	if kept {
		return met
	}
	return missed
}

func (m *measured) rows() []row {
	return slices.Concat(m.downtimeRows(), m.callRows(), m.fleetRows(), m.lambdaRows(), m.machineRows())
}

func (m *measured) downtimeRows() []row {
	d, l := m.Delivered, m.Lost
	rows := []row{
		{
			"downtime added, events delivered", "under 3.5 s",
			fmt.Sprintf("max %.1f s, median %.1f s over %d sources", d.Added.Max, d.Added.Median, d.Sources),
			verdict(d.Added.Max < 3.5),
		},
		{
			"  the same of ten sources", "median 1.9 s", fmt.Sprintf("median %.1f s", m.Few.Median),
			verdict(m.Few.Median <= 1.9),
		},
		{
			"  the same with latency: " + d.Latency, "-",
			fmt.Sprintf("max %.1f s, median %.1f s", d.Latent.Max, d.Latent.Median), told,
		},
	}
	for _, what := range []string{"stopped", "snapshotted", "running"} {
		late, beat := l.Late[what], l.Heartbeat[what]
		rows = append(rows, row{
			"downtime added, events lost: seeing it " + what, fmt.Sprintf("under a heartbeat, %.0f s from look to look", beat),
			fmt.Sprintf("max %.1f s, median %.1f s", late.Max, late.Median), verdict(late.Max < beat),
		})
	}
	return append(rows, row{
		"  all three waits together", "-",
		fmt.Sprintf("max %.0f s, median %.0f s over %d sources", l.Added.Max, l.Added.Median, l.Sources), told,
	}, m.frozenRow())
}

func (m *measured) frozenRow() row {
	f := m.Frozen
	return row{
		"frozen after the last snapshot was seen", "under 3 s",
		fmt.Sprintf("max %.1f s, median %.1f s; in all max %.1f s, median %.1f s over %d sources", f.After.Max, f.After.Median,
			f.Frozen.Max, f.Frozen.Median, f.Sources), verdict(f.After.Max < 3),
	}
}

func (m *measured) callRows() []row {
	d, s := m.Delivered, m.Slow
	shared := 0.0
	for _, calls := range d.Shared {
		shared += calls
	}
	most := slices.Max([]int{s.Busiest["stopped"], s.Busiest["snapshotted"], s.Busiest["running"], s.Busiest["available"]})
	return []row{
		{
			"API calls per image, events delivered", "at most 16",
			fmt.Sprintf("max %.0f, mean %.2f, median %.0f; the run's own %.3f", d.Calls.Max, d.Calls.Mean, d.Calls.Median,
				shared), verdict(d.Calls.Max <= 16),
		},
		{
			fmt.Sprintf("  the same for an image of %.0f hours", s.Hours), "at most 20",
			fmt.Sprintf("max %.0f", s.Delivered.Max), verdict(s.Delivered.Max <= 20),
		},
		{
			"describes per waiting source and minute, events lost", "at most 1",
			fmt.Sprintf("%.2f over %.0f hours", s.PerMinute.Max, s.Hours), verdict(s.PerMinute.Max <= 1),
		},
		{
			"  in the busiest minute of any wait", "at most 1",
			fmt.Sprintf("stopped %d, snapshotted %d, running %d, available %d", s.Busiest["stopped"], s.Busiest["snapshotted"],
				s.Busiest["running"], s.Busiest["available"]),
			verdict(most <= 1),
		},
		{"state transitions per image, events delivered", "at most 25", fmt.Sprintf("%.1f", d.Transitions),
			verdict(d.Transitions <= 25)},
		{
			fmt.Sprintf("a sweep's calls, with the %d runs of two days behind it", m.Sweep.Runs), "as with those of half a day",
			fmt.Sprintf("mean %.1f, max %.0f; mean %.1f, max %.0f", m.Sweep.late().Mean, m.Sweep.late().Max,
				m.Sweep.early().Mean, m.Sweep.early().Max), verdict(m.Sweep.constant()),
		},
	}
}

func (m *measured) fleetRows() []row {
	var rows []row
	for _, t := range m.Throttled {
		rows = append(rows, row{
			fmt.Sprintf("%d sources under EC2's token buckets, %d at once", t.Sources, t.Concurrency),
			"within 1.15x of the bound",
			fmt.Sprintf("%.3fx: %.0f s, the bound is %.0f s", t.Ratio(), t.Took, t.Bound), verdict(t.Ratio() <= 1.15),
		}, row{
			"  downtime added", "median 3 s, max 10 s",
			fmt.Sprintf("max %.1f s, median %.1f s", t.Added.Max, t.Added.Median),
			verdict(t.Added.Max <= 10 && t.Added.Median <= 3),
		}, row{
			"  calls that EC2 refuses", "1 %", fmt.Sprintf("%.2f %%", 100*t.RefusedShare()), verdict(t.RefusedShare() <= 0.01),
		})
	}
	return rows
}

func (m *measured) lambdaRows() []row {
	var zip, init, peak function
	for _, f := range m.Lambdas {
		if f.Name == empty {
			continue
		}
		if f.ZipMB > zip.ZipMB {
			zip = f
		}
		if f.OverMs > init.OverMs {
			init = f
		}
		if f.PeakMiB > peak.PeakMiB {
			peak = f
		}
	}
	memory := row{"a Lambda's memory after one event, the largest", "128 MB",
		fmt.Sprintf("%.0f MiB (%s)", peak.PeakMiB, peak.Name), verdict(peak.PeakMiB < 128)}
	if peak.PeakMiB == 0 {
		memory.Measured, memory.Verdict = "-", "needs Linux's /proc"
	}
	return []row{
		{"a Lambda's zip, the largest", "5.5 MB", fmt.Sprintf("%.1f MB (%s)", zip.ZipMB, zip.Name),
			verdict(zip.ZipMB <= 5.5)},
		{"a Lambda's init beyond an empty one's, the slowest", "within 15 ms",
			fmt.Sprintf("%.1f ms (%s), median of %d", init.OverMs, init.Name, rounds), verdict(init.OverMs <= 15)},
		memory,
	}
}

func (m *measured) machineRows() []row {
	r := m.Rehearsal
	rows := []row{
		{fmt.Sprintf("rehearsing %d sources: time", r.Sources), "under 60 s on 2 cores",
			fmt.Sprintf("%.0f s; %.0f s of CPU", r.Seconds, r.CPUSeconds), verdict(r.Seconds < 60)},
		{fmt.Sprintf("rehearsing %d sources: memory", r.Sources), "under 1 GiB", fmt.Sprintf("%.0f MiB", r.PeakMiB),
			verdict(r.PeakMiB < 1024)},
		{"make demo, warm", "under 15 s", fmt.Sprintf("%.1f s", m.Demo), verdict(m.Demo < 15)},
	}
	if r.PeakMiB == 0 {
		rows[1].Measured, rows[1].Verdict = "-", "needs Linux's /proc"
	}
	if m.Suite == nil {
		return append(rows, row{"make test, warm / cold", "under 90 s / 360 s on 2 cores", "-", "takes minutes: --suite"})
	}
	return append(rows, row{
		"make test, warm / cold", "under 90 s / 360 s on 2 cores",
		fmt.Sprintf("%.0f s / %.0f s on %s", m.Suite.Warm, m.Suite.Cold, m.Suite.At.Format("2006-01-02")),
		verdict(m.Suite.Warm < 90 && m.Suite.Cold < 360),
	})
}

func printTable(out io.Writer, m *measured) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT\tBUDGET\tMEASURED\t")
	for _, r := range m.Rows {
		fmt.Fprintln(table, strings.Join([]string{r.What, r.Budget, r.Measured, r.Verdict}, "\t"))
	}
	_ = table.Flush() // a terminal that has gone
	fmt.Fprintf(out, "\n%s, %s/%s, %d cores, load %s. How each figure is measured: %s\n", m.Machine.Go, m.Machine.OS,
		m.Machine.Arch, m.Machine.Cores, m.Load, document)
}
