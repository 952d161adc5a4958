package schedule

import (
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "want cron(minute hour",
		"daily":              `"daily" is no schedule`,
		"30 3 * * ? *":       `did you mean "cron(30 3 * * ? *)"?`,
		"cron(30 3 * * *)":   `has 5 fields, Scheduler wants six: minute hour day-of-month month day-of-week year; did you mean "cron(30 3 * * ? *)"?`,
		"cron(30 3 * * MON)": `did you mean "cron(30 3 ? * MON *)"?`,
		"cron(30 3 * * 1)":   "days of the week are 1-7 from Sunday",
		"cron(99 3 * * *)": "has 5 fields, Scheduler wants six: minute hour day-of-month month " +
			"day-of-week year",
		"cron()":                               "has 0 fields",
		"cron(*/30 * * * * ? *)":               "has 7 fields",
		"cron(30 3 * * * *)":                   `exactly one must be ?; did you mean "cron(30 3 * * ? *)"?`,
		"cron(30 3 * * MON *)":                 `did you mean "cron(30 3 ? * MON *)"?`,
		"cron(30 3 1 * MON *)":                 "cannot be combined: write ? in the one that does not matter",
		"cron(30 3 ? * ? *)":                   "are both ?: write * in one of them",
		"cron(60 3 * * ? *)":                   `minute: "60" is outside 0-59`,
		"cron(0 24 * * ? *)":                   `hour: "24" is outside 0-23`,
		"cron(? 3 * * ? *)":                    `minute: "?" is outside 0-59`,
		"cron(0 3 0 * ? *)":                    `day-of-month: "0" is outside 1-31`,
		"cron(0 3 32W * ? *)":                  "W follows one day from 1 to 31",
		"cron(0 3 LW * ? *)":                   "the letter L stands alone for the last day",
		"cron(0 3 1,L * ? *)":                  "the letter L stands alone for the last day",
		"cron(0 3 ? * 0 *)":                    `day-of-week: "0" is outside 1-7 (SUN-SAT)`,
		"cron(0 3 ? * mon *)":                  `day-of-week: write MON in capitals`,
		"cron(0 3 ? * FRI-MON *)":              "the range FRI-MON runs backwards: write two ranges, FRI-SAT,SUN-MON",
		"cron(0/30 20-2 ? * MON-FRI *)":        "the range 20-2 runs backwards: write two ranges, 20-23,0-2",
		"cron(0 3 ? * */2 *)":                  "no steps here: list the days, such as MON,WED,FRI",
		"cron(0 3 ? * FRI#2 *)":                "write the day as a number: 6#2",
		"cron(0 3 ? * FRIL *)":                 "write the day as a number: 6L",
		"cron(0 3 ? * 3#1,6#3 *)":              "the forms are 6L for the month's last Friday and 3#2",
		"cron(0 3 ? * 3#6 *)":                  "the forms are 6L",
		"cron(0 3 * FOO ? *)":                  `month: "FOO" is outside 1-12 (JAN-DEC)`,
		"cron(0 3 * * ? 2200)":                 `year: "2200" is outside 1970-2199`,
		"cron(0/0 3 * * ? *)":                  `the step "0" is not a whole number from 1 to 59`,
		"cron(0/ 3 * * ? *)":                   `the step "" is not a whole number`,
		"cron(1,,2 3 * * ? *)":                 "a value is missing; allowed is 0-59",
		"cron(+1 3 * * ? *)":                   `"+1" is outside 0-59`,
		"cron(-5 3 * * ? *)":                   "a value is missing",
		"cron(1-2-3 3 * * ? *)":                `"2-3" is outside 0-59`,
		"cron(0 3 * * ? 99999999999999999999)": "is outside 1970-2199",
		"rate(5)":                              "a rate has two parts",
		"rate(0 days)":                         `a whole number from 1, not "0"`,
		"rate(-1 days)":                        `a whole number from 1, not "-1"`,
		"rate(1.5 hours)":                      `a whole number from 1, not "1.5"`,
		"rate(5 minute)":                       "after 5 the unit is minutes: rate(5 minutes)",
		"rate(30 seconds)":                     `the unit of a rate is minutes, hours or days, not "seconds"`,
		"rate(4294967295 days)":                "longer than ten years",
		"at(2026-02-30T01:00:00)":              `"2026-02-30T01:00:00" is no moment`,
		"at(2026-02-03 01:00:00)":              "want at(yyyy-mm-ddThh:mm:ss)",
		"at(2026-02-03T01:00:00Z)":             "is no moment",
		"at(2026-02-03T01:00:00.5)":            "is no moment",
		"at( 2026-02-03T01:00:00)":             "is no moment",
		"Cron(0 3 * * ? *)":                    "is no schedule",
		"cron(0 3 * * ? *) ":                   "is no schedule",
		"cron(" + strings.Repeat("0,", 130) + "0 3 * * ? *)": "Scheduler takes at most 256",
	} {
		_, err := Parse(text, time.UTC)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q):\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestParseReportsEveryField(t *testing.T) {
	_, err := Parse("cron(60 24 * 13 ? 1)", time.UTC)
	if got := strings.Count(err.Error(), "is outside"); got != 4 {
		t.Errorf("%d fields reported, want 4: %v", got, err)
	}
}

