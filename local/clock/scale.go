package clock

import "fmt"

// fastest is as fast as a night can be played and look like one: above it what is between two pieces of work takes
// minutes.
const fastest = 10_000

// Check holds a scale that a person asks for against what a clock can do.
func Check(scale float64) error {
	if scale > 0 && scale <= fastest { // Not a number is neither.
		return nil
	}
	return fmt.Errorf("a speed of %g is not above 0 and at most %d", scale, fastest)
}
