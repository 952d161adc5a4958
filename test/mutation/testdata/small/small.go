// Package small has one of everything that is changed.
package small

import (
	"errors"
	"time"
)

// Options are options.
type Options struct{ Deep bool }

// Least is the lesser.
func Least(a, b int) int {
	if a < b {
		return a
	}
	return b
}

// First is the last of all.
func First(all []int) (last int) {
	for _, n := range all {
		last = n
	}
	return last
}

// Unreached is called by nothing.
func Unreached() int { return 1 }

// Late is whether it is late.
func Late(now, due time.Time) bool { return now.After(due) }

// Sum takes one away, unless it is deep.
func Sum(o Options, a int) (int, error) {
	switch o.Deep {
	case true:
		return a, errors.New("deep")
	}
	return a - 1, nil
}

// Deep makes options.
func Deep() Options { return Options{Deep: true} }
