package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/slack"
)

var now = time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC)

// channel remembers the messages it was given.
type channel struct {
	messages []slack.Message
	off      bool
	err      error
}

func (c *channel) Report(_ context.Context, r report.Report) (bool, error) {
	if !r.Wanted() {
		return false, nil
	}
	return c.take(slack.Of(r))
}

func (c *channel) Alert(_ context.Context, a report.Alert) (bool, error) {
	return c.take(slack.Alert(a.Title, a.Lines, "", ""))
}

func (c *channel) take(m slack.Message) (bool, error) {
	c.messages = append(c.messages, m)
	return !c.off && c.err == nil, c.err
}

func only(c *channel) map[plan.Channel]notify.Channel {
	return map[plan.Channel]notify.Channel{plan.Slack: c}
}

// untouched has no tags to take off.
type untouched struct{}

func (untouched) DeleteTags(context.Context, *ec2.DeleteTagsInput, ...func(*ec2.Options)) (*ec2.DeleteTagsOutput,
	error) {
	return &ec2.DeleteTagsOutput{}, nil
}

// night is a ledger with an opened run, and one that tells of it.
type night struct {
	memory  *ledger.Memory
	channel *channel
	// channels are all there are. Default: channel as Slack.
	channels map[plan.Channel]notify.Channel
	log      bytes.Buffer
	later    time.Duration // after now
}

var run = ledger.Run{Name: "nightly-1", Plan: "nightly",
	Execution: "arn:aws:states:eu-west-1:123456789012:execution:goldsmith:nightly-1", Scheduled: now.Add(-time.Hour)}

