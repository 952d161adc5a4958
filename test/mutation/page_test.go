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

// score is a row of the scores.
type score struct{ sites, tried, killed int }

func (s score) Score() Score {
	results := make([]Result, s.tried)
	for n := range s.killed {
		results[n].Killed = true
	}
	return Score{Sites: s.sites, Results: results}
}

// scores are the rows of the scores, by package: each is there, in order, and its numbers make its score.
func scores(t *testing.T) map[string]score {
	t.Helper()
	all, rows := map[string]score{}, cells(t, 6)
	for i, s := range subjects {
		if i >= len(rows) || strings.Trim(rows[i][0], " `") != s.pkg {
			t.Fatalf("row %d of the scores is not %s's", i, s.pkg)
		}
		var row score
		if _, err := fmt.Sscan(strings.Join(rows[i][2:5], " "), &row.sites, &row.tried, &row.killed); err != nil {
			t.Fatal(err)
		}
		want := unmeasured
		if row.tried > 0 {
			want = fmt.Sprintf("%.1f %%", row.Score().percent())
		}
		if got := strings.TrimSpace(rows[i][5]); got != want || row.tried > row.sites {
			t.Errorf("%s: %s, and %+v makes %s", s.pkg, got, row, want)
		}
		all[s.pkg] = row
	}
	return all
}

// The section names every package with the score that its numbers make.
func TestThePagesScores(t *testing.T) {
	for pkg, s := range scores(t) {
		if s.tried > 0 && s.Score().percent() < least {
			t.Errorf("%s: %d of %d killed, less than %d %%", pkg, s.killed, s.tried, least)
		}
	}
}

// Every survivor is listed, with its reason.
func TestThePagesSurvivors(t *testing.T) {
	listed := map[string]int{}
	for _, row := range cells(t, 3) {
		file, _, _ := strings.Cut(strings.Trim(row[0], " `"), "`")
		listed[filepath.Dir(file)]++
		if _, err := os.Stat("../../" + file); err != nil || strings.Contains(row[2], "not known") {
			t.Errorf("survivor without a reason or a file: %v", row)
		}
	}
	for pkg, s := range scores(t) {
		if listed[pkg] != s.tried-s.killed {
			t.Errorf("%s: %d survive, and %d are listed", pkg, s.tried-s.killed, listed[pkg])
		}
	}
}

// What is kept of a package are its own survivors, and nothing of a package that lies in it.
func TestTheSurvivorsThatAreKept(t *testing.T) {
	const own = "| `functions/recover/slots.go`, early | always false: `x` | why |\n"
	const page = "| `functions/recover/leftovers` | `functions/recover` | 3 | 2 | 1 | 50.0 % |\n" + own +
		"| `functions/recover/leftovers/tests.go`, end | always false: `x` | why |\n"
	if kept := (Score{Package: "functions/recover"}).survivors(page); kept != own {
		t.Errorf("kept is %s", kept)
	}
}
