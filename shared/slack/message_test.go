package slack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"gotest.tools/v3/golden"

	slackgo "github.com/slack-go/slack"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/slack"
)

var night = time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)

const arn = "arn:aws:states:eu-west-1:123456789012:execution:goldsmith:nightly-20260501T020000Z"

func run() ledger.Run {
	return ledger.Run{
		Name: "nightly-20260501T020000Z", Plan: "nightly", Scheduled: night, Execution: arn,
		Started: night.Add(7 * time.Second), Ended: night.Add(14 * time.Minute),
	}
}

func nightly() plan.Plan {
	return plan.Plan{Name: "nightly", Notify: plan.Notify{Mention: "<!subteam^S0123> on call", Channel: "#golden"}}
}

func realistic() report.Report {
	back := job.Times{StopSent: night.Add(time.Minute), Running: night.Add(3*time.Minute + 10*time.Second)}
	member := job.Reason{Code: job.AutoScalingMember, Text: "It belongs to an Auto Scaling group."}
	return report.Of(run(), []job.Result{
		{Source: "i-0a1", Name: "web <prod> & co", Ending: job.Imaged, Image: job.Image{ID: "ami-0a1", State: "available"},
			Times: back,
			Rolled: []job.Rolled{
				{Target: "lt-0a1", Name: "web", From: "ami-0a0", To: "ami-0a1", Version: 8, Previous: 7},
				{Target: "/goldsmith/images/web", From: "ami-0a0", To: "ami-0a1"},
				{Target: "lt-0a2", Name: "arm", Problem: "the template launches arm64, the image is x86_64"},
			},
			Warnings: []job.Reason{{Code: job.AddressChanges, Text: "Its public address changes."}}},
		{Source: "i-0a2", Name: "batch", Ending: job.Imaged, Image: job.Image{ID: "ami-0a2", State: "available"}},
		{Source: "i-0a3", Name: "asg-1", Ending: job.Skipped, Skip: &member},
		{Source: "i-0a4", Name: "asg-2", Ending: job.Skipped, Skip: &member},
		{Source: "i-0a5", Name: "<!channel>", Ending: job.Broken, Times: back,
			Problem: "CreateImage: SnapshotLimitExceeded: too many"},
		{Source: "i-0a6", Name: "db", Ending: job.LeftStopped, Times: job.Times{StopSent: night.Add(time.Minute)},
			Problem: "StartInstances: InsufficientInstanceCapacity"},
	}, nightly())
}

// retired is a night in which old images went, stayed and could not go.
func retired() report.Report {
	due := night.Add(72 * time.Hour)
	return report.Of(run(), []job.Result{{Source: "i-0a2", Name: "batch", Ending: job.Imaged,
		Image: job.Image{ID: "ami-0a2"}}}, nightly()).With([]job.Retirement{
		{Subject: "ami-0b1", Name: "web <prod>", Status: job.Retired,
			Why: []string{"no rule keeps it", "it lies in the Recycle Bin until 2026-05-08 02:00 UTC"}, Pruned: 3},
		{Subject: "ami-0b2", Name: "web <prod>", Status: job.InUse,
			Why: []string{"Auto Scaling group workers pins version 3 of launch template web (lt-0a1)",
				"shared with account 210987654321"}},
		{Subject: "ami-0b3", Name: "web <prod>", Status: job.Deprecated, Why: []string{"no rule keeps it"}, Due: due},
		{Subject: "ami-0b4", Name: "db", Status: job.Stuck,
			Why: []string{"no rule keeps it",
				"deregistering it failed: OperationNotPermitted: protected. The next run tries again."}},
		{Subject: "mail", Name: "mail", Status: job.Suspended, Why: []string{"no current image: retiring suspended"}},
	})
}

func TestGolden(t *testing.T) {
	broke := run()
	broke.Problem = "limit: the plan may touch 40 sources, 41 are enrolled"
	for name, m := range map[string]slack.Message{
		"partial": slack.Of(realistic()),
		"broke":   slack.Of(report.Of(broke, nil, nightly())),
		"ok": slack.Of(report.Of(run(),
			[]job.Result{{Source: "i-0a2", Name: "batch", Ending: job.Imaged, Image: job.Image{ID: "ami-0a2"}}}, nightly())),
		"retired": slack.Of(retired()),
		"alert":   slack.Alert("db runs again", []string{"db (i-0a6) was down for 21m."}, "C1", "<!here>"),
	} {
		t.Run(name, func(t *testing.T) { compare(t, name, m) })
	}
}

