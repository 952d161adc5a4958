// Package demo plays one night on the embedded AWS, in scaled time, over a real
// socket: a small fleet of every kind, the nightly schedule, and somebody who
// asks for an image in the middle of it.
package demo

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"goldsmith/local/clock"
	world "goldsmith/local/ec2"
	"goldsmith/local/progress"
	"goldsmith/local/slacksink"
	"goldsmith/local/suite"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
	"goldsmith/shared/schedule"
)

// Options of a demo.
type Options struct {
	// Plans is the path of plans.yaml.
	Plans string
	// Seed decides the fleet and every delay.
	Seed uint64
	// Speed is how many seconds of the night pass in one real second.
	Speed float64
	// Out is the folder for run.json and slack.html.
	Out string
	// Logs is where the functions' log lines go; nil for nowhere.
	Logs io.Writer
}

const (
	// prelude is how long before the schedule the demo begins: instances need
	// up to half a minute to run, and one of them a minute to stop again.
	prelude = 150 * time.Second
	// asked is how long after the schedule somebody puts the request tag on.
	asked = 40 * time.Second
	// patience is how long the night may take at most; images are ready within minutes here.
	patience = 30 * time.Minute
	// nightly is the plan whose schedule is played.
	nightly = "nightly"
)

// timing is EC2 on a good day: snapshots of small volumes.
func timing() world.Timing {
	t := world.DefaultTiming()
	t.SnapshotStored = world.Span{Min: 40 * time.Second, Max: 4 * time.Minute}
	return t
}

// Run plays the night, prints it to out and writes what came of it. It is an
// error when the night did not end as it should.
func Run(ctx context.Context, o Options, out io.Writer) error {
	plans, err := planfile.Load(o.Plans, time.Now())
	if err != nil {
		return err
	}
	due, err := next(plans, time.Now())
	if err != nil {
		return err
	}
	refreshing(plans)
	n := &night{options: o, out: out, clock: clock.Scaled(due.Add(-prelude), o.Speed), due: due}
	if err := n.open(plans); err != nil {
		return err
	}
	defer n.close()
	if err := n.play(ctx); err != nil {
		return err
	}
	return n.tell(ctx)
}

// next is when the plan's schedule is due the next time.
func next(plans plan.Plans, now time.Time) (time.Time, error) {
	p := plans.Plans[nightly]
	zone, err := schedule.Zone(p.Timezone)
	if err != nil {
		return time.Time{}, err
	}
	due, err := schedule.Parse(p.Schedule, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("the demo plays plan %q: %w", nightly, err)
	}
	at, ok := due.Next(now)
	if !ok {
		return time.Time{}, fmt.Errorf("the demo plays plan %q, whose schedule is over", nightly)
	}
	return at, nil
}

// refreshing has the plan refresh groups, which the example leaves alone, as a first deployment should.
func refreshing(plans plan.Plans) {
	p := plans.Plans[nightly]
	p.Roll.Refresh.Enabled = true
	plans.Plans[nightly] = p
}

// night is one demo.
type night struct {
	options Options
	out     io.Writer
	clock   *clock.Clock
	due     time.Time

	suite    *suite.Suite
	scene    *scene
	progress *progress.Printer
	server   *http.Server
}

// open starts the embedded AWS behind a socket.
func (n *night) open(plans plan.Plans) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to cancel: it listens at once
	if err != nil {
		return fmt.Errorf("opening a socket for the embedded AWS: %w", err)
	}
	n.progress = progress.New(n.clock, n.out)
	n.suite, err = suite.New(suite.Options{
		Clock: n.clock, Plans: plans, Seed: n.options.Seed, Logs: n.options.Logs,
		Endpoint: "http://" + listener.Addr().String(),
		EC2:      world.Options{Buckets: true, Timing: timing()},
		Wrap:     n.progress.Around,
	})
	if err != nil {
		return err
	}
	n.progress.Old(n.suite.Ledger.Retirements)
	n.server = &http.Server{Handler: n.suite, ReadHeaderTimeout: time.Minute}
	go func() { _ = n.server.Serve(listener) }()
	return nil
}

func (n *night) close() {
	_ = n.suite.Close()
	_ = n.server.Close()
}

// play sets the scene, waits for the schedule, asks for an image and waits for both messages.
func (n *night) play(ctx context.Context) error {
	ctx = suite.As(ctx, "person")
	n.progress.Line(fmt.Sprintf("setting the scene; plan %q, with refreshes of groups, is due at %s UTC, the night passes %gx faster", nightly, n.due.UTC().Format(time.TimeOnly), n.options.Speed))
	var err error
	if n.scene, err = build(ctx, n.suite, n.clock, n.due, n.options.Seed); err != nil {
		return err
	}
	if err := n.until(ctx, n.due.Add(-prelude).Add(50*time.Second)); err != nil {
		return err
	}
	if err := n.scene.rest(ctx); err != nil {
		return err
	}
	if err := n.until(ctx, n.due.Add(asked)); err != nil {
		return err
	}
	n.progress.Line("somebody puts goldsmith:image=now on lab")
	if err := n.scene.ask(ctx); err != nil {
		return fmt.Errorf("asking for an image of lab: %w", err)
	}
	return n.told(ctx, 2)
}

func (n *night) until(ctx context.Context, at time.Time) error {
	return n.clock.Sleep(ctx, at.Sub(n.clock.Now()))
}

// told waits until Slack has that many messages.
func (n *night) told(ctx context.Context, messages int) error {
	for n.clock.Now().Before(n.due.Add(patience)) {
		if len(n.suite.Slack.Messages()) >= messages {
			return nil
		}
		if err := n.clock.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return fmt.Errorf("after %s of the night Slack has %d of %d messages", patience, len(n.suite.Slack.Messages()), messages)
}

// tell prints the table and the messages, and writes both as files.
func (n *night) tell(ctx context.Context) error {
	outcome, err := n.outcome(ctx)
	if err != nil {
		return err
	}
	outcome.print(n.out)
	for _, m := range n.suite.Slack.Messages() {
		fmt.Fprintln(n.out, "\n"+m.Terminal(slacksink.Colored(n.out)))
	}
	if err := outcome.write(n.options.Out, n.suite.Slack.Messages()); err != nil {
		return err
	}
	return outcome.check()
}
