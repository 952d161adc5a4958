package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// The part of the page that tells of functions, and how its rows begin in the table of budgets.
const (
	functionsPart = "## Lambdas\n"
	functionsRow  = "| a Lambda's "
)

// copiesPart is the part of the page that tells of copies, in front of that of functions.
const copiesPart = "## Copies\n"

// The part of the page that tells of what is frozen, in front of that of copies, and its row in the table of budgets.
const (
	frozenPart = "## Frozen\n"
	frozenRow  = "| frozen after "
)

// frozenAlone plays the night in which all is frozen, and leaves the rest of the page as it is.
func frozenAlone(ctx context.Context, _ options) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	m := &measured{At: time.Now().UTC(), Machine: thisMachine(), Throttled: make([]throttled, 2)}
	if err := command(ctx, nil, "go", "test", "-c", "-o", testBinary(), "./test/bench"); err != nil {
		return err
	}
	if err := m.freezes(ctx); err != nil {
		return err
	}
	m.Rows = []row{m.frozenRow()}
	return m.rewrite(withFrozen)
}

// withFrozen is a page with what another one says of what is frozen.
func withFrozen(page, other string) string {
	page = withPart(page, other, frozenPart, copiesPart)
	_, row, _ := strings.Cut(other, "\n"+frozenRow)
	row, _, _ = strings.Cut(row, "\n")
	row = "\n" + frozenRow + row
	if before, rest, found := strings.Cut(page, "\n"+frozenRow); found {
		_, after, _ := strings.Cut(rest, "\n")
		return before + row + "\n" + after
	}
	return strings.Replace(page, callsRow, row+callsRow, 1)
}

// callsRow begins the row behind that of what is frozen.
const callsRow = "\n| API calls per image"

// copiesAlone plays the nights with copies, and leaves the rest of the page as it is.
func copiesAlone(ctx context.Context, _ options) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	m := &measured{At: time.Now().UTC(), Machine: thisMachine(), Throttled: make([]throttled, 2)}
	if err := command(ctx, nil, "go", "test", "-c", "-o", testBinary(), "./test/bench"); err != nil {
		return err
	}
	if err := m.copies(ctx); err != nil {
		return err
	}
	return m.rewrite(withCopies)
}

// The parts of the page that tell of nights, which stand in front of that of copies.
const nightsPart = "## Downtime added\n"

// nightsAlone plays the nights, and leaves the rest of the page as it is.
func nightsAlone(ctx context.Context, o options) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	m := &measured{At: time.Now().UTC(), Machine: thisMachine()}
	if err := m.nights(ctx, o); err != nil {
		return fmt.Errorf("playing nights in fake time: %w", err)
	}
	m.Rows = slices.Concat(m.downtimeRows(), m.callRows(), m.fleetRows())
	printTable(os.Stdout, m)
	return m.rewrite(withNights)
}

// withNights is a page with what another one says of nights: its rows in front of those of functions, and its parts in
// front of that of functions.
func withNights(page, other string) string {
	head, _, _ := strings.Cut(page, tableHead)
	_, rows, _ := strings.Cut(other, tableHead)
	rows, _, _ = strings.Cut(rows, "\n\n")
	rows, _, _ = strings.Cut(rows, "\n"+functionsRow)
	_, rest, _ := strings.Cut(page, "\n"+functionsRow)
	kept, _, _ := strings.Cut(rest, nightsPart)
	_, played, _ := strings.Cut(other, nightsPart)
	played, _, _ = strings.Cut(played, functionsPart)
	_, after, _ := strings.Cut(page, functionsPart)
	return head + tableHead + rows + "\n" + functionsRow + kept + nightsPart + played + functionsPart + after
}

// tableHead begins the table of budgets.
const tableHead = "| what | budget | measured | |\n|---|---|---|---|\n"

// rewrite puts a part of what was measured into the page.
func (m *measured) rewrite(with func(page, other string) string) error {
	page, err := m.page()
	if err != nil {
		return err
	}
	there, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	return os.WriteFile(document, []byte(with(string(there), string(page))), 0o644)
}

// withCopies is a page with what another one says of copies.
func withCopies(page, other string) string { return withPart(page, other, copiesPart, functionsPart) }

// withPart is a page with another one's part with a heading, in place of its own or in front of a part that it has.
func withPart(page, other, heading, next string) string {
	_, part, _ := parted(other, heading)
	before, _, after := parted(page, heading)
	if after == "" {
		if before, after, _ = strings.Cut(page, next); after != "" {
			return before + strings.TrimPrefix(part, "\n") + "\n" + next + after
		}
	}
	return before + part + after
}

// functionsAlone measures the functions, and leaves the rest of the page as it is.
func functionsAlone(ctx context.Context, o options) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	m := &measured{At: time.Now().UTC(), Machine: thisMachine(), Throttled: make([]throttled, 2)}
	if err := m.lambdas(ctx, o); err != nil {
		return fmt.Errorf("starting the functions: %w", err)
	}
	m.Load = loadNow()
	m.Rows = m.lambdaRows()
	printTable(os.Stdout, m)
	return m.rewrite(withFunctions)
}

// withFunctions is a page with what another one says of functions.
func withFunctions(page, other string) string {
	before, part, after := parted(page, functionsPart)
	_, replaced, _ := parted(other, functionsPart)
	if part != "" {
		part = replaced
	}
	var rows []string
	for line := range strings.Lines(other) {
		if strings.HasPrefix(line, functionsRow) {
			rows = append(rows, line)
		}
	}
	var kept strings.Builder
	for line := range strings.Lines(before) {
		if strings.HasPrefix(line, functionsRow) && len(rows) > 0 {
			line, rows = rows[0], rows[1:]
		}
		kept.WriteString(line)
	}
	return kept.String() + part + after
}

// parted is a page before, in and after the part with a heading.
func parted(page, heading string) (before, part, after string) {
	before, rest, found := strings.Cut(page, heading)
	if !found {
		return page, "", ""
	}
	in, _, more := strings.Cut(rest, "\n## ")
	if !more {
		return before, heading + in, ""
	}
	return before, heading + in, rest[len(in):]
}
