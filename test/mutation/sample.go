package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"
)

// chosen are the mutants of a package that are to be tried.
func (s subject) chosen(mutants []Mutant) ([]Mutant, error) {
	if !*again {
		return sample(mutants, *most, *draw), nil
	}
	text, err := os.ReadFile(reliability)
	if err != nil {
		return nil, err
	}
	_, listed, _ := strings.Cut(string(text), section)
	return slices.DeleteFunc(mutants, func(m Mutant) bool { return !strings.Contains(listed, s.what(m)) }), nil
}

// sample takes so many mutants, drawn by what each is: an edit changes only whether those are drawn that it makes,
// changes or ends.
func sample(mutants []Mutant, most int, draw string) []Mutant {
	place, count := map[int]uint64{}, map[string]int{}
	for _, m := range mutants {
		count[m.Key()]++
		sum := fnv.New64a()
		fmt.Fprintln(sum, draw, m.Key(), count[m.Key()])
		place[m.ID] = mixed(sum.Sum64())
	}
	byPlace := func(a, b Mutant) int { return cmp.Compare(place[a.ID], place[b.ID]) }
	some := slices.SortedFunc(slices.Values(mutants), byPlace)
	some = some[:min(most, len(some))]
	slices.SortFunc(some, func(a, b Mutant) int { return cmp.Compare(a.ID, b.ID) })
	return some
}

// mixed spreads a sum over all its bits: FNV leaves those of texts that end alike close together.
func mixed(sum uint64) uint64 {
	sum ^= sum >> 33
	sum *= 0xff51afd7ed558ccd
	return sum ^ sum>>33
}
