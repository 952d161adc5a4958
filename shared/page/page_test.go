package page_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/golden"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/page"
)

var night = time.Date(2026, 11, 27, 2, 30, 0, 0, time.UTC)

func written(t rapid.TB, r page.Run) string {
	var text bytes.Buffer
	if err := page.Write(&text, r); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func nightly() page.Run {
	return page.Run{
		Run: ledger.Run{
			Name: "nightly-20261127T023000Z", Plan: "nightly", Scheduled: night, Started: night,
			Ended:     night.Add(9 * time.Minute),
			Execution: "arn:aws:states:eu-west-1:123456789012:execution:goldsmith:nightly-20261127T023000Z",
		},
		Written: night.Add(time.Hour),
	}
}

func imaged() job.Result {
	at := func(minutes float64) time.Time { return night.Add(time.Duration(minutes * float64(time.Minute))) }
	return job.Result{
		Source: "i-0a", Name: "web", Ending: job.Imaged, Image: job.Image{ID: "ami-0a", State: "available"},
		Times: job.Times{
			StopSent: at(1), Stopped: at(2), ImageSent: at(2.5), Snapshotted: at(3), StartSent: at(3), Running: at(4),
			Available: at(8), TestSent: at(5), Booted: at(7),
		},
		Rolled: []job.Rolled{{Target: "lt-0a", Name: "web", From: "ami-00", To: "ami-0a", Version: 8, Previous: 7}},
	}
}

func TestPage(t *testing.T) {
	r := nightly()
	r.Results = []job.Result{
		imaged(),
		{Source: "i-0b", Name: "db", Ending: job.Broken, Problem: "SnapshotLimitExceeded", Do: "Delete snapshots."},
		{Source: "i-0c", Ending: job.Skipped, Skip: &job.Reason{Code: job.StopProtected, Text: "stop protection is on"}},
	}
	golden.Assert(t, written(t, r), "run.html")
}

// A run of which nothing is known yet has a page, too.
func TestEmptyPage(t *testing.T) {
	if text := written(t, page.Run{}); !strings.Contains(text, "<b>0</b> imaged") || strings.Contains(text, "<table") {
		t.Error(text)
	}
}

var percent = regexp.MustCompile(`(?:left|width):(-?[\d.]+|NaN|\+?Inf)%`)

// Whatever names and causes say and whenever things happened: every source has its row, what it says is no markup, and
// no bar leaves its axis.
func TestEverySourceHasItsRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := nightly()
		r.Results = rapid.SliceOfN(rapid.Custom(anyResult), 0, 12).Draw(t, "results")
		for i := range r.Results {
			r.Results[i].Source = fmt.Sprintf("i-%02d", i)
		}
		text := written(t, r)
		for _, result := range r.Results {
			if n := strings.Count(text, "<code>"+result.Source+"</code>"); n != 1 {
				t.Fatalf("%s has %d rows", result.Source, n)
			}
		}
		if strings.Contains(text, "<script>x") || strings.Contains(text, "<img") {
			t.Fatal("a name is markup")
		}
		for _, found := range percent.FindAllStringSubmatch(text, -1) {
			if at, err := strconv.ParseFloat(found[1], 64); err != nil || !(at >= 0 && at <= 100) {
				t.Fatalf("a bar at %s", found[0])
			}
		}
	})
}

func anyResult(t *rapid.T) job.Result {
	nasty := rapid.SampledFrom([]string{"web", "<script>x</script>", "\"><img src=x>", "", "a\nb", "\u202eevil",
		"'; {{.}}"})
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		if minutes := rapid.IntRange(-1, 5000).Draw(t, "minutes"); minutes >= 0 {
			return night.Add(time.Duration(minutes) * time.Minute)
		}
		return time.Time{}
	})
	r := job.Result{
		Name: nasty.Draw(t, "name"), Problem: nasty.Draw(t, "problem"),
		Ending: rapid.SampledFrom([]job.Ending{job.Imaged, job.Skipped, job.Broken, job.LeftStopped}).Draw(t, "ending"),
		Times: job.Times{
			StopSent: moment.Draw(t, "stop"), Stopped: moment.Draw(t, "stopped"), ImageSent: moment.Draw(t, "image"),
			Snapshotted: moment.Draw(t, "snapshots"), StartSent: moment.Draw(t, "start"), Running: moment.Draw(t, "running"),
			Available: moment.Draw(t, "available"), TestSent: moment.Draw(t, "test"), Booted: moment.Draw(t, "booted"),
		},
		Warnings: []job.Reason{{Code: job.SlowVolume, Text: nasty.Draw(t, "warning")}},
	}
	if r.Ending == job.Skipped {
		r.Skip = &job.Reason{Code: job.Excluded, Text: nasty.Draw(t, "why")}
	}
	return r
}

// Nothing is fetched: the console's link is the only address.
func TestNothingIsFetched(t *testing.T) {
	r := nightly()
	r.Results = []job.Result{imaged()}
	text := written(t, r)
	if n := strings.Count(text, "http"); n != strings.Count(text, "http-equiv")+1 {
		t.Errorf("%d addresses", n)
	}
	for _, word := range []string{"src=", "url(", "@import", "<link"} {
		if strings.Contains(text, word) {
			t.Errorf("it has %s", word)
		}
	}
}

// A thousand sources are a page that a browser opens at once.
func TestThousand(t *testing.T) {
	r := nightly()
	for i := range 1000 {
		result := imaged()
		result.Source, result.Name = fmt.Sprintf("i-%017x", i), fmt.Sprintf("web-%d", i)
		r.Results = append(r.Results, result)
	}
	if n := len(written(t, r)); n > 2<<20 {
		t.Errorf("%d bytes", n)
	}
}

// The timeline is in the plan's zone: marks are at whole steps of its clocks, also where they are half an hour off,
// and tell apart the hours of one name in the night in which clocks go back.
func TestTimelineInThePlansZone(t *testing.T) {
	for zone, want := range map[string][]string{
		"Asia/Kolkata":  {">06:00<", ">10:00<", "from 05:31:00 IST"},
		"Europe/Berlin": {">02:30 CEST<", ">02:30 CET<", "from 02:01:00 CEST", "Written 2026-10-25 02:00 CET"},
	} {
		r := nightly()
		r.Run.Timezone, r.Written = zone, time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC)
		result := imaged()
		result.Times = job.Times{
			StopSent: r.Written.Add(-59 * time.Minute), Stopped: r.Written, ImageSent: r.Written,
			Snapshotted: r.Written.Add(4 * time.Hour), StartSent: r.Written.Add(5 * time.Hour),
		}
		if zone == "Europe/Berlin" {
			result.Times.Snapshotted = r.Written.Add(time.Hour)
			result.Times.StartSent = r.Written.Add(2 * time.Hour)
		}
		r.Results = []job.Result{result}
		text := written(t, r)
		for _, each := range append(want, "Times are of the zone "+zone) {
			if !strings.Contains(text, each) {
				t.Errorf("%s: the page does not say %q", zone, each)
			}
		}
	}
}
