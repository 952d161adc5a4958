package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
)

// taker is a channel that takes what it is given unless it is down.
type taker struct {
	down    bool
	reports int
	alerts  []string
}

func (c *taker) Report(context.Context, report.Report) (bool, error) {
	if c.down {
		return false, errors.New("it is down")
	}
	c.reports++
	return true, nil
}

func (c *taker) Alert(_ context.Context, a report.Alert) (bool, error) {
	if c.down {
		return false, errors.New("it is down")
	}
	c.alerts = append(c.alerts, a.Title+"\n"+strings.Join(a.Lines, "\n"))
	return true, nil
}

// several are channels, of which a plan names some, and a run that is told by them.
type several struct {
	*rapid.T
	via      []plan.Channel
	takers   map[plan.Channel]*taker
	notifier notify.Notifier
	at       time.Time
	// failed are those that ever failed with the message before them.
	failed map[plan.Channel]bool
}

func drawn(t *rapid.T) *several {
	all := rapid.Permutation(plan.Channels).Draw(t, "order")
	s := &several{T: t, via: all[:rapid.IntRange(1, len(all)).Draw(t, "channels")], at: now,
		takers: map[plan.Channel]*taker{}, failed: map[plan.Channel]bool{}}
	channels := map[plan.Channel]notify.Channel{}
	for _, name := range plan.Channels {
		s.takers[name] = &taker{}
		channels[name] = s.takers[name]
	}
	memory := ledger.NewMemory()
	must(t, memory.PutResult(t.Context(), job.Result{Run: run.Name, Source: "i-1", Ending: job.Imaged, At: now}))
	s.notifier = notify.Notifier{Runs: memory, Results: memory, Requests: memory, Channels: channels, Tags: untouched{},
		Now: func() time.Time { return s.at }}
	return s
}

// try tells, with some of the channels down: those that are up have it, and the others no more than before.
func (s *several) try(down func(plan.Channel) bool) {
	had := map[plan.Channel]int{}
	for _, name := range s.via {
		s.takers[name].down, had[name] = down(name), s.takers[name].reports
		s.failed[name] = s.failed[name] || s.takers[name].down && had[name] == 0
	}
	_, err := s.notifier.Notify(s.Context(), run, plan.Plan{Name: "nightly", Notify: plan.Notify{Via: s.via}})
	must(s.T, err)
	for _, name := range s.via {
		want := 1
		if s.takers[name].down {
			want = had[name]
		}
		if got := s.takers[name].reports; got != want {
			s.Fatalf("%s, down: %v, has %d reports, and had %d", name, s.takers[name].down, got, had[name])
		}
	}
	s.at = s.at.Add(ledger.Notifier)
}

// said is how often a channel says of another that it failed.
func (s *several) said(by, of plan.Channel) (n int) {
	for _, alert := range s.takers[by].alerts {
		if strings.HasPrefix(alert, "A message could not be sent by "+string(of)+"\n") {
			n++
		}
	}
	return n
}

