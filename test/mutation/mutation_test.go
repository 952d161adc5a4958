package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A package of a few lines, each of whose mutants is known: those that its test kills, and those that it misses.
func TestMutantsOfASmallPackage(t *testing.T) {
	into := t.TempDir()
	mutants, overlay, err := instrument("./testdata/small", into)
	if err != nil {
		t.Fatal(err)
	}
	b, err := compile(t.Context(), "./testdata/small", ".", overlay, into, "")
	if err != nil {
		t.Fatal(err)
	}
	survivors := map[string]bool{}
	kinds := map[string]int{}
	for _, m := range mutants {
		kinds[m.Kind]++
		r, err := try(context.Background(), []*binary{b}, m)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Killed {
			survivors[m.Func+" "+m.Kind+" "+m.Text] = r.Reached
			continue
		}
		if _, noticed := sameTest(context.Background(), []*binary{b}, m, r.By); !noticed {
			t.Errorf("%s noticed %s, and does not again", r.By, m.Key())
		}
	}
	want := map[string]bool{
		"Least other at the boundary a < b":                true, // equal numbers are the same number
		"Unreached zero value 1":                           false,
		"First only the first round for _, n := range all": false, // the test has one round
		"Late other at the boundary now.After(due)":        true,
	}
	if diff := cmp.Diff(want, survivors); diff != "" {
		t.Error(diff)
	}
	for _, kind := range []string{kindTrue, kindFalse, kindBoundary, kindMinus, kindMore, kindRemoved, kindOnce, kindZero,
		kindFlip, "case " + kindRemoved} {
		if kinds[kind] == 0 {
			t.Errorf("no mutant is %s", kind)
		}
	}
	if _, err := os.Stat(filepath.Join("testdata", "small", "zz_mutants.go")); !os.IsNotExist(err) {
		t.Error("the switches were written into the package")
	}
}

// The same mutants are drawn each time, and after an edit of another place.
func TestSample(t *testing.T) {
	var all []Mutant
	for n := range 200 {
		all = append(all, Mutant{ID: n + 1, Func: "F", Text: string(rune('a' + n))})
	}
	keys := func(some []Mutant) (all []string) {
		for _, m := range some {
			all = append(all, m.Key())
		}
		return all
	}
	some := sample(all, 50, "")
	edited := append([]Mutant{{ID: 1000, Func: "G"}}, all...)
	for n := range edited {
		edited[n].ID += 7
	}
	if diff := cmp.Diff(keys(some), keys(sample(edited, 51, ""))); strings.Count(diff, "\n-") > 1 {
		t.Error(diff)
	}
	if cmp.Diff(keys(some), keys(sample(all, 50, "other"))) == "" {
		t.Error("another word draws the same mutants")
	}
	if len(some) != 50 || len(sample(all, 500, "")) != 200 {
		t.Errorf("%d of 50, %d of 200", len(some), len(sample(all, 500, "")))
	}
}
