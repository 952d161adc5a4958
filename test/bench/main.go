// Command bench holds Goldsmith against its budgets. It plays whole nights on
// the embedded AWS in fake time (the tests of this package, at full size), runs
// the functions as Lambda does, and the demo; it prints the table, and writes
// dist/bench/budgets.json and docs/benchmarks.md. `make bench` runs it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

const (
	folder   = "dist/bench"
	document = "docs/benchmarks.md"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.IntVar(&o.rehearsed, "rehearsed", 10_000, "sources of the rehearsal")
	flag.IntVar(&o.throttled, "throttled", 1000, "sources of the throttled nights")
	flag.BoolVar(&o.suite, "suite", false,
		"measure `make test` as well, cold and warm: takes minutes, and is kept for later runs")
	flag.BoolVar(&o.functions, "functions", false,
		"measure the functions alone, and put their part of the page in place of what was there")
	flag.BoolVar(&o.copies, "copies", false,
		"play the nights with copies alone, and put their part of the page in place of what was there")
	flag.BoolVar(&o.frozen, "frozen", false,
		"play the night in which all is frozen alone, and put its part of the page in place of what was there")
	flag.BoolVar(&o.nights, "nights", false,
		"play the nights alone, and put their parts of the page in place of what was there")
	flag.Parse()
	play := run
	switch {
	case o.functions:
		play = functionsAlone
	case o.copies:
		play = copiesAlone
	case o.frozen:
		play = frozenAlone
	case o.nights:
		play = nightsAlone
	}
	if err := play(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to clean up
	}
}

type options struct {
	rehearsed, throttled int
	suite, functions     bool
	copies, nights       bool
	frozen               bool
}

func run(ctx context.Context, o options) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	m := &measured{At: time.Now().UTC(), Machine: thisMachine()}
	for _, step := range []struct {
		what string
		do   func(context.Context, options) error
	}{
		{"playing nights in fake time", m.nights},
		{"rehearsing a large fleet", m.rehearse},
		{"starting the functions", m.lambdas},
		{"playing the demo twice", m.demo},
		{"serving under load", m.serve},
		{"timing make test", m.suite},
	} {
		fmt.Fprintf(os.Stderr, "bench: %s\n", step.what)
		if err := step.do(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	m.Load = loadNow()
	m.Rows = m.rows()
	printTable(os.Stdout, m)
	return m.write()
}

// measured is everything this run found out, as budgets.json holds it.
type measured struct {
	At      time.Time `json:"at"`
	Machine machine   `json:"machine"`
	// Load is what else the machine did: its load average over the last minutes.
	Load string `json:"load"`
	Rows []row  `json:"budgets"`

	Delivered delivered   `json:"delivered"`
	Lost      lost        `json:"lost"`
	Slow      slow        `json:"slow"`
	Copied    copied      `json:"copied"`
	Frozen    frozen      `json:"frozen"`
	Throttled []throttled `json:"throttled"`
	// Few is the downtime added to ten sources.
	Few       spread     `json:"fewAddedSeconds"`
	Scripted  []scripted `json:"scripted"`
	Sweep     sweep      `json:"sweep"`
	Rehearsal rehearsal  `json:"rehearsal"`
	Lambdas   []function `json:"lambdas"`
	// Demo is how long `make demo` took the second time.
	Demo float64 `json:"demoSeconds"`
	// Served is the served suite under load.
	Served servedLoad `json:"served"`
	Suite  *suiteTime `json:"suite,omitempty"`
}

// nights plays the nights whose figures do not depend on the machine.
func (m *measured) nights(ctx context.Context, o options) error {
	if err := command(ctx, nil, "go", "test", "-c", "-o", testBinary(), "./test/bench"); err != nil {
		return err
	}
	err := m.play(ctx, "^Test(Delivered|Lost|Slow|Throttled|Few|Scripts|Sweep)$", "-fleet", "200", "-throttled",
		fmt.Sprint(o.throttled))
	if err != nil {
		return err
	}
	if err := m.copies(ctx); err != nil {
		return err
	}
	if err := m.freezes(ctx); err != nil {
		return err
	}
	m.Throttled = make([]throttled, 2)
	for name, into := range map[string]any{
		nightDelivered: &m.Delivered, nightLost: &m.Lost, nightSlow: &m.Slow,
		nightFew: &m.Few, nightScripted: &m.Scripted, nightSweep: &m.Sweep,
		nightThrottled + "100": &m.Throttled[0], nightThrottled + "1000": &m.Throttled[1],
	} {
		if err := recall(name, into); err != nil {
			return err
		}
	}
	return nil
}

// copies plays a night with copies, and the same without.
func (m *measured) copies(ctx context.Context) error {
	if err := m.play(ctx, "^TestCopied$"); err != nil {
		return err
	}
	return recall(nightCopied, &m.Copied)
}

// freezes plays a night in which all is frozen.
func (m *measured) freezes(ctx context.Context) error {
	if err := m.play(ctx, "^TestFrozen$", "-fleet", "200"); err != nil {
		return err
	}
	return recall(nightFrozen, &m.Frozen)
}

// rehearse runs in a process of its own, whose time and memory are the figures.
func (m *measured) rehearse(ctx context.Context, o options) error {
	if err := m.play(ctx, "^TestRehearsal$", "-rehearsed", fmt.Sprint(o.rehearsed)); err != nil {
		return err
	}
	return recall(nightRehearsal, &m.Rehearsal)
}

// play runs tests of this package at the sizes that flags say.
func (m *measured) play(ctx context.Context, tests string, flags ...string) error {
	figures, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	args := append([]string{"-test.run", tests, "-test.timeout", "1h", "-test.parallel", "1", "-figures", figures},
		flags...)
	return command(ctx, nil, testBinary(), args...)
}

func testBinary() string { return filepath.Join(folder, "nights.test") }

// recall reads what a night's test wrote.
func recall(name string, into any) error {
	text, err := os.ReadFile(filepath.Join(folder, name+".json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (m *measured) lambdas(ctx context.Context, _ options) (err error) {
	m.Lambdas, err = measureLambdas(ctx, folder)
	return err
}

// demo plays once to fill the caches, and once for the figure.
func (m *measured) demo(ctx context.Context, _ options) error {
	for range 2 {
		begun := time.Now()
		if err := command(ctx, nil, "make", "--no-print-directory", "demo",
			"ARGS=--out "+filepath.Join(folder, "demo")); err != nil {
			return err
		}
		m.Demo = time.Since(begun).Seconds()
	}
	return nil
}

// command runs a program, and tells what it said when it fails.
func command(ctx context.Context, env []string, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}
