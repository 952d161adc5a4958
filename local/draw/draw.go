// Package draw is chance on the embedded AWS. What is drawn follows from a seed and from the names of what is
// decided, and not from the order in which goroutines ask, so that a night replays.
package draw

import (
	"fmt"
	"time"
)

// Draw is what chance has for one thing: always the same number, from which each question about it is answered.
type Draw uint64

const (
	basis  = 14695981039346656037 // of FNV-1a
	prime  = 1099511628211
	golden = 0x9e3779b97f4a7c15 // the step of SplitMix64
)

// Of is the draw of what the names say together, under a seed.
func Of(seed uint64, names ...string) Draw { return Draw(basis ^ seed).Of(names...) }

// Of is the draw of something within d. It is FNV-1a with a separator.
func (d Draw) Of(names ...string) Draw {
	for _, name := range names {
		for i := range len(name) {
			d = (d ^ Draw(name[i])) * prime
		}
		d = (d ^ 0xff) * prime
	}
	return d
}

// Nth is the draw of the n-th time that the same is decided.
func (d Draw) Nth(n uint64) Draw { return Draw(d.Number() + n*golden) }

// Number is evenly drawn. It is the finalizer of SplitMix64.
func (d Draw) Number() uint64 {
	x := uint64(d)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Fraction is in [0,1).
func (d Draw) Fraction() float64 { return float64(d.Number()>>11) / (1 << 53) }

// Chance is true in a part p of all draws.
func (d Draw) Chance(p float64) bool { return d.Fraction() < p }

// UpTo is a duration in [0,most], and 0 where most is not above it.
func (d Draw) UpTo(most time.Duration) time.Duration {
	return time.Duration(d.Fraction() * float64(max(most, 0)+1))
}

// UUID is an id in the form of a UUID.
func (d Draw) UUID() string {
	high, low := d.Number(), d.Nth(1).Number()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", high>>32, high>>16&0xffff, high&0xfff, low>>48&0xfff,
		low&0xffffffffffff)
}

// Counts are how often each thing was drawn. They are not safe for concurrent use.
type Counts map[Draw]uint64

// Next is the draw of this time that d is decided.
func (c Counts) Next(d Draw) Draw {
	n := c[d]
	c[d] = n + 1
	return d.Nth(n)
}
