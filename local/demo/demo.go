// Package demo plays one night on the embedded AWS, in scaled time, over a real
// socket: a small fleet of every kind, the nightly schedule, and requests in the
// middle of it, of an instance and of the snapshots of one that is gone.
package demo

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"goldsmith/local/clock"
	world "goldsmith/local/ec2"
	"goldsmith/local/progress"
	"goldsmith/local/serve"
	"goldsmith/local/slack"
	"goldsmith/local/stack"
	runpage "goldsmith/shared/page"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
)

// Options of a demo.
type Options struct {
	// Plans is the path of plans.yaml.
	Plans string
	// Plan is the plan to play; empty for the usual one.
	Plan string
	// Seed decides the fleet and every delay.
	Seed uint64
	// Speed is how many seconds of the night pass in one real second.
	Speed float64
	// Out is the folder for run.json, slack.html and report.html.
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
	// patience is how long the night may take at most: a plan may work on one source after the other.
	patience = 8 * time.Hour
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
	if err := clock.Check(o.Speed); err != nil {
		return err
	}
	plans, err := planfile.Load(o.Plans, time.Now())
	if err != nil {
		return err
	}
	played, err := choose(plans, o.Plan)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Plans, err)
	}
	n := &night{options: o, out: out, clock: clock.Scaled(played.due.Add(-prelude), o.Speed), chosen: played}
	ctx, work := n.clock.Begin(ctx)
	defer work.End()
	if err := n.open(played.plans); err != nil {
		return err
	}
	defer n.close()
	if err := n.play(ctx); err != nil {
		return err
	}
	return n.tell(ctx)
}

// night is one demo.
type night struct {
	options Options
	out     io.Writer
	clock   *clock.Clock
	*chosen

	suite    *stack.Stack
	scene    *scene
	progress *progress.Printer
	server   *http.Server
	// pages are the runs, the scheduled one first, as their pages show them.
	pages []runpage.Run
}

// open starts the embedded AWS behind a socket.
func (n *night) open(plans plan.Plans) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to cancel: it listens at once
	if err != nil {
		return fmt.Errorf("opening a socket for the embedded AWS: %w", err)
	}
	n.progress = progress.New(n.clock, n.out)
	n.suite, err = stack.New(stack.Options{
		Clock: n.clock, Plans: plans, Seed: n.options.Seed, Logs: n.options.Logs,
		Endpoint: "http://" + listener.Addr().String(),
		EC2:      world.Options{Buckets: true, Timing: timing()},
		Wrap:     n.progress.Around,
	})
	if err != nil {
		return err
	}
	n.progress.Old(n.suite.Ledger.Retirements)
	n.server = serve.Server(n.suite)
	go func() { _ = n.server.Serve(listener) }()
	return nil
}

func (n *night) close() {
	_ = n.suite.Close()
	_ = n.server.Close()
}

// play sets the scene, waits for the schedule, asks for images and waits for the messages.
func (n *night) play(ctx context.Context) error {
	ctx = stack.As(ctx, "person")
	n.progress.Line(fmt.Sprintf("setting the scene; plan %q, with refreshes of groups, is due at %s UTC, the night "+
		"passes %gx faster", n.name, n.due.UTC().Format(time.TimeOnly), n.options.Speed))
	for _, change := range n.changes {
		n.progress.Line(change)
	}
	var err error
	if n.scene, err = build(ctx, n); err != nil {
		return err
	}
	if err := n.until(ctx, n.due.Add(-prelude).Add(50*time.Second)); err != nil {
		return err
	}
	if err := n.scene.rest(ctx); err != nil {
		return err
	}
	if err := n.scene.lose(ctx); err != nil {
		return err
	}
	if err := n.until(ctx, n.due.Add(asked)); err != nil {
		return err
	}
	n.progress.Line("goldsmith:image=now is put on lab, and on the snapshots that are left of mail; goldsmith:image=" +
		frozen + " on orders")
	if err := n.scene.ask(ctx); err != nil {
		return fmt.Errorf("asking for images of lab, mail and orders: %w", err)
	}
	return n.ended(ctx)
}

func (n *night) until(ctx context.Context, at time.Time) error {
	return n.clock.Sleep(ctx, at.Sub(n.clock.Now()))
}

// ended waits until every run has, and a moment longer for their messages.
func (n *night) ended(ctx context.Context) error {
	for n.clock.Now().Before(n.due.Add(patience)) {
		over := 0
		for _, name := range n.runs() {
			record, known, err := n.suite.Ledger.GetRun(ctx, name)
			if err != nil {
				return fmt.Errorf("reading run %s: %w", name, err)
			}
			if known && record.Outcome != "" {
				over++
			}
		}
		if over == 1+len(n.scene.wanted()) {
			return n.clock.Sleep(ctx, 5*time.Second)
		}
		if err := n.clock.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	speed := n.options.Speed
	took := time.Duration(float64(patience) / speed).Round(time.Second)
	return fmt.Errorf("after %s of the night not every run has ended: at --speed %g they pass in %s, which this machine "+
		"cannot keep; try --speed %g", patience, speed, took, max(1, math.Floor(speed/10)))
}

// tell prints the table and the messages, and writes both as files.
func (n *night) tell(ctx context.Context) error {
	outcome, err := n.outcome(ctx)
	if err != nil {
		return err
	}
	n.progress.Quiet() // The files' names come last; what goes on is cut off.
	outcome.print(fitted(n.out))
	for _, m := range n.suite.Slack.Messages() {
		fmt.Fprintln(n.out, "\n"+m.Terminal(slack.Colored(n.out)))
	}
	if err := outcome.write(n.options.Out, n.suite.Slack.Messages(), n.pages[0]); err != nil {
		return err
	}
	fmt.Fprintf(n.out, "\nWritten: %s, %s and %s\n", filepath.Join(n.options.Out, "run.json"),
		filepath.Join(n.options.Out, "slack.html"), filepath.Join(n.options.Out, "report.html"))
	return outcome.check()
}