func begin(t *testing.T, endings ...job.Ending) *night {
	t.Helper()
	n := &night{memory: ledger.NewMemory(), channel: &channel{}}
	opened := run
	opened.Started = now.Add(-50 * time.Minute)
	if err := n.memory.PutRun(t.Context(), opened); err != nil {
		t.Fatal(err)
	}
	for i, ending := range endings {
		result := job.Result{Run: run.Name, Source: "i-" + strings.Repeat("1", i+1), Name: "web", Ending: ending, At: now}
		if err := n.memory.PutResult(t.Context(), result); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// tell is called as a function calls it, with the log it gets from there.
func (n *night) tell(t *testing.T, r ledger.Run, p plan.Plan) (outcome plan.Outcome, err error) {
	t.Helper()
	if n.channels == nil {
		n.channels = only(n.channel)
	}
	notifier := notify.Notifier{Runs: n.memory, Results: n.memory, Requests: n.memory, Channels: n.channels,
		Tags: untouched{},
		Now:  func() time.Time { return now.Add(n.later) }}
	serve := handler.Wrap(handler.Logger(&n.log, "notify"), func(ctx context.Context, _ struct{}) (plan.Outcome, error) {
		return notifier.Notify(ctx, r, p)
	})
	return serve(t.Context(), struct{}{})
}

func (n *night) known(t *testing.T) ledger.Run {
	t.Helper()
	known, ok, err := n.memory.GetRun(t.Context(), run.Name)
	if err != nil || !ok {
		t.Fatalf("the run is gone: %v", err)
	}
	return known
}

// metrics are the names of what was counted.
func (n *night) metrics(t *testing.T) string {
	t.Helper()
	var names []string
	for line := range strings.Lines(n.log.String()) {
		var fields struct {
			AWS struct {
				CloudWatchMetrics []struct{ Metrics []struct{ Name string } }
			} `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		for _, d := range fields.AWS.CloudWatchMetrics {
			names = append(names, d.Metrics[0].Name)
		}
	}
	return strings.Join(names, " ")
}

func TestTold(t *testing.T) {
	for name, c := range map[string]struct {
		endings []job.Ending
		outcome plan.Outcome
		metric  string
	}{
		"nothing to do": {nil, plan.OK, "RunsOK"},
		"all imaged":    {[]job.Ending{job.Imaged, job.Skipped}, plan.OK, "RunsOK"},
		"some failed":   {[]job.Ending{job.Imaged, job.Broken}, plan.Partial, "RunsPartial"},
		"all failed":    {[]job.Ending{job.LeftStopped, job.Skipped}, plan.Failed, "RunsFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			n := begin(t, c.endings...)
			outcome, err := n.tell(t, run, plan.Plan{Name: "nightly"})
			if err != nil || outcome != c.outcome || len(n.channel.messages) != 1 {
				t.Fatalf("%s, %v, %d messages", outcome, err, len(n.channel.messages))
			}
			known := n.known(t)
			if !known.Told.Equal(now) || !known.Ended.Equal(now) || known.Outcome != string(c.outcome) ||
				!known.Started.Equal(now.Add(-50*time.Minute)) {
				t.Errorf("the ledger knows %+v", known)
			}
			if got := n.metrics(t); got != c.metric {
				t.Errorf("counted %q, want %q", got, c.metric)
			}
		})
	}
}

func TestToldOnce(t *testing.T) {
	n := begin(t, job.Broken)
	for range 3 {
		outcome, err := n.tell(t, run, plan.Plan{Name: "nightly"})
		if err != nil || outcome != plan.Failed {
			t.Fatalf("%s, %v", outcome, err)
		}
	}
	if len(n.channel.messages) != 1 || n.metrics(t) != "RunsFailed" {
		t.Errorf("%d messages, counted %q", len(n.channel.messages), n.metrics(t))
	}
}

// Slack's failure is visible and never the run's.
func TestSlackFails(t *testing.T) {
	n := begin(t, job.Imaged)
	n.channel.err = errors.New("channel_not_found")
	outcome, err := n.tell(t, run, plan.Plan{Name: "nightly"})
	if err != nil || outcome != plan.OK {
		t.Fatalf("%s, %v", outcome, err)
	}
	if known := n.known(t); !known.Told.IsZero() || known.Outcome != "ok" || known.Ended.IsZero() {
		t.Errorf("the ledger knows %+v", known)
	}
	if got := n.metrics(t); got != "RunsOK NotificationsFailed" {
		t.Errorf("counted %q", got)
	}
	if !strings.Contains(n.log.String(), `"level":"ERROR"`) || !strings.Contains(n.log.String(), "channel_not_found") {
		t.Errorf("the log does not say so: %s", n.log.String())
	}
}

// Who comes next tells again.
func TestSlackFailsOnce(t *testing.T) {
	n := begin(t, job.Imaged)
	n.channel.err = errors.New("channel_not_found")
	if _, err := n.tell(t, run, plan.Plan{Name: "nightly"}); err != nil {
		t.Fatal(err)
	}
	n.channel.err = nil
	if _, err := n.tell(t, run, plan.Plan{Name: "nightly"}); err != nil || len(n.channel.messages) != 1 {
		t.Errorf("%v, %d messages while another may be telling", err, len(n.channel.messages))
	}
	n.later = ledger.Notifier
	if _, err := n.tell(t, run, plan.Plan{Name: "nightly"}); err != nil || len(n.channel.messages) != 2 ||
		n.known(t).Told.IsZero() {
		t.Errorf("%v, %d messages", err, len(n.channel.messages))
	}
}

// A plan that does not want to hear of an outcome, and one without Slack, leave nobody to be told.
func TestNobodyToTell(t *testing.T) {
	n := begin(t, job.Imaged)
	quiet := plan.Plan{Name: "nightly", Notify: plan.Notify{On: []plan.Outcome{plan.Failed, plan.Partial}}}
	if outcome, err := n.tell(t, run, quiet); err != nil || outcome != plan.OK || len(n.channel.messages) != 0 ||
		n.known(t).Told.IsZero() {
		t.Errorf("%s, %v, %d messages, told %s", outcome, err, len(n.channel.messages), n.known(t).Told)
	}
	n = begin(t, job.Broken)
	if _, err := n.tell(t, run, quiet); err != nil || len(n.channel.messages) != 1 {
		t.Errorf("%v, %d messages; it wants to hear of failures", err, len(n.channel.messages))
	}
	n = begin(t, job.Broken)
	n.channel.off = true
	if _, err := n.tell(t, run, plan.Plan{Name: "nightly"}); err != nil || n.known(t).Told.IsZero() {
		t.Errorf("%v, told %s", err, n.known(t).Told)
	}
}

// A run that ended before it was opened in the ledger is told all the same.
func TestUnknownRun(t *testing.T) {
	n := &night{memory: ledger.NewMemory(), channel: &channel{}}
	broken := run
	broken.Problem = "The execution ended as ABORTED before the run was done"
	outcome, err := n.tell(t, broken, plan.Plan{Name: "nightly"})
	if err != nil || outcome != plan.Failed || len(n.channel.messages) != 1 ||
		!strings.Contains(n.channel.messages[0].Text, "ABORTED") {
		t.Fatalf("%s, %v, %+v", outcome, err, n.channel.messages)
	}
	if known := n.known(t); known.Problem != broken.Problem || known.Told.IsZero() {
		t.Errorf("the ledger knows %+v", known)
	}
}

// broken is a ledger in which one thing does not work.
type broken struct {
	*ledger.Memory
	get, put, mark error
}

func (b broken) GetRun(ctx context.Context, name string) (ledger.Run, bool, error) {
	if b.get != nil {
		return ledger.Run{}, false, b.get
	}
	return b.Memory.GetRun(ctx, name)
}

func (b broken) PutRun(ctx context.Context, r ledger.Run) error {
	if b.put != nil {
		return b.put
	}
	return b.Memory.PutRun(ctx, r)
}

func (b broken) Notified(ctx context.Context, run string, at time.Time) (bool, error) {
	if b.mark != nil {
		return false, b.mark
	}
	return b.Memory.Notified(ctx, run, at)
}

func TestLedgerFails(t *testing.T) {
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		memory   broken
		messages int
	}{
		"reading the run": {broken{get: refused}, 0},
		"closing the run": {broken{put: refused}, 0},
		"marking the run": {broken{mark: refused}, 1},
	} {
		c.memory.Memory = ledger.NewMemory()
		sent := &channel{}
		notifier := notify.Notifier{Runs: c.memory, Results: c.memory, Requests: c.memory, Channels: only(sent),
			Now: func() time.Time { return now }}
		if _, err := notifier.Notify(t.Context(), run, plan.Plan{Name: "nightly"}); !errors.Is(err, refused) ||
			len(sent.messages) != c.messages {
			t.Errorf("%s: %v, %d messages", name, err, len(sent.messages))
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	notifier := notify.Notifier{Runs: withoutContext{ledger.NewMemory()}, Results: ledger.NewMemory(),
		Requests: withoutContext{ledger.NewMemory()}, Channels: only(&channel{}), Now: func() time.Time { return now }}
	if _, err := notifier.Notify(ended, run, plan.Plan{Name: "nightly"}); !errors.Is(err, context.Canceled) ||
		!strings.Contains(err.Error(), "reading the results") {
		t.Errorf("results that cannot be read: %v", err)
	}
}

// withoutContext answers although the context has ended.
type withoutContext struct{ *ledger.Memory }

func (w withoutContext) GetRun(_ context.Context, name string) (ledger.Run, bool, error) {
	return w.Memory.GetRun(context.Background(), name)
}
