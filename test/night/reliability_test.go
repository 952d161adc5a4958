package night_test

import (
	"testing"
)

// TestFaultsOfEC2 plays each fault in a night of its own.
func TestFaultsOfEC2(t *testing.T) {
	var troubles []trouble
	for _, of := range [][]trouble{stopping(), imaging(), starting(), rolling()} {
		troubles = append(troubles, of...)
	}
	stories := make([]story, len(troubles))
	t.Run("nights", func(t *testing.T) {
		for i, c := range troubles {
			t.Run(c.what, func(t *testing.T) {
				t.Parallel()
				stories[i] = c.play(t)
			})
		}
	})
	for _, s := range stories {
		t.Logf("%s | %s | %s | %s", s.what, s.became, s.back, s.said)
	}
}
