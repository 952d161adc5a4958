package schedule

import "time"

// earliest is before any run: Scheduler's years begin with 1970, and a zone's offset lies within a day.
var earliest = time.Date(1969, time.December, 1, 0, 0, 0, 0, time.UTC)

// Last is the latest run before a moment; ok is false when there is none. A rate
// counts from its schedule's creation, which its expression does not tell, so
// for a rate ok is always false.
//
// It looks back a day, and twice as far each time, until Next finds a run, and then closes in
// on the latest by halves until none follows: at once for what runs daily or more
// rarely, and no other rule of the clocks than Next's.
func (s Schedule) Last(before time.Time) (last time.Time, ok bool) {
	if s.every > 0 {
		return time.Time{}, false
	}
	runs := func(after time.Time) (time.Time, bool) {
		next, ok := s.Next(after)
		return next, ok && next.Before(before)
	}
	none := before // no run lies between none and before
	for back := 24 * time.Hour; ; back *= 2 {
		if last, ok = runs(before.Add(-back)); ok {
			break
		}
		if none = before.Add(-back); none.Before(earliest) {
			return time.Time{}, false
		}
	}
	// The latest run is last, or lies between it and none. Runs are whole seconds.
	for none.Sub(last) > time.Second {
		later, ok := runs(last)
		if !ok {
			break
		}
		last = later
		middle := last.Add(none.Sub(last) / 2)
		if later, ok := runs(middle); ok {
			last = later
		} else {
			none = middle
		}
	}
	return last, true
}

// Every is the period of a rate; zero for a schedule whose runs are times of a clock.
func (s Schedule) Every() time.Duration { return s.every }
