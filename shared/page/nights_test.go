package page_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/golden"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/page"
)

func writtenNights(t rapid.TB, n page.Nights) string {
	var text bytes.Buffer
	if err := page.WriteNights(&text, n); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// three nights of one plan: a source that fails in the last, one that is new there, and one that is not met any more.
func three() page.Nights {
	n := page.Nights{Written: night}
	for i := range 3 {
		r := nightly()
		r.Run.Name, r.Run.Scheduled = fmt.Sprint("nightly-", i), night.AddDate(0, 0, i)
		web, db := imaged(), job.Result{Source: "i-0b", Name: "db", Ending: job.Imaged, Image: job.Image{ID: "ami-0b"}}
		web.Image.ID = fmt.Sprint("ami-0a", i)
		if i == 2 {
			web.Times.Running = web.Times.Running.Add(time.Hour)
			db.Ending, db.Image, db.Problem = job.Broken, job.Image{}, "SnapshotLimitExceeded"
			r.Results = append(r.Results, job.Result{Source: "i-0d", Name: "new", Ending: job.Imaged})
		} else {
			r.Results = append(r.Results, job.Result{Source: "i-0c", Name: "old", Ending: job.Skipped,
				Skip: &job.Reason{Code: job.Excluded, Text: "excluded"}})
		}
		r.Results = append(r.Results, web, db)
		n.Runs = append(n.Runs, r)
	}
	return n
}

func TestNights(t *testing.T) {
	golden.Assert(t, writtenNights(t, three()), "nights.html")
}

func TestNoNights(t *testing.T) {
	if text := writtenNights(t, page.Nights{}); !strings.Contains(text, "There is no run to show.") {
		t.Error(text)
	}
}

// In whatever order runs come, the page is the same, and of each source of a plan there is one row with a mark for
// every run.
func TestNightsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := page.Nights{Written: night}
		nights := rapid.IntRange(1, 8).Draw(t, "nights")
		for i := range nights {
			r := nightly()
			r.Run.Name, r.Run.Scheduled = fmt.Sprint("nightly-", i), night.AddDate(0, 0, i)
			for source := range 3 {
				if source == 0 || rapid.Bool().Draw(t, "met") {
					result := job.Result{Source: fmt.Sprint("i-", source), Ending: rapid.SampledFrom([]job.Ending{
						job.Imaged, job.Broken, job.LeftStopped,
					}).Draw(t, "ending")}
					r.Results = append(r.Results, result)
				}
			}
			n.Runs = append(n.Runs, r)
		}
		text := writtenNights(t, n)
		n.Runs = rapid.Permutation(n.Runs).Draw(t, "order")
		if writtenNights(t, n) != text {
			t.Fatal("it depends on the order")
		}
		for _, row := range strings.Split(text, "<tr data-ending=")[1:] {
			if marks := strings.Count(row, `<b class="night `); marks != nights {
				t.Fatalf("%d marks for %d nights: %s", marks, nights, row)
			}
		}
	})
}

// A thousand sources over a month are a page that a browser opens.
func TestNightsOfAThousand(t *testing.T) {
	n := page.Nights{}
	for i := range 30 {
		r := nightly()
		r.Run.Scheduled = night.AddDate(0, 0, i)
		for source := range 1000 {
			result := imaged()
			result.Source, result.Name = fmt.Sprintf("i-%017x", source), fmt.Sprint("web-", source)
			r.Results = append(r.Results, result)
		}
		n.Runs = append(n.Runs, r)
	}
	if text := writtenNights(t, n); len(text) > 3<<20 {
		t.Errorf("%d bytes", len(text))
	}
}
