package report

import (
	"time"

	"goldsmith/shared/plan"
)

// Alert is what should be known beside what runs tell.
type Alert struct {
	// Key says what it is about.
	Key   string
	Title string
	// Lines say what happened, what Goldsmith did and what to do now.
	Lines []string
	// Notify is who hears of it.
	Notify plan.Notify
	At     time.Time
}
