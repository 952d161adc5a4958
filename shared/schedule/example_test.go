package schedule_test

import (
	"fmt"
	"time"

	"goldsmith/shared/schedule"
)

// At half past two in Berlin, on working days: the run after a Friday's is Monday's.
func ExampleParse() {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	s, err := schedule.Parse("cron(30 2 ? * MON-FRI *)", zone)
	if err != nil {
		panic(err)
	}
	friday := time.Date(2026, 11, 27, 2, 30, 0, 0, zone)
	next, ok := s.Next(friday)
	fmt.Println(s, "after", friday.Format(time.RFC1123), "is", next.Format(time.RFC1123), ok)
	_, err = schedule.Parse("cron(30 2 * * *)", zone)
	fmt.Println(err)
	// Output:
	// cron(30 2 ? * MON-FRI *) after Fri, 27 Nov 2026 02:30:00 CET is Mon, 30 Nov 2026 02:30:00 CET true
	// cron(30 2 * * *) has 5 fields, Scheduler wants six: minute hour day-of-month month day-of-week year; did you mean "cron(30 2 * * ? *)"?
}
