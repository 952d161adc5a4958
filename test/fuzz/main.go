// Command fuzz runs each fuzz target of the module for a while, one after the other, and counts what each has
// executed. With -write it keeps the counts in docs/fuzzing.md: those of targets that were not run stay.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	long  = flag.Duration("for", 30*time.Second, "how long each target runs")
	only  = flag.String("only", "", "a part of the targets' names, such as shared/disk; all when empty")
	write = flag.Bool("write", false, "write what was executed into docs/fuzzing.md")
)

// minimizing is how many executions the go command has to make a new input smaller: its own minute for each is more
// than the whole time that a target has.
const minimizing = "20x"

func main() {
	flag.Parse()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	targets, err := list(".")
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return fmt.Errorf("no package has a Fuzz function")
	}
	counts, err := read(page)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if !strings.Contains(t.String(), *only) {
			continue
		}
		fmt.Println(t)
		count, err := t.run(ctx, *long)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		counts[t.String()] = count
	}
	if !*write {
		return nil
	}
	return os.WriteFile(page, []byte(written(targets, counts)), 0o600)
}

// target is a fuzz function, and the folder of its package.
type target struct{ folder, name string }

func (t target) String() string { return t.folder + " " + t.name }

var declared = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// list are the module's targets, by folder and name.
func list(root string) (all []target, err error) {
	files, err := tests(root)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, found := range declared.FindAllStringSubmatch(string(text), -1) {
			all = append(all, target{folderOf(root, file), found[1]})
		}
	}
	slices.SortFunc(all, func(a, b target) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}

// count is what a target has executed, in which time, and how many of its inputs showed something new.
type count struct {
	executions int
	long       time.Duration
	found      int
}

// run runs a target for that long, and shows what the go command says.
func (t target) run(ctx context.Context, long time.Duration) (c count, err error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", long.String(),
		"-fuzzminimizetime", minimizing, "./"+t.folder)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return c, err
	}
	if err := cmd.Start(); err != nil {
		return c, err
	}
	c = progress(io.TeeReader(out, os.Stdout))
	c.long = long
	return c, cmd.Wait()
}

var progressed = regexp.MustCompile(`execs: (\d+) .*new interesting: (\d+)`)

// progress is the last that the go command says of executions.
func progress(said io.Reader) (c count) {
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if found := progressed.FindStringSubmatch(lines.Text()); found != nil {
			c.executions, _ = strconv.Atoi(found[1])
			c.found, _ = strconv.Atoi(found[2])
		}
	}
	return c
}
