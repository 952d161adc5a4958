package job

import "time"

// Basic is ISO 8601 without colons, which an execution's name must not have.
const Basic = "20060102T150405Z"

// RunName is the name of the run that a plan's schedule starts when it is due. It says
// nothing else, so that an event delivered twice starts one run, and so that who looks
// for a run that should have been knows what it would be called.
func RunName(plan string, due time.Time) string { return plan + "-" + due.UTC().Format(Basic) }

// UTC is a moment as what knows no plan shows it.
func UTC(t time.Time) string { return Moment(t.UTC()) }

// Moment is a moment as messages and tables show it: in the zone that it carries, with the zone's abbreviation, which
// tells apart the two hours of the night in which clocks go back.
func Moment(t time.Time) string { return t.Format("2006-01-02 15:04 MST") }
