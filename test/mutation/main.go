package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// subject is a package, and the packages whose tests are run for it. Behind a package may stand, after a blank, the
// pattern of those of its tests that are run.
type subject struct {
	pkg   string
	tests []string
}

// subjects are the packages that keep the promises: what may be removed, what must run again, what is launched.
var subjects = []subject{
	{pkg: "shared/retention", tests: []string{"shared/retention", "functions/retire", "test/security"}},
	{pkg: "shared/usage", tests: []string{"shared/usage"}},
	{pkg: "functions/recover", tests: []string{"functions/recover"}},
	{pkg: "functions/recover/leftovers", tests: []string{"functions/recover"}},
	{pkg: "functions/recover/adoption", tests: []string{"functions/recover"}},
	{pkg: "functions/retire", tests: []string{"functions/retire"}},
	{pkg: "shared/rollout",
		tests: []string{"shared/rollout", "functions/roll", "functions/rollback", "functions/image"}},
	{pkg: "functions/claim", tests: []string{"functions/claim"}},
	{pkg: "functions/start", tests: []string{"functions/start"}},
}

// Result is what came of a mutant.
type Result struct {
	Mutant
	Killed  bool `json:"killed"`
	Reached bool `json:"reached"`
	// By is the test that noticed it.
	By string `json:"by,omitempty"`
}

// Score is what came of a package. Sites are all mutants that there are, Results those that were tried.
type Score struct {
	Package string   `json:"package"`
	Sum     string   `json:"sum"`
	Sites   int      `json:"sites"`
	Results []Result `json:"results"`
}

var (
	only   = flag.String("only", "", "packages to look at, joined by commas; all when empty")
	most   = flag.Int("most", 100, "mutants to try of one package; the same ones each time")
	draw   = flag.String("draw", "", "draw other mutants: any word; those of the page are drawn without one")
	again  = flag.Bool("survivors", false, "try those only that the page lists as survivors, and keep nothing of it")
	within = flag.Duration("for", 0, "stop after that time; the next run goes on where this one stopped")
	learn  = flag.Bool("learn", false, "only build the tests, and find out what each reaches")
	dist   = flag.String("dist", "dist/_mutants", "folder of what is built, and of what came of it")
	page   = flag.Bool("write", false, "write what came of all packages into docs/reliability.md")
)

func main() {
	flag.Parse()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if *within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *within)
		defer cancel()
	}
	var scores []Score
	for _, s := range subjects {
		if !wanted(s.pkg) && !*page {
			continue
		}
		score, err := s.play(ctx)
		if err != nil {
			return err
		}
		score.print()
		scores = append(scores, score)
	}
	if *page {
		return writePage(scores)
	}
	return nil
}

// wanted reports whether the mutants of a package are to be tried. Of the others the page says what came of them
// before.
func wanted(pkg string) bool { return *only == "" || strings.Contains(","+*only+",", ","+pkg+",") }

// play tries the mutants of a package that have not been tried since it or its tests changed.
func (s subject) play(ctx context.Context) (Score, error) {
	into, err := s.folder()
	if err != nil {
		return Score{}, err
	}
	score, known, err := s.kept(into)
	if err != nil {
		return score, err
	}
	mutants, overlay, err := instrument("./"+s.pkg, into)
	if err != nil {
		return score, err
	}
	score.Sites, score.Results = len(mutants), nil
	tests := &binaries{subject: s, overlay: overlay, into: into, sum: fmt.Sprint(score.Sum, " ", len(mutants))}
	if tests.last, err = noticed(into); err != nil {
		return score, err
	}
	if *learn {
		score.Results = slices.Collect(maps.Values(known))
		return score, tests.learn(ctx)
	}
	return s.tryOut(ctx, score, tests, mutants, known)
}

// tryOut is the score with what came of the mutants that are drawn.
func (s subject) tryOut(ctx context.Context, score Score, tests *binaries, mutants []Mutant,
	known map[int]Result) (Score, error) {
	some, err := s.chosen(mutants)
	if err != nil {
		return score, err
	}
	if score.Results, err = tests.tried(ctx, some, known); err != nil {
		return score, err
	}
	if !wanted(s.pkg) || *again || *draw != "" {
		return score, nil // What came of others of its files, or of those of the page, stays.
	}
	return score, score.keep(tests.into)
}

