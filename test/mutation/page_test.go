package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// least is the score that a package has at least, in percent.
const least = 95

// cells are the rows of the section's tables that have so many cells.
func cells(t *testing.T, count int) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../" + reliability)
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), section)
	if !found {
		t.Fatal("the page has no section of mutation testing")
	}
	for line := range strings.Lines(strings.ReplaceAll(part, `\|`, "¦")) {
		row := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if strings.HasPrefix(line, "| `") && len(row) == count {
			rows = append(rows, row)
		}
	}
	return rows
}

// The section names every package with a score that its numbers make, and every survivor with its reason.
func TestThePagesSection(t *testing.T) {
	survived, listed := map[string]int{}, map[string]int{}
	rows := cells(t, 6)
	for i, s := range subjects {
		if i >= len(rows) || strings.Trim(rows[i][0], " `") != s.pkg {
			t.Fatalf("row %d of the scores is not %s's", i, s.pkg)
		}
		var sites, tried, killed int
		if _, err := fmt.Sscan(strings.Join(rows[i][2:5], " "), &sites, &tried, &killed); err != nil {
			t.Fatal(err)
		}
		score := Score{Results: make([]Result, tried)}
		for n := range killed {
			score.Results[n].Killed = true
		}
		if got, want := strings.TrimSpace(rows[i][5]), fmt.Sprintf("%.1f %%", score.percent()); got != want || tried > sites || tried == 0 {
			t.Errorf("%s: %s, and %d of %d killed of %d make %s", s.pkg, got, killed, tried, sites, want)
		}
		if score.percent() < least {
			t.Errorf("%s: %d of %d killed, less than %d %%", s.pkg, killed, tried, least)
		}
		survived[s.pkg] = tried - killed
	}
	for _, row := range cells(t, 3) {
		pkg, _, _ := strings.Cut(strings.Trim(row[0], " `"), "`")
		listed[filepath.Dir(pkg)]++
		if _, err := os.Stat("../../" + pkg); err != nil || strings.Contains(row[2], "not known") {
			t.Errorf("survivor without a reason or a file: %v", row)
		}
	}
	for pkg, n := range survived {
		if listed[pkg] != n {
			t.Errorf("%s: %d survive, and %d are listed", pkg, n, listed[pkg])
		}
	}
}
