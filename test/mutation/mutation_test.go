package main

import (
	"context"
	"os"
	"path/filepath"
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
		if r := try(context.Background(), []*binary{b}, m, ""); !r.Killed {
			survivors[m.Func+" "+m.Kind+" "+m.Text] = r.Reached
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

func TestSample(t *testing.T) {
	all := make([]Mutant, 10)
	for n := range all {
		all[n].ID = n
	}
	var ids []int
	for _, m := range sample(all, 4) {
		ids = append(ids, m.ID)
	}
	if diff := cmp.Diff([]int{0, 2, 5, 7}, ids); diff != "" || len(sample(all, 10)) != 10 || len(sample(all, 11)) != 10 {
		t.Error(diff)
	}
}
