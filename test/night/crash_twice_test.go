package night_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

var (
	doubleNights = flag.Int("nights", 500, "how many nights are played in which two things go wrong, a seed each")
	firstNight   = flag.Uint64("night", 1, "the seed of the first of them")
)

// Two things go wrong in one night, drawn from all that could go wrong in a calm one.
func TestTwoCrashPoints(t *testing.T) {
	calm := newChaos()
	crashNight(t, calm)
	var mu sync.Mutex
	var failed []uint64
	t.Cleanup(func() {
		slices.Sort(failed)
		t.Logf("%d boundaries, %d nights with two mishaps of %d, from seed %d on; seeds of failures: %v", calm.boundaries(),
			*doubleNights, len(calm.possible), *firstNight, failed)
	})
	for i := range *doubleNights {
		seed := *firstNight + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			draw := func() mishap { return calm.possible[random.IntN(len(calm.possible))] }
			c := newChaos(draw(), draw())
			crashNight(t, c)
			if t.Failed() {
				mu.Lock()
				failed = append(failed, seed)
				mu.Unlock()
				t.Logf("%v; again: go test ./test/night -run TestTwoCrashPoints -night %d -nights 1", c.due, seed)
			}
		})
	}
}