// Whatever channels fail, and whenever, every other has the message at once, each has it once in the end, and the
// others tell of each that failed, once.
func TestNoChannelHidesAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawn(t)
		for try := range rapid.IntRange(1, 4).Draw(t, "tries") {
			s.try(func(c plan.Channel) bool { return rapid.Bool().Draw(t, fmt.Sprintf("%s is down at try %d", c, try)) })
		}
		for range 2 {
			s.try(func(plan.Channel) bool { return false })
		}
		for _, name := range plan.Channels {
			if !slices.Contains(s.via, name) && s.takers[name].reports > 0 {
				t.Fatalf("%s is told, of via %v", name, s.via)
			}
			for _, broken := range s.via {
				if said := s.said(name, broken); said > 1 || said == 1 && !s.failed[broken] {
					t.Fatalf("%s says %d times that %s failed, which is %v", name, said, broken, s.failed[broken])
				}
			}
		}
	})
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// A channel that fails beside one that works is told by that one, logged and counted.
func TestABrokenChannelIsTold(t *testing.T) {
	n := begin(t, job.Imaged)
	slacks, events := &taker{}, &taker{down: true}
	n.channels = map[plan.Channel]notify.Channel{plan.Slack: slacks, plan.EventBridge: events}
	p := plan.Plan{Name: "nightly", Notify: plan.Notify{Via: []plan.Channel{plan.Slack, plan.EventBridge}}}
	for range 3 {
		if _, err := n.tell(t, run, p); err != nil {
			t.Fatal(err)
		}
		n.later += ledger.Notifier
	}
	if slacks.reports != 1 || len(slacks.alerts) != 1 || !strings.Contains(slacks.alerts[0], "it is down") {
		t.Errorf("Slack has %d reports, and %q", slacks.reports, slacks.alerts)
	}
	if got := n.metrics(t); got != "RunsOK"+strings.Repeat(" NotificationsFailed", 3) {
		t.Errorf("counted %q", got)
	}
	if !n.known(t).Told.IsZero() {
		t.Error("the run is told while a channel does not have it")
	}
}

// A notice that one of two channels took has been heard, and the other gets it later.
func TestANoticeByTwoChannels(t *testing.T) {
	slacks, topic := &taker{down: true}, &taker{}
	memory, at := ledger.NewMemory(), now
	notifier := notify.Notifier{
		Runs: memory, Channels: map[plan.Channel]notify.Channel{plan.Slack: slacks, plan.SNS: topic},
		Now: func() time.Time { return at },
	}
	notice := notify.Notice{Key: "k", Title: "Something happened",
		Notify: plan.Notify{Via: []plan.Channel{plan.Slack, plan.SNS}}}
	for i, down := range []bool{true, false, false} {
		slacks.down = down
		got, err := notifier.Notice(t.Context(), notice)
		if err != nil || got != notify.Sent {
			t.Errorf("try %d: %s, %v", i, got, err)
		}
		at = at.Add(ledger.Notifier)
	}
	if len(slacks.alerts) != 1 || len(topic.alerts) != 2 {
		t.Errorf("Slack has %q, and SNS %q", slacks.alerts, topic.alerts)
	}
}

// A channel that this version does not have fails like any other that cannot be reached.
func TestAChannelThatIsNotKnown(t *testing.T) {
	n := begin(t, job.Imaged)
	p := plan.Plan{Name: "nightly", Notify: plan.Notify{Via: []plan.Channel{plan.SNS}}}
	if _, err := n.tell(t, run, p); err != nil || !n.known(t).Told.IsZero() ||
		!strings.Contains(n.log.String(), "knows no channel sns") {
		t.Errorf("%v: %s", err, n.log.String())
	}
}

// What is no plan's matter is told by every channel that works, which also tell of those that do not; and where none
// does, who asked is told why.
func TestPeopleHearOfChannelsThatFail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		takers, channels := map[plan.Channel]*taker{}, map[plan.Channel]notify.Channel{}
		down := 0
		for _, name := range plan.Channels {
			takers[name] = &taker{down: rapid.Bool().Draw(t, string(name)+" is down")}
			if channels[name] = takers[name]; takers[name].down {
				down++
			}
		}
		people := notify.People{Channels: channels, Via: plan.Channels}
		err := people.Alert(t.Context(), report.Alert{Key: "k", Title: "web is back"})
		if (err != nil) != (down == len(takers)) {
			t.Fatalf("%d of %d are down: %v", down, len(takers), err)
		}
		for name, c := range takers {
			heard := strings.Join(c.alerts, "\n")
			if !c.down && !strings.HasPrefix(heard, "web is back") {
				t.Errorf("%s heard %q", name, heard)
			}
			for other, o := range takers {
				if !c.down && strings.Contains(heard, string(other)+": it is down") != o.down {
					t.Errorf("%s is down: %t; %s heard %q", other, o.down, name, heard)
				}
			}
		}
	})
}