func TestNext(t *testing.T) {
	for _, c := range []struct{ text, zone, after, want string }{
		{"cron(30 3 * * ? *)", "Europe/Berlin", "2026-01-15T12:00:00Z", "2026-01-16T02:30:00Z"},
		{"cron(30 3 * * ? *)", "Europe/Berlin", "2026-07-15T12:00:00Z", "2026-07-16T01:30:00Z"},
		{"cron( 30  3 * * ? * )", "UTC", "2026-01-15T03:30:00Z", "2026-01-16T03:30:00Z"},
		// The documented example: 10:15 on the last Friday of each month.
		{"cron(15 10 ? * 6L *)", "UTC", "2026-01-15T12:00:00Z", "2026-01-30T10:15:00Z"},
		// The documented example: 3#2 is the second Tuesday.
		{"cron(0 0 ? * 3#2 *)", "UTC", "2026-01-15T12:00:00Z", "2026-02-10T00:00:00Z"},
		// The documented example: 1/10 is the 11th, 21st and 31st minute, counted from the 1st.
		{"cron(1/10 * * * ? *)", "UTC", "2026-01-15T12:01:00Z", "2026-01-15T12:11:00Z"},
		{"cron(0 0 ? * 1 *)", "UTC", "2026-01-15T12:00:00Z", "2026-01-18T00:00:00Z"},
		{"cron(0 0 ? * L *)", "UTC", "2026-01-15T12:00:00Z", "2026-01-17T00:00:00Z"},
		{"cron(0 0 ? * SUN-TUE,SAT *)", "UTC", "2026-01-15T12:00:00Z", "2026-01-17T00:00:00Z"},
		{"cron(0 0 L * ? *)", "UTC", "2026-02-15T12:00:00Z", "2026-02-28T00:00:00Z"},
		{"cron(0 0 1W * ? *)", "UTC", "2026-07-15T12:00:00Z", "2026-08-03T00:00:00Z"},
		{"cron(0 0 15W * ? *)", "UTC", "2026-02-01T12:00:00Z", "2026-02-16T00:00:00Z"},
		{"cron(0 0 31W * ? *)", "UTC", "2026-02-01T12:00:00Z", "2026-03-31T00:00:00Z"},
		{"cron(0 0 29 2 ? *)", "UTC", "2026-02-01T12:00:00Z", "2028-02-29T00:00:00Z"},
		{"cron(0 0 29 2 ? 2097-2110)", "UTC", "2026-02-01T12:00:00Z", "2104-02-29T00:00:00Z"},
		{"cron(0 0 ? 2 2#5 *)", "UTC", "2026-02-01T12:00:00Z", "2044-02-29T00:00:00Z"},
		{"cron(59 23 31 12 ? 2199)", "UTC", "2026-02-01T12:00:00Z", "2199-12-31T23:59:00Z"},
		{"cron(0 0 1 JAN-FEB,12 ? 1970/4)", "UTC", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"},
		{"cron(0 0 1 1 ? */3)", "UTC", "2026-02-01T12:00:00Z", "2027-01-01T00:00:00Z"},
		// Spring forward: 2026-03-08 has no 02:30 in Los Angeles, so that run is skipped.
		{"cron(30 2 * * ? *)", "America/Los_Angeles", "2026-03-07T10:30:00Z", "2026-03-09T09:30:00Z"},
		// Fall back: 2026-11-01 shows 01:30 twice; the first (PDT) counts.
		{"cron(30 1 * * ? *)", "America/Los_Angeles", "2026-11-01T00:00:00Z", "2026-11-01T08:30:00Z"},
		{"cron(30 1 * * ? *)", "America/Los_Angeles", "2026-11-01T08:30:00Z", "2026-11-02T09:30:00Z"},
		{"cron(45 1 * * ? *)", "America/Los_Angeles", "2026-11-01T09:10:00Z", "2026-11-02T09:45:00Z"},
		{"cron(0 * * * ? *)", "America/Los_Angeles", "2026-11-01T08:00:00Z", "2026-11-01T10:00:00Z"},
		// A day that never was: Samoa skipped 2011-12-30.
		{"cron(0 12 30 12 ? *)", "Pacific/Apia", "2011-06-01T00:00:00Z", "2012-12-29T22:00:00Z"},
		// A rate is a clock of 24 hours through a change of the clocks.
		{"rate(1 day)", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"},
		{"rate(1 days)", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"},
		{"rate(12 hours)", "UTC", "2026-01-15T12:00:00Z", "2026-01-16T00:00:00Z"},
		{"at(2026-11-20T13:00:00)", "America/Los_Angeles", "2026-01-15T12:00:00Z", "2026-11-20T21:00:00Z"},
		{"at(2026-11-20T13:00:30)", "UTC", "2026-01-15T12:00:00Z", "2026-11-20T13:00:30Z"},
		{"at(2026-11-01T01:30:00)", "America/Los_Angeles", "2026-01-15T12:00:00Z", "2026-11-01T08:30:00Z"},
		{"at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-01-15T12:00:00Z", ""},
		{"at(2025-11-20T13:00:00)", "UTC", "2026-01-15T12:00:00Z", ""},
		{"cron(0 0 30 2 ? *)", "UTC", "2026-01-15T12:00:00Z", ""},
		// There is an end: after the last run, and when the only run is one that the clocks skip.
		{"cron(0 0 1 1 ? 2027)", "UTC", "2027-01-01T00:00:00Z", ""},
		{"cron(30 2 29 3 ? 2026)", "Europe/Berlin", "2026-01-15T12:00:00Z", ""},
		{"cron(0 0 1 1 ? 2020-2025)", "UTC", "2026-01-15T12:00:00Z", ""},
	} {
		s := mustParse(t, c.text, c.zone)
		next, ok := s.Next(moment(t, c.after))
		got := ""
		if ok {
			got = next.UTC().Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%s in %s after %s: got %q, want %q", c.text, c.zone, c.after, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ text, zone, want string }{
		{"cron(30 3 * * ? *)", "Europe/Berlin", ""},
		{"cron(30 2 * * ? *)", "UTC", ""},
		{"cron(30 2 * * ? *)", "Europe/Berlin",
			"cron(30 2 * * ? *) falls on 2026-03-29 02:30, a time that Europe/Berlin does not have: " +
				"the clocks go from 02:00 to 03:00 that day and EventBridge Scheduler skips the run; choose a time outside " +
				"02:00-03:00"},
		{"cron(0 3 * * ? *)", "Europe/Berlin", ""},
		{"cron(59 1 * * ? *)", "Europe/Berlin", ""},
		{"cron(0 2 ? * SUN *)", "Europe/Berlin", "falls on 2026-03-29 02:00"},
		{"cron(0 2 ? * SAT *)", "Europe/Berlin", ""},
		{"cron(0 0/4 * * ? *)", "Europe/Berlin", ""},
		{"cron(0 0/2 * * ? *)", "Europe/Berlin", "falls on 2026-03-29 02:00"},
		// The moment that would have been 02:30 is called 03:30, and runs.
		{"cron(30 * * * ? *)", "Europe/Berlin", ""},
		{"cron(*/15 * * * ? *)", "Europe/Berlin", ""},
		{"cron(30 1-4 * * ? *)", "Europe/Berlin", ""},
		// Lord Howe's clocks go forward by half an hour.
		{"cron(15 2 * * ? *)", "Australia/Lord_Howe", "the clocks go from 02:00 to 02:30"},
		{"cron(30 2 * * ? *)", "Australia/Lord_Howe", ""},
		// Clocks may change at midnight.
		{"cron(30 0 * * ? *)", "Africa/Cairo", "the clocks go from 00:00 to 01:00"},
		{"at(2027-03-28T02:30:00)", "Europe/Berlin", "falls on 2027-03-28 02:30"},
		{"rate(1 day)", "Europe/Berlin", ""},
		{"at(2026-01-15T12:00:00)", "UTC", "is over: it never runs; leave the schedule out"},
		{"cron(0 0 31 4 ? *)", "UTC", "never runs: no such day comes any more"},
		{"cron(0 0 * * ? 2025)", "UTC", "never runs"},
	} {
		err := mustParse(t, c.text, c.zone).Check(now)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s in %s:\n got %v\nwant %s", c.text, c.zone, err, c.want)
		}
	}
}

func TestZone(t *testing.T) {
	for name, want := range map[string]string{
		"UTC": "", "Europe/Berlin": "", "America/Argentina/Ushuaia": "", "Etc/GMT+2": "", "EST5EDT": "",
		"europe/berlin":    `"europe/berlin" is no time zone; did you mean "Europe/Berlin"?`,
		"Berlin":           `did you mean "Europe/Berlin"?`,
		"america/new york": `did you mean "America/New_York"?`,
		"utc":              `did you mean "UTC"?`,
		"Local":            "is no time zone; want an IANA name",
		"":                 "want an IANA name such as UTC",
		"UTC+2":            "is no time zone",
		"../etc/passwd":    "is no time zone",
		"Mars/Phobos":      "is no time zone",
	} {
		_, err := Zone(name)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Zone(%q):\n got %v\nwant %s", name, err, want)
		}
	}
}

// failer is what *testing.T and *rapid.T share here.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func mustParse(t failer, text, zone string) Schedule {
	t.Helper()
	z, err := Zone(zone)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(text, z)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func moment(t failer, text string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
