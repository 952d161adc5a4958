package night_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// page is docs/reliability.md. It holds what the nights came to and nothing
// else: no wall time, no id, and only seeded moments.
type page struct {
	chapters []chapter
	deeds    []deed
	calm     *chaos         // a night in which nothing goes wrong, with every boundary in it
	lasting  *lastingFaults // the same of the nights in which something goes wrong for long

	mu     sync.Mutex
	became map[string]map[string]string // by deed and step
}

const opening = `# Reliability

What Goldsmith does when something goes wrong, as played: each line is a whole night on the embedded AWS, in fake time,
with the deployed state machine and the real handlers. This page is written by the test that plays them
(` + "`go test ./test/night -run TestReliability -update`" + `), and the test fails when it says anything else.

In each of these nights one source, ` + "`web`" + `, meets the fault, and three others (one of them on a slow volume, one
stopped) must be imaged all the same. After each the same invariants hold: whatever ran runs again, or people were told by
name and recover goes on trying; nothing that was stopped was started; at most one image for each source and run; no claim
outlives its work; no template launches what cannot be launched; one message for each run.

*Instance back after* counts from StopInstances sent to running again, in simulated time; a calm night takes some 40
seconds. Where the moment depends on pauses that the AWS SDK draws at random, it is the most that the test allows. *What
Slack says* is the decisive line of the run's one message, ids shortened; below it stand what Goldsmith did and what to do now.

`

// String is the page.
func (p *page) String() string {
	var b strings.Builder
	b.WriteString(opening + "## Faults of EC2\n")
	for _, c := range p.chapters {
		fmt.Fprintf(&b,
			"\n### %s\n\n| what goes wrong | the source is | instance back after | what Slack says |\n|---|---|---|---|\n",
			c.title)
		for _, s := range c.stories {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.what, s.became, s.back, quoted(s.said))
		}
	}
	p.writeDeeds(&b)
	p.writeCrashes(&b)
	p.writeLasting(&b)
	return b.String()
}

var (
	ids    = regexp.MustCompile(`\b(i|ami|lt|vol|snap)-[0-9a-f]{4,}…?`)
	inCell = strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "")
)

func quoted(said string) string { return inCell.Replace(ids.ReplaceAllString(said, "$1-…")) }

func (p *page) writeDeeds(b *strings.Builder) {
	b.WriteString(`
## Other hands

A person or another program does something to the instance just before one of Goldsmith's steps: ` + "`watch:stopped`" + ` is the wait for it.
*Warned* is a source whose image may hold half-written data, since the instance was started before its snapshots were
there; report and Slack say so.

| just before | ` + strings.Join(named(p.deeds), " | ") + " |\n|---" + strings.Repeat("|---", len(p.deeds)) + "|\n")
	for _, step := range moments {
		cells := []string{"`" + step + "`"}
		for _, d := range p.deeds {
			cells = append(cells, p.became[d.what][step])
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
}

func named(deeds []deed) []string {
	var all []string
	for _, d := range deeds {
		all = append(all, "a person "+d.what)
	}
	return all
}

// kinds is what each kind of mishap does, in the page's order.
var kinds = []struct {
	kind kind
	does string
}{
	{lost, "of a call: the connection breaks before the request arrives"},
	{unanswered, "of a call: the connection breaks after it has had its effect"},
	{refused, "of a call: the service fails, however often the invocation asks"},
	{killedBefore, "of a call: the sandbox dies before the request is sent, as with a panic or without memory"},
	{killedAfter, "of a call: the sandbox dies after the call has had its effect"},
	{hangs, "of a call: it has its effect and no answer comes, until Lambda's timeout ends the function"},
	{answerLost, "of an invocation: everything is done, and its answer is lost"},
	{neverCame, "of an event: it is lost"},
	{doubled, "of an event: it comes twice at once"},
	{again, "of an event: it comes again when everything is done"},
	{late, "of an event: it comes minutes late"},
	{slackFails, "of Slack: it fails once"},
	{slackKeeps, "of Slack: it takes the message, and its answer is lost"},
	{slackDown, "of Slack: it is down for the rest of the night"},
	{aborted, "of a state: the execution of one source is aborted"},
	{runAborted, "of a state: the run is aborted"},
	{serviceError, "of a state: Lambda answers with an error of its own"},
}

func (p *page) writeCrashes(b *strings.Builder) {
	count := map[kind]int{}
	for _, m := range p.calm.possible {
		count[m.kind]++
	}
	fmt.Fprintf(b, `
## Crash points

A boundary is a moment at which the work can be cut off: before and after every call that a handler makes of AWS, of the
ledger or of Slack, every invocation of a handler, every event, and every state that the state machine enters. One small night
(a scheduled run of a running and of a stopped instance, and a request for a third one at the same time) has %d of
them, with %d things in all that can go wrong there. Each of those is played in a night of its own, with the same seed
(`+"`go test ./test/night -run TestEveryCrashPoint`"+`; mere reads that fail, which change nothing, with `+"`-crash-every`"+` only); nights
with two of them are drawn by seed, and `+"`make soak`"+` plays as many as one likes. Then recover and time do their work, and the
invariants must hold; the plan lets one source be down at once, and in no night were there more.

| kind | what happens | in one night |
|---|---|---|
`, p.calm.boundaries(), len(p.calm.possible))
	for _, k := range kinds {
		fmt.Fprintf(b, "| %s | %s | %d |\n", k.kind, k.does, count[k.kind])
		delete(count, k.kind)
	}
	for left := range count {
		fmt.Fprintf(b, "| %s | not described | %d |\n", left, count[left])
	}
}

func (p *page) writeLasting(b *strings.Builder) {
	fmt.Fprintf(b, `
## Faults that last

A single fault heals; these go on. The nights have five running instances and a stopped one, a request for one more at the same
time, a group that launches from what is rolled, and a plan of `+"`concurrency: %d`"+`. Each of the %d calls of AWS that such a night makes
is denied from a random moment on, for an hour and for good; the ledger is away for an hour, or its table is lost and comes back empty;
Slack is gone, for an hour and for good; and the run is aborted in the middle of any of these. In other nights images are tested,
shared and retired, and there are a Spot instance and a snapshot: the calls that only these take are denied, too. Others have two of them at once
(`+"`go test ./test/night -run Lasting`"+`, and as many as one likes with `+"`make soak`"+`). The invariants hold after each: never were more than
%d down at once; once the fault has ended nothing is left behind; and while it lasts people know by name what is down. When the
table was lost *and* the run was aborted, the tag on the instance and the history of its execution lead recover to it.

Denied are: %s.
`, p.lasting.concurrency, len(p.lasting.met), p.lasting.most, strings.Join(slices.Sorted(maps.Keys(p.lasting.met)), ", "))
}
