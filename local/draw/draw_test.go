package draw_test

import (
	"math"
	"regexp"
	"strconv"
	"testing"
	"time"

	"goldsmith/local/draw"
)

func TestTheSameNamesDrawTheSame(t *testing.T) {
	d := draw.Of(7, "stop", "i-1")
	if d != draw.Of(7, "stop").Of("i-1") {
		t.Error("names one by one draw otherwise than together")
	}
	for _, other := range []draw.Draw{draw.Of(8, "stop", "i-1"), draw.Of(7, "stopi-1"), draw.Of(7, "i-1", "stop"),
		d.Nth(0), d.Nth(1)} {
		if other.Number() == d.Number() {
			t.Errorf("%x draws as %x", other, d)
		}
	}
}

func TestEachTimeDrawsAnew(t *testing.T) {
	counts, seen := draw.Counts{}, map[uint64]bool{}
	for range 1000 {
		seen[counts.Next(draw.Of(1, "id")).Number()] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d of 1000 numbers are different", len(seen))
	}
}

func TestDrawsAreEven(t *testing.T) {
	const n = 10_000
	all := drawMany(t, n)
	if math.Abs(all.mean-0.5) > 0.02 || all.longest < 990*time.Millisecond {
		t.Errorf("mean %.3f, longest %v", all.mean, all.longest)
	}
	if all.struck < n/5-200 || all.struck > n/5+200 {
		t.Errorf("%d struck", all.struck)
	}
}

// tally is what many draws come to: the mean fraction, the longest of up to a second, and how many a chance of one in
// five struck.
type tally struct {
	mean    float64
	longest time.Duration
	struck  int
}

// drawMany tallies n draws; one that is out of bounds ends the test.
func drawMany(t *testing.T, n int) (all tally) {
	t.Helper()
	sum := 0.0
	for i := range n {
		d := draw.Of(3, strconv.Itoa(i))
		f, long := d.Fraction(), d.UpTo(time.Second)
		if f < 0 || f >= 1 || long < 0 || long > time.Second {
			t.Fatalf("%d draws %v and %v", i, f, long)
		}
		sum, all.longest = sum+f, max(all.longest, long)
		if d.Of("struck").Chance(0.2) {
			all.struck++
		}
	}
	all.mean = sum / float64(n)
	return all
}

func TestNothingAndEverythingAreCertain(t *testing.T) {
	if d := draw.Of(3, "none"); d.UpTo(0) != 0 || d.UpTo(-time.Second) != 0 || d.Chance(0) || !d.Chance(1) {
		t.Error("nothing and everything are not certain")
	}
}

func TestUUID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`)
	if id := draw.Of(1, "x").UUID(); !form.MatchString(id) {
		t.Error(id)
	}
}
