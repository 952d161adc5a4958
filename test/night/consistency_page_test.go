package night_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ssm"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

var choicesUpdate = flag.Bool("update-choices", false, "write the table of consistencies in docs/plans.md anew")

// choicesPage is where the table stands, between these lines.
const (
	choicesPage  = "../../docs/plans.md"
	choicesBegin = "<!-- measured by go test ./test/night -run TestConsistencies -update-choices -->\n"
	choicesEnd   = "<!-- measured until here -->\n"
)

// The page that says how to choose a consistency gives what each costs, as a night of one instance on the embedded AWS
// measures it: two volumes, events delivered, and commands of ten seconds each.
func TestConsistencies(t *testing.T) {
	rows := "| plan | down | from `before` to `after` | what the image holds |\n|---|---|---|---|\n"
	for _, c := range []struct {
		name, holds string
		edit        func(*plan.Plan)
	}{
		{"`consistency: stop`", "every write; the application has shut down as with the system",
			func(p *plan.Plan) { p.Hooks = plan.Hooks{} }},
		{"`stop` with `hooks`", "every write; the application was brought to rest first", func(*plan.Plan) {}},
		{"`stop`, `restart: available`", "as `stop`",
			func(p *plan.Plan) { p.Hooks, p.Restart = plan.Hooks{}, plan.Available }},
		{"`consistency: none`", "what was on disk at one moment, as after a power cut", func(p *plan.Plan) {
			p.Hooks, p.Consistency = plan.Hooks{}, plan.None
		}},
		{"`none` with `hooks`", "what the application has flushed", uncut},
		{"`consistency: frozen`", "what was on disk while nothing was written to frozen file systems, and the database had " +
			"locked its tables", func(p *plan.Plan) { p.Hooks, p.Consistency = plan.Hooks{}, plan.Frozen }},
	} {
		play(t, commanded(c.edit), func(n *night) {
			db := n.managed("db", "gp3")
			r := n.run()[0]
			n.want("ending", n.results(r)[db].Ending, job.Imaged)
			down, frozen := "not at all", "–"
			if d := n.results(r)[db].Times.Downtime(); d > 0 {
				down = d.Round(time.Second).String()
			}
			if ran := n.Parameters.Invocations(); len(ran) == 2 {
				frozen = span(ran).Round(time.Second).String()
			}
			rows += fmt.Sprintf("| %s | %s | %s | %s |\n", c.name, down, frozen, c.holds)
		})
	}
	wantBetween(t, rows)
}

// span is from the end of the command before to the end of the one after.
func span(ran []ssm.Invocation) time.Duration { return ran[1].Ended.Sub(ran[0].Ended) }

// wantBetween holds the table in the page against what was measured.
func wantBetween(t *testing.T, rows string) {
	t.Helper()
	page := must(os.ReadFile(choicesPage))(t)
	head, rest, ok := strings.Cut(string(page), choicesBegin)
	_, tail, ends := strings.Cut(rest, choicesEnd)
	if !ok || !ends {
		t.Fatalf("%s has no place for the table", choicesPage)
	}
	want := head + choicesBegin + rows + choicesEnd + tail
	switch {
	case want == string(page):
	case *choicesUpdate:
		if err := os.WriteFile(choicesPage, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("run go test ./test/night -run TestConsistencies -update-choices; want\n%s", rows)
	}
}
