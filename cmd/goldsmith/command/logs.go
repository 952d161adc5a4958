package command

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/spf13/cobra"

	"goldsmith/shared/fault"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

func (t *terms) logsCommand() *cobra.Command {
	var since time.Duration
	var problems bool
	c := &cobra.Command{
		Use:   "logs RUN|SOURCE",
		Short: "Show what all functions have logged of a run, or of a source",
		Long: `Logs shows what every function has logged of a run or of a source, in the order of
time: what it did, what AWS refused, and what it made of that. Of a run these are the
lines since it began, of a source those of the last day, or of --since.`,
		Example: "  goldsmith logs nightly-20260322T023000Z --problems\n  goldsmith logs i-0e02b925212ac1cdc --since 72h",
		Args:    takes(1, 1, "the name of one run, or the id of one source"),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case since <= 0:
				return misusedf("--since %s is no time back", since)
			case c.Flags().Changed("since") && !sourceID.MatchString(args[0]):
				return misusedf("--since is for a source (i-... or snap-...); of a run all lines are shown")
			}
			return t.logs(c.Context(), args[0], since, problems)
		},
	}
	c.Flags().DurationVar(&since, "since", 24*time.Hour, "how far back, for a source")
	c.Flags().BoolVar(&problems, "problems", false, "warnings and errors alone")
	return c
}

// logLine is what a function has logged at once.
type logLine struct {
	Time     time.Time `json:"time"`
	Function string    `json:"function"`
	Level    string    `json:"level"`
	Message  string    `json:"message"`
	Run      string    `json:"run,omitempty"`
	Source   string    `json:"source,omitempty"`
	// More is what else the line says.
	More map[string]any `json:"more"`
}

// logged is what logs shows.
type logged struct {
	Run    string    `json:"run,omitempty"`
	Source string    `json:"source,omitempty"`
	Since  time.Time `json:"since"`
	Lines  []logLine `json:"lines"`

	zone *time.Location
}

// sourceID is what the ids of sources look like.
var sourceID = regexp.MustCompile(`^(i|snap)-[0-9a-f]{8,17}$`)

func (t *terms) logs(ctx context.Context, of string, since time.Duration, problems bool) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	found := logged{Source: of, Since: t.Now().Add(-since), zone: time.UTC}
	if !sourceID.MatchString(of) {
		if found, err = site.logsOfRun(ctx, of); err != nil {
			return err
		}
	}
	if err := site.readLogs(ctx, &found); err != nil {
		return err
	}
	if problems {
		found.Lines = slices.DeleteFunc(found.Lines, func(l logLine) bool { return l.Level != "WARN" && l.Level != "ERROR" })
	}
	return t.show(found, found.print)
}

// logsOfRun says since when there are lines of a run.
func (s site) logsOfRun(ctx context.Context, run string) (logged, error) {
	record, known, err := s.ledger.GetRun(ctx, run)
	switch {
	case err != nil:
		return logged{}, wrap("reading run "+run, err)
	case !known:
		return logged{}, noRun(run)
	}
	// Trigger logs of it before it is recorded as started.
	return logged{Run: run, Since: record.Started.Add(-time.Minute), zone: report.Zone(record, plan.Plan{})}, nil
}

// readLogs reads the lines of every function's log group.
func (s site) readLogs(ctx context.Context, l *logged) error {
	api := cloudwatchlogs.NewFromConfig(s.aws)
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(api, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: aws.String("/aws/lambda/" + s.Group() + "-"),
	})
	l.Lines = []logLine{}
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return wrap("looking for the functions' logs", err)
		}
		for _, g := range page.LogGroups {
			if err := l.read(ctx, api, aws.ToString(g.LogGroupName)); err != nil {
				return wrap("reading the log "+aws.ToString(g.LogGroupName), err)
			}
		}
	}
	slices.SortStableFunc(l.Lines, func(a, b logLine) int { return a.Time.Compare(b.Time) })
	return nil
}

func (l *logged) read(ctx context.Context, api cloudwatchlogs.FilterLogEventsAPIClient, group string) error {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(api, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(group), FilterPattern: aws.String(l.pattern()),
		StartTime: aws.Int64(l.Since.UnixMilli()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if fault.IsNotFound(err) { // It was deleted meanwhile.
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			one := lineOf(time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), aws.ToString(e.Message))
			if _, metric := one.More["_aws"]; !metric { // CloudWatch reads those.
				l.Lines = append(l.Lines, one)
			}
		}
	}
	return nil
}

// pattern is what tells the lines (CloudWatch Logs User Guide, "Filter pattern syntax"). A run's name is of letters,
// digits, - and _.
func (l *logged) pattern() string {
	if l.Run != "" {
		return fmt.Sprintf(`{ $.run = "%s" }`, l.Run)
	}
	return fmt.Sprintf(`{ $.source = "%s" }`, l.Source)
}

// lineOf reads a line of JSON.
func lineOf(at time.Time, text string) logLine {
	l := logLine{Time: at, More: map[string]any{}}
	if json.Unmarshal([]byte(text), &l.More) != nil {
		l.Message = text
		return l
	}
	for name, into := range map[string]*string{
		"function": &l.Function, "level": &l.Level, "msg": &l.Message, "run": &l.Run, "source": &l.Source,
	} {
		*into, _ = l.More[name].(string)
		delete(l.More, name)
	}
	delete(l.More, "time")
	return l
}

// logIndent is as wide as what stands in front of a line's message.
const logIndent = "                     "

func (l logged) print(p *page) {
	of := l.Run
	if of == "" {
		of = l.Source
	}
	p.fold("", "%s of %s since %s", count(len(l.Lines), "line"), of, stampIn(l.Since, l.zone))
	if len(l.Lines) == 0 {
		p.fold("", "CloudWatch keeps the functions' logs for three months; goldsmith status shows the runs that there were.")
		return
	}
	p.line("")
	day := ""
	for _, one := range l.Lines {
		if is := one.Time.In(l.zone).Format("Mon 2 Jan 2006 MST"); is != day {
			day = is
			p.line("  %s", p.in(faint, day))
		}
		one.print(p, l)
	}
}

func (one logLine) print(p *page, l logged) {
	colors := map[string]color{"WARN": yellow, "ERROR": red}
	var says page
	says.fold(logIndent, "%s", one.says(l))
	text := strings.TrimPrefix(says.String(), logIndent)
	first, rest, _ := strings.Cut(text, "\n")
	p.line("  %s %-9s %s", one.Time.In(l.zone).Format("15:04:05"), one.Function, p.in(colors[one.Level], first))
	p.WriteString(rest)
}

// says is a line in one sentence: what is the same in all of them is left out.
func (one logLine) says(l logged) string {
	words := []string{one.Message}
	if one.Level == "WARN" || one.Level == "ERROR" {
		words = []string{one.Level + ": " + one.Message}
	}
	if l.Run != "" && one.Source != "" {
		words = append(words, "source="+one.Source)
	}
	if l.Source != "" && one.Run != "" {
		words = append(words, "run="+one.Run)
	}
	for _, name := range slices.Sorted(maps.Keys(one.More)) {
		if name != "request" && name != "plan" {
			words = append(words, name+"="+one.member(name))
		}
	}
	return strings.Join(words, " ")
}

func (one logLine) member(name string) string {
	if took, ok := one.More[name].(float64); ok && name == "took" { // slog writes nanoseconds.
		return time.Duration(took).Round(time.Millisecond).String()
	}
	return fmt.Sprint(one.More[name])
}
