package plan

import "time"

// Default is a plan in which nothing was chosen.
func Default() Plan {
	return Plan{
		Timezone:    "UTC",
		Consistency: Stop,
		Restart:     Snapshotted,
		Health:      Running,
		Concurrency: 10,

		InstanceStore: Skip,
		Window:        Duration(4 * time.Hour),
		Image:         Image{Prefix: "goldsmith", Copy: true},
		Verify:        Verify{Patience: Duration(20 * time.Minute)},
		Roll:          Roll{Refresh: Refresh{AutoRollback: true}},
		Keep:          Keep{Minimum: 1, Grace: Duration(72 * time.Hour)},
	}
}