func compare(t *testing.T, name string, m slack.Message) {
	t.Helper()
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, got.String(), name+".json")
}

func TestMentionOnlyWhenUrgent(t *testing.T) {
	ok := slack.Of(report.Of(run(), nil, nightly()))
	if strings.Contains(body(ok), "subteam") {
		t.Error("a run that went well pings people")
	}
	if !strings.Contains(body(slack.Of(realistic())), "<!subteam^S0123> on call") {
		t.Error("a partial run pings nobody")
	}
}

func TestMention(t *testing.T) {
	for wish, want := range map[string]string{
		"<!here>":                "<!here>",
		"<!channel>":             "<!channel>",
		"<@U0AB12> and <!here>":  "<@U0AB12> and <!here>",
		"<https://evil|here>":    "&lt;https://evil|here&gt;",
		"<!here|x> <script>":     "&lt;!here|x&gt; &lt;script&gt;",
		"@here":                  "@here",
		strings.Repeat("x", 999): strings.Repeat("x", 59) + "…",
	} {
		r := realistic()
		r.Notify.Mention = wish
		first, _, _ := strings.Cut(sections(slack.Of(r))[0], "\n")
		if first != want {
			t.Errorf("mention %.20q: %q, want %q", wish, first, want)
		}
	}
}

func TestConsoleLink(t *testing.T) {
	for arn, want := range map[string]string{
		arn: "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/" + arn,
		"arn:aws-cn:states:cn-north-1:123456789012:execution:g:x": "https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#/v2/executions/details/" +
			"arn:aws-cn:states:cn-north-1:123456789012:execution:g:x",
		"arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:g:x": "https://us-gov-west-1.console.amazonaws-us-gov.com/states/home?region=us-gov-west-1#/v2/executions/details/" +
			"arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:g:x",
		"arn:aws:states:eu-west-1:123456789012:execution:g/Map:0d1-2": "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/" +
			"arn:aws:states:eu-west-1:123456789012:execution:g/Map:0d1-2",
		"": "",
		"arn:aws-iso:states:us-iso-east-1:123456789012:execution:g:x":  "",
		"arn:aws:states:eu-west-1:123456789012:execution:g:x>|<!here>": "",
		"arn:aws:states:evil.example/:123456789012:execution:g:x":      "",
	} {
		r := realistic()
		r.Execution = arn
		got := ""
		if _, after, ok := strings.Cut(body(slack.Of(r)), "<https://"); ok {
			got, _, _ = strings.Cut("https://"+after, "|")
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", arn, got, want)
		}
	}
}

// Whatever the names, causes and numbers, the message is one Slack takes, pings
// nobody the plan did not name, and accounts for every instance left stopped.
func TestAnyReport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.Custom(anyResult), 1, 12).Draw(t, "results")
		n := rapid.SampledFrom([]int{0, 1, 2, 5, 13, 60, 700}).Draw(t, "sources")
		r := run()
		r.Problem = anyText().Draw(t, "problem")
		r.Name, r.Plan = anyText().Draw(t, "run"), anyText().Draw(t, "plan")
		r.Execution = rapid.OneOf(rapid.Just(arn), anyText()).Draw(t, "execution")
		p := nightly()
		p.Notify.Mention = rapid.OneOf(rapid.Just("<!here>"), anyText()).Draw(t, "mention")
		check(t, report.Of(r, many(n, kinds), p))
	})
}

// However long AWS's own words are, what to do stands behind them.
func TestWhatToDoIsNotCut(t *testing.T) {
	const do = "Or have the others not wait for it: goldsmith exempt i-0123456789abcdef0"
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.StringOfN(rapid.RuneFrom([]rune("ab <&>`é€🦀")), 0, 3000, -1).Draw(t, "AWS's words")
		reason := job.Reason{Code: job.BreakerOpen, Text: "web is down: " + words + ". " + do}
		r := report.Of(run(), []job.Result{{Source: "i-0a3", Name: "asg-1", Ending: job.Skipped, Skip: &reason}}, nightly())
		for _, m := range []slack.Message{slack.Of(r), slack.Alert("down", []string{reason.Text}, "", "")} {
			if text := body(m); !strings.Contains(text, do) || !strings.Contains(text, "web is down: ") {
				t.Fatalf("what is down and what to do about it is not said:\n%s", text)
			}
		}
	})
}