// tried is what came of mutants: as it is known, and of the others of a wanted package once they are tried.
func (b *binaries) tried(ctx context.Context, mutants []Mutant, known map[int]Result) (results []Result, err error) {
	for _, m := range mutants {
		r := known[m.ID]
		switch {
		case r.Mutant == m: // It was tried before.
		case !wanted(b.pkg):
			continue
		default:
			if r, err = b.try(ctx, m); err != nil {
				return results, err
			}
		}
		if over(ctx) {
			break // What was not tried is tried by the next run.
		}
		results = append(results, r)
	}
	return results, nil
}

func over(ctx context.Context) bool { return ctx.Err() != nil }

// folder is where what is built of a package is put.
func (s subject) folder() (string, error) {
	into, err := filepath.Abs(filepath.Join(*dist, strings.ReplaceAll(s.pkg, "/", "_")))
	if err != nil {
		return "", err
	}
	return into, os.MkdirAll(into, 0o750)
}

// binaries are the test binaries of a package, built when the first mutant is tried.
type binaries struct {
	subject
	overlay, into, sum string
	built              []*binary
	// last are the tests that noticed mutants when they were tried last, by the mutants' keys.
	last map[string]string
}

func (b *binaries) build(ctx context.Context) error {
	for _, tests := range b.tests[len(b.built):] {
		pkg, run, _ := strings.Cut(tests, " ")
		one, err := compile(ctx, "./"+pkg, cmp.Or(run, "."), b.overlay, b.into, b.sum)
		if err != nil {
			return err
		}
		b.built = append(b.built, one)
	}
	return nil
}

// learn finds out what each test reaches.
func (b *binaries) learn(ctx context.Context) error {
	if err := b.build(ctx); err != nil {
		return err
	}
	for _, one := range b.built {
		if err := one.whole(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *binaries) try(ctx context.Context, m Mutant) (Result, error) {
	if err := b.build(ctx); err != nil {
		return Result{}, err
	}
	if last := b.last[m.Key()]; last != "" {
		if r, noticed := sameTest(ctx, b.built, m, last); noticed {
			return r, nil
		}
	}
	r, err := try(ctx, b.built, m)
	if err != nil {
		return r, err
	}
	return b.note(r)
}

// note keeps which test noticed a mutant, for when it is tried again.
func (b *binaries) note(r Result) (Result, error) {
	if !r.Killed {
		return r, nil
	}
	b.last[r.Key()] = r.By
	text, err := json.Marshal(b.last)
	if err != nil {
		return r, err
	}
	return r, os.WriteFile(filepath.Join(b.into, noticers), text, 0o600)
}

// noticers is the file of what noticed which mutant.
const noticers = "noticed.json"

func noticed(into string) (map[string]string, error) {
	last := map[string]string{}
	text, err := os.ReadFile(filepath.Join(into, noticers))
	if os.IsNotExist(err) {
		return last, nil
	} else if err != nil {
		return nil, err
	}
	return last, json.Unmarshal(text, &last)
}

// kept is what an earlier run came to, unless the package or its tests have changed since.
func (s subject) kept(into string) (Score, map[int]Result, error) {
	score := Score{Package: s.pkg}
	sum := fnv.New64a()
	for _, tests := range append([]string{s.pkg}, s.tests...) {
		pkg, _, _ := strings.Cut(tests, " ")
		files, err := filepath.Glob(filepath.Join(pkg, "*.go"))
		if err != nil {
			return score, nil, err
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				return score, nil, err
			}
			fmt.Fprintln(sum, name, len(text))
			sum.Write(text)
		}
	}
	var before Score
	known := map[int]Result{}
	if text, err := os.ReadFile(filepath.Join(into, "score.json")); err == nil {
		if err := json.Unmarshal(text, &before); err != nil {
			return score, nil, err
		}
	}
	if score.Sum = fmt.Sprintf("%x", sum.Sum64()); score.Sum == before.Sum {
		for _, r := range before.Results {
			known[r.ID] = r
		}
	}
	return score, known, nil
}

func (s Score) keep(into string) error {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, "score.json"), text, 0o600)
}

func (s Score) killed() (n int) {
	for _, r := range s.Results {
		if r.Killed {
			n++
		}
	}
	return n
}

// print tells the score and the survivors.
func (s Score) print() {
	began := time.Now().Format(time.TimeOnly)
	fmt.Printf("%s %s: %d of %d killed, of %d\n", began, s.Package, s.killed(), len(s.Results), s.Sites)
	for _, r := range s.Results {
		if !r.Killed {
			how := "survives"
			if !r.Reached {
				how = "is reached by no test"
			}
			fmt.Printf("  %s:%d %s: %s %s: %s\n", r.File, r.Line, r.Func, r.Kind, how, r.Text)
		}
	}
}
