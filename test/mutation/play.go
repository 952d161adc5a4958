package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// patience is the processor time that tests may take with a change, beyond five times what they take without: a
	// change that makes one endless is noticed. The time on a clock proves nothing on a machine that others use, too.
	patience = 10 * time.Second
	// hung is when a test that neither ends nor computes is given up. It is not counted as one that noticed the change.
	hung = 10 * time.Minute
	// seed makes the drawn worlds of property tests the same ones each time.
	seed = "7"
)

// binary is a test binary of the changed package, or of one that uses it.
type binary struct {
	path, dir string
	// matching is the pattern of those of its tests that are run, into the folder of what is known.
	matching, into string
	rapid          bool
	learned
}

// test is a test that reaches mutants.
type test struct {
	Name string
	// Took is the processor time of it.
	Took    time.Duration
	Reaches map[int]bool
}

var topLevel = regexp.MustCompile(`^(Test|Fuzz|Example)\w*$`)

// compile builds a package's tests with the overlay. What each that matches reaches is known of what has that sum.
func compile(ctx context.Context, pkg, matching, overlay, into, sum string) (*binary, error) {
	self, _, err := list(pkg)
	if err != nil {
		return nil, err
	}
	b := &binary{path: filepath.Join(into, strings.ReplaceAll(pkg, "/", "_")+".test"), dir: self.Dir, matching: matching,
		into: into}
	out, err := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", overlay, "-o", b.path, pkg).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("building the tests of %s: %w\n%s", pkg, err, out)
	}
	help, _, _ := b.run(ctx, 0, "", endless, "-help")
	b.rapid = bytes.Contains(help, []byte("rapid.seed"))
	b.recall(sum)
	return b, nil
}

// whole finds out what each test reaches, as far as that is not known.
func (b *binary) whole(ctx context.Context) error {
	if b.Whole {
		return nil
	}
	named, _, err := b.run(ctx, 0, "", endless, "-test.list", b.matching)
	if err != nil {
		return fmt.Errorf("listing the tests of %s: %w\n%s", b.dir, err, named)
	}
	for _, name := range strings.Fields(string(named)) {
		if !topLevel.MatchString(name) || b.Tried[name] {
			continue
		}
		if err := b.learn(ctx, name, filepath.Join(b.into, "seen")); err != nil {
			return err
		}
		if err := b.remember(); err != nil {
			return err
		}
	}
	slices.SortFunc(b.Tests, func(x, y test) int { return int(x.Took - y.Took) })
	b.Whole = true
	return b.remember()
}

// learned is what is known of a binary's tests: of those that were tried, which reach mutants.
type learned struct {
	Sum   string
	Tests []test
	Tried map[string]bool
	// Whole is whether all were tried.
	Whole bool
}

// recall reads what was learned of what has that sum. What was not learned in time is learned by the next run.
func (b *binary) recall(sum string) {
	text, err := os.ReadFile(b.path + ".json")
	if err != nil || json.Unmarshal(text, &b.learned) != nil || b.Sum != sum || b.Tried == nil {
		b.learned = learned{Sum: sum, Tried: map[string]bool{}}
	}
}

func (b *binary) remember() error {
	text, err := json.Marshal(b.learned)
	if err != nil {
		return err
	}
	return os.WriteFile(b.path+".json", text, 0o600)
}

// learn runs one test without a change.
func (b *binary) learn(ctx context.Context, name, seen string) error {
	if err := os.RemoveAll(seen); err != nil {
		return err
	}
	out, took, err := b.run(ctx, 0, seen, endless, b.args("^"+name+"$")...)
	if err != nil {
		return fmt.Errorf("%s fails without a change: %w\n%s", name, err, out)
	}
	t := test{Name: name, Took: took, Reaches: map[int]bool{}}
	text, err := os.ReadFile(seen)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, line := range strings.Fields(string(text)) {
		id, err := strconv.Atoi(line)
		if err != nil {
			return err
		}
		t.Reaches[id] = true
	}
	b.Tried[name] = true
	if len(t.Reaches) > 0 {
		b.Tests = append(b.Tests, t)
	}
	return nil
}

func (b *binary) args(tests string) []string {
	args := []string{"-test.run", tests, "-test.failfast"}
	if b.rapid {
		args = append(args, "-rapid.seed", seed, "-rapid.nofailfile", "-rapid.shrinktime", "0s")
	}
	return args
}

// endless is the processor time of what runs without a change: there is no limit but the clock's.
const endless = hung

// run runs the binary with one change switched on; 0 is none. It returns the processor time that it took. The system
// ends what takes more than most of it.
func (b *binary) run(ctx context.Context, mutant int, seen string, most time.Duration, args ...string) ([]byte,
	time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, hung)
	defer cancel()
	limited := append([]string{"-c", `ulimit -t "$0" && exec "$@"`, fmt.Sprint(int(most.Seconds()) + 1), b.path}, args...)
	cmd := exec.CommandContext(ctx, "sh", limited...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "MUTANT="+strconv.Itoa(mutant), "MUTANTS_SEEN="+seen)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return out, 0, ctx.Err()
	}
	return out, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}

// quick is more processor time than any test takes of which it is not known how long it takes.
const quick = 10 * time.Second

// sameTest runs the test that noticed a mutant when it was tried last: for most, no other has to be known.
func sameTest(ctx context.Context, binaries []*binary, m Mutant, last string) (r Result, noticed bool) {
	for _, b := range binaries {
		name, of := strings.CutPrefix(last, b.named(test{}))
		if of && b.notices(ctx, m, test{Name: name, Took: quick}) {
			return Result{Mutant: m, Killed: true, Reached: true, By: last}, true
		}
	}
	return r, false
}

// try runs the tests that reach a mutant, the quick ones first.
func try(ctx context.Context, binaries []*binary, m Mutant) (Result, error) {
	r := Result{Mutant: m}
	for _, b := range binaries {
		if err := b.whole(ctx); err != nil {
			return r, err
		}
		for _, t := range b.reaching(m) {
			r.Reached = true
			if b.notices(ctx, m, t) {
				r.Killed, r.By = true, b.named(t)
				return r, nil
			}
		}
	}
	return r, nil
}

// reaching are the tests that reach a mutant.
func (b *binary) reaching(m Mutant) []test {
	return slices.DeleteFunc(slices.Clone(b.Tests), func(t test) bool { return !t.Reaches[m.ID] })
}

// named is a test with its package.
func (b *binary) named(t test) string {
	return strings.TrimSuffix(filepath.Base(b.path), ".test") + "." + t.Name
}

// notices reports whether a test fails with a mutant, or takes more of the processor than it may.
func (b *binary) notices(ctx context.Context, m Mutant, t test) bool {
	_, _, err := b.run(ctx, m.ID, "", patience+5*t.Took, b.args("^"+t.Name+"$")...)
	return err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}
