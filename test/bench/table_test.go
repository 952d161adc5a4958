package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of   []float64
		want spread
	}{
		"nothing":  {nil, spread{}},
		"one":      {[]float64{3}, spread{3, 3, 3}},
		"unsorted": {[]float64{9, 1, 2}, spread{2, 4, 9}},
	} {
		if got := spreadOf(c.of); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestBusiest(t *testing.T) {
	t.Parallel()
	at := func(seconds ...int) (times []time.Time) {
		for _, s := range seconds {
			times = append(times, time.Unix(int64(s), 0))
		}
		return times
	}
	for name, c := range map[string]struct {
		at   []time.Time
		want int
	}{
		"no look":                    {nil, 0},
		"once a minute, to the tick": {at(0, 60, 120), 1},
		"a minute that begins late":  {at(0, 50, 80, 109, 200), 3},
	} {
		if got := busiest(c.at); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// A budget that is not kept is called missed in the table and on the page.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	m := &measured{
		Machine:   machine{Go: "go1.26", Cores: 2},
		Delivered: delivered{Sources: 200, Added: spread{1.8, 1.8, 3.5}, Transitions: 25.1, Calls: spread{20, 20.5, 21}},
		Lost:      lost{Late: map[string]spread{"stopped": {30, 30, 60}}, Heartbeat: map[string]float64{"stopped": 60}},
		Throttled: []throttled{{Sources: 1000, Took: 116, Bound: 100}},
		Lambdas:   []function{{Name: empty, ZipMB: 9, PeakMiB: 200}, {Name: "stop", ZipMB: 5.6, OverMs: 15.1, PeakMiB: 128}},
		Rehearsal: rehearsal{Sources: 10_000, Seconds: 60, PeakMiB: 1024},
		Demo:      15,
	}
	m.Rows = m.rows()
	page, err := m.page()
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	printTable(&table, m)
	for _, budget := range []string{
		"downtime added, events delivered", "events lost: seeing it stopped", "API calls per image, events delivered",
		"state transitions per image",
		"1000 sources under EC2's token buckets", "a Lambda's zip", "a Lambda's init", "a Lambda's memory",
		"rehearsing 10000 sources: time", "rehearsing 10000 sources: memory", "make demo",
	} {
		for where, text := range map[string]string{"table": table.String(), "page": string(page)} {
			if line := lineWith(text, budget); !strings.Contains(line, missed) {
				t.Errorf("the %s says of %q: %q", where, budget, line)
			}
		}
	}
	if line := lineWith(table.String(), "make test"); !strings.Contains(line, "--suite") {
		t.Errorf("what was not measured is told as %q", line)
	}
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// Measuring the functions alone leaves the rest of the page as it is.
func TestWithFunctions(t *testing.T) {
	const page = "# B\n| demo | 1 |\n| a Lambda's zip | old |\n| a Lambda's init | old |\n\n## Calls\nkept\n\n" +
		"## Lambdas\nold\n\n## Demo\nkept\n"
	const other = "# B\n| a Lambda's zip | new |\n| a Lambda's init | new |\n\n## Lambdas\nnew\n\n## Demo\nempty\n"
	const want = "# B\n| demo | 1 |\n| a Lambda's zip | new |\n| a Lambda's init | new |\n\n## Calls\nkept\n\n" +
		"## Lambdas\nnew\n\n## Demo\nkept\n"
	if got := withFunctions(page, other); got != want {
		t.Errorf("got %q", got)
	}
}

// So does playing the nights with copies alone, whether the page tells of them already or not.
func TestWithCopies(t *testing.T) {
	const other = "# B\n\n## Copies\nnew\n\n## Lambdas\nempty\n"
	const want = "# B\nkept\n\n## Copies\nnew\n\n## Lambdas\nkept\n"
	for _, page := range []string{
		"# B\nkept\n\n## Lambdas\nkept\n", "# B\nkept\n\n## Copies\nold\n\n## Lambdas\nkept\n",
	} {
		if got := withCopies(page, other); got != want {
			t.Errorf("got %q", got)
		}
	}
}

// So does playing the night in which all is frozen alone, whether the page tells of it already or not.
func TestWithFrozen(t *testing.T) {
	const other = "# B\n| frozen after it | new |\n\n## Frozen\nnew\n\n## Copies\nempty\n"
	const want = "# B\n| downtime | kept |\n| frozen after it | new |\n| API calls per image | kept |\n\n## Frozen\nnew\n\n" +
		"## Copies\nkept\n"
	for _, page := range []string{
		"# B\n| downtime | kept |\n| API calls per image | kept |\n\n## Copies\nkept\n",
		"# B\n| downtime | kept |\n| frozen after it | old |\n| API calls per image | kept |\n\n## Frozen\nold\n\n" +
			"## Copies\nkept\n",
	} {
		if got := withFrozen(page, other); got != want {
			t.Errorf("got %q", got)
		}
	}
}

// The nights are played without the rest: their rows and parts are replaced, and nothing else.
func TestNightsAlone(t *testing.T) {
	t.Parallel()
	page := func(night, rest string) string {
		return "# B\n\n" + rest + "\n\n" + tableHead + "| downtime | " + night + " |\n" + functionsRow + "zip | " + rest +
			" |\n| demo | " + rest + " |\n\nWhy " + rest + "\n\n" + nightsPart + night + "\n\n" + copiesPart + night + "\n\n" +
			functionsPart + rest + "\n\n## Rehearsal\n" + rest + "\n"
	}
	want := page("new", "old")
	if got := withNights(page("old", "old"), page("new", "new")); got != want {
		t.Errorf("it makes\n%s\nwant\n%s", got, want)
	}
}
