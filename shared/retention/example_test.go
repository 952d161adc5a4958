package retention_test

import (
	"cmp"
	"fmt"
	"time"

	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
)

// Five nights with one missed: the newest of each of three days is kept, and of each of two months.
func ExampleKept() {
	var made []time.Time
	for _, day := range []int{5, 4, 2, 1, 0} { // December, newest first; day 0 is the last of November.
		made = append(made, time.Date(2026, 12, day, 2, 30, 0, 0, time.UTC))
	}
	for i, why := range retention.Kept(made, plan.Keep{Daily: 3, Monthly: 2, Minimum: 2}, time.UTC) {
		fmt.Printf("%s: %s\n", made[i].Format(time.DateOnly), cmp.Or(why, "goes"))
	}
	// Output:
	// 2026-12-05: the newest, daily 1/3, monthly 1/2
	// 2026-12-04: daily 2/3
	// 2026-12-02: daily 3/3
	// 2026-12-01: goes
	// 2026-11-30: monthly 2/2
}
