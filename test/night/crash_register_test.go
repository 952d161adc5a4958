package night_test

import (
	"strings"
	"testing"
)

// Each write of the register is a crash point: before it and after it a sandbox dies, and its answer is lost.
func TestWritesOfTheRegisterAreCrashPoints(t *testing.T) {
	calm := newChaos()
	crashNight(t, calm)
	struck := map[string]map[kind]bool{"Register": {}, "Amend": {}, "Settle": {}}
	for _, m := range calm.possible {
		for call, kinds := range struck {
			if strings.Contains(m.boundary, "| ledger "+call+" ") && !m.minor() {
				kinds[m.kind] = true
			}
		}
	}
	for call, kinds := range struck {
		for _, k := range []kind{lost, unanswered, killedBefore, killedAfter} {
			if !kinds[k] {
				t.Errorf("in no night %s is %s", call, k)
			}
		}
	}
}
