package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/local/query"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// TestSweep lets a plan run every half hour for two days, all within what a sweep looks back to. A sweep asks for no
// more after a hundred runs than after the first half day's.
func TestSweep(t *testing.T) {
	t.Parallel()
	const parts, part, every = 4, 12 * time.Hour, 20 * time.Minute
	s := sweep{Sources: 1}
	synctest.Test(t, func(t *testing.T) {
		n := stand(t, s.Sources, 100, stack.Options{Table: true, Sweep: every}, func(p *plan.Plan) {
			p.Schedule, p.Window, p.Keep = "cron(0/30 * * * ? *)", plan.Duration(30*time.Minute), plan.Keep{Last: 2}
		})
		defer func() { n.ok(n.Close()) }()
		sweeps, begun := [parts][part / every]float64{}, time.Now()
		time.Sleep(parts*part + every)
		n.each("recover", func(c query.Record) {
			if at := c.Time.Sub(begun); at < parts*part {
				sweeps[at/part][at%part/every]++
			}
		})
		for _, calls := range sweeps {
			s.Calls = append(s.Calls, spreadOf(calls[:]))
		}
		s.Runs = len(n.runs())
	})
	hold(t, s.Runs >= parts*24, "%d runs in two days", s.Runs)
	hold(t, s.constant(), "calls of a sweep by half day: %+v", s.Calls)
	record(t, nightSweep, s)
}

// each is every call of a function.
func (n *night) each(function string, do func(query.Record)) {
	for _, c := range n.Calls.Since(n.begun) {
		if by, _, _ := strings.Cut(c.Caller, "/"); by == function {
			do(c)
		}
	}
}