func TestTenThousandSources(t *testing.T) {
	long := strings.Repeat("<&>🦀", 400)
	for name, endings := range map[string][]job.Ending{
		"all left stopped":  {job.LeftStopped},
		"all failed":        {job.Broken},
		"left and failed":   {job.LeftStopped, job.Broken},
		"of every kind":     {job.LeftStopped, job.Broken, job.Imaged, job.Skipped},
		"imaged":            {job.Imaged},
		"imaged or skipped": {job.Imaged, job.Skipped},
	} {
		t.Run(name, func(t *testing.T) {
			var kinds []job.Result
			for _, e := range endings {
				kinds = append(kinds, job.Result{Name: long, Ending: e, Problem: long, Image: job.Image{ID: long},
					Skip:     &job.Reason{Code: job.Gone, Text: long},
					Warnings: []job.Reason{{Code: job.AddressChanges, Text: long}, {Code: "other", Text: "short"}},
					Rolled:   []job.Rolled{{Target: long, Problem: long}, {Target: "lt-1", To: long}}})
			}
			check(t, report.Of(run(), many(10_000, kinds), nightly()))
		})
	}
}

func many(n int, kinds []job.Result) []job.Result {
	var list []job.Result
	for i := range n {
		r := kinds[i%len(kinds)]
		r.Source = fmt.Sprintf("i-%017x", i)
		list = append(list, r)
	}
	return list
}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{
			"", "<!here>", "<!channel> &amp; <@U123>", "*_~`>", "```", "\n*Left stopped (9)*\n• x", "🦀🦀", "a\u202eb", "\xff\xfe",
			strings.Repeat("é<", 900), strings.Repeat("👩‍🚀", 400), strings.Repeat("&", 200),
		}),
	)
}

func anyResult(t *rapid.T) job.Result {
	r := job.Result{
		Name:    anyText().Draw(t, "name"),
		Ending:  rapid.SampledFrom([]job.Ending{job.Imaged, job.Skipped, job.Broken, job.LeftStopped, ""}).Draw(t, "ending"),
		Problem: anyText().Draw(t, "problem"),
		Image:   job.Image{ID: anyText().Draw(t, "image"), State: anyText().Draw(t, "state")},
	}
	if r.Ending == job.Skipped {
		r.Skip = &job.Reason{Code: job.ReasonCode(anyText().Draw(t, "code")), Text: anyText().Draw(t, "text")}
	}
	if rapid.Bool().Draw(t, "rolled") {
		r.Rolled = []job.Rolled{{Target: anyText().Draw(t, "target"), Name: anyText().Draw(t, "name"),
			Problem: anyText().Draw(t, "why")}}
	}
	if rapid.Bool().Draw(t, "warned") {
		r.Warnings = []job.Reason{{Code: job.SlowVolume, Text: anyText().Draw(t, "warning")}}
	}
	return r
}

// failer is what *testing.T and *rapid.T share.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func check(t failer, r report.Report) {
	t.Helper()
	m := slack.Of(r)
	withinLimits(t, m)
	pingsNobodyElse(t, m, r.Notify.Mention)
	for title, count := range map[string]int{"Left stopped": r.Counts.LeftStopped, "Failed": r.Counts.Failed,
		"Imaged": r.Counts.Imaged} {
		named, rest := accounted(m, title)
		if named+rest != count {
			t.Fatalf("%s: %d named and %d more, of %d", title, named, rest, count)
		}
		if count > 0 && named == 0 {
			t.Fatalf("%s: none of %d is named", title, count)
		}
	}
	if first, _ := accounted(m, "Left stopped"); first < min(r.Counts.LeftStopped, 10) {
		t.Fatalf("only %d of %d left stopped are named", first, r.Counts.LeftStopped)
	}
}

func withinLimits(t failer, m slack.Message) {
	t.Helper()
	if n := len(m.Blocks); n == 0 || n > 50 {
		t.Fatalf("%d blocks", n)
	}
	header, ok := m.Blocks[0].(*slackgo.HeaderBlock)
	if !ok {
		t.Fatalf("first is %+v", m.Blocks[0])
	}
	fits(t, header.Text.Text, 150)
	fits(t, m.Text, 500)
	total := 0
	for _, each := range append(texts(m), m.Text) {
		fits(t, each, 3000)
		total += length(each)
	}
	if total >= 10_000 {
		t.Fatalf("%d characters in all", total)
	}
}

func fits(t failer, s string, most int) {
	t.Helper()
	if n := length(s); n == 0 || n > most || !utf8.ValidString(s) {
		t.Fatalf("text of %d characters, at most %d: %.100q", n, most, s)
	}
}

var ours = regexp.MustCompile(`^<(!date\^-?\d+\^\{date_short_pretty\} \{time\}\|[^<>]*|https://[^<>|]+\|Execution)>`)

// Every "<" opens a date, the execution's link, or a ping the plan names.
func pingsNobodyElse(t failer, m slack.Message, mention string) {
	t.Helper()
	for _, each := range append(texts(m), m.Text) {
		for at, r := range each {
			rest := each[at:]
			switch {
			case r == '<' && !ours.MatchString(rest) && !named(rest, mention):
				t.Fatalf("bare < in %.80q", rest)
			case r == '&' && !strings.HasPrefix(rest, "&amp;") && !strings.HasPrefix(rest, "&lt;") &&
				!strings.HasPrefix(rest, "&gt;"):
				t.Fatalf("bare & in %.80q", rest)
			}
		}
	}
}

func named(text, mention string) bool {
	for _, word := range strings.Fields(mention) {
		if strings.HasPrefix(word, "<") && strings.HasPrefix(text, word) {
			return true
		}
	}
	return false
}

var (
	heading = regexp.MustCompile(`^\*(.+?)(?: \([\d,]+\))?\*$`)
	more    = regexp.MustCompile(`^and ([\d,]+) more: see the report$`)
)

// accounted counts the sources a part names, and those it only counts.
func accounted(m slack.Message, title string) (named, rest int) {
	within := false
	for line := range strings.Lines(strings.Join(sections(m), "\n")) {
		line = strings.TrimSuffix(line, "\n")
		if found := heading.FindStringSubmatch(line); found != nil {
			within = found[1] == title
		}
		if !within {
			continue
		}
		if strings.HasPrefix(line, "• ") {
			named++
		}
		if found := more.FindStringSubmatch(line); found != nil {
			_, _ = fmt.Sscan(strings.ReplaceAll(found[1], ",", ""), &rest)
		}
	}
	return named, rest
}

func sections(m slack.Message) []string {
	var list []string
	for _, block := range m.Blocks {
		if section, ok := block.(*slackgo.SectionBlock); ok {
			list = append(list, section.Text.Text)
		}
	}
	return list
}

func texts(m slack.Message) []string {
	list := sections(m)
	for _, block := range m.Blocks {
		switch b := block.(type) {
		case *slackgo.HeaderBlock:
			list = append(list, b.Text.Text)
		case *slackgo.ContextBlock:
			for _, element := range b.ContextElements.Elements {
				list = append(list, element.(*slackgo.TextBlockObject).Text)
			}
		}
	}
	return list
}

func body(m slack.Message) string { return strings.Join(texts(m), "\n") }

func length(s string) int { return len(utf16.Encode([]rune(s))) }

// A good night is short however many sources there are; one that needs a person names all that fits.
func TestAGoodNightIsShort(t *testing.T) {
	for ending, longest := range map[job.Ending]int{job.Imaged: 25, job.Broken: 1000} {
		var results []job.Result
		for i := range 40 {
			results = append(results, job.Result{Source: fmt.Sprint("i-", i), Name: fmt.Sprint("web-", i), Ending: job.Imaged,
				Image: job.Image{ID: fmt.Sprint("ami-", i)}, Rolled: []job.Rolled{{Target: fmt.Sprint("lt-", i), To: "ami-1"}}})
		}
		results[0].Ending = ending
		text := body(slack.Of(report.Of(run(), results, nightly())))
		lines := strings.Count(text, "\n")
		if lines > longest || (ending == job.Imaged) != strings.Contains(text, "and 35 more: see the report") {
			t.Errorf("with one %s it has %d lines:\n%s", ending, lines, text)
		}
	}
}
