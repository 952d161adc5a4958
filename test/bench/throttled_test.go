package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/stack"
)

// A fleet under EC2's token buckets takes little longer than an ideal caller would.
func TestThrottled(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{100, 1000} {
		play(t, *throttle, concurrency, stack.Options{EC2: ec2.Options{Buckets: true}}, func(n *night) {
			needs := n.needs()
			measured := throttled{
				Sources: len(n.ids), Concurrency: concurrency, Added: n.added(), Refused: map[string]int{},
				Took: n.took().Seconds(), Bound: bound(needs, concurrency).Seconds(), Floor: floor(needs, concurrency).Seconds(),
			}
			n.calls(func(c query.Record, _, _ string) {
				measured.Calls++
				if c.Error == "RequestLimitExceeded" {
					measured.Refused[c.Action]++
				}
			})
			hold(n.t, measured.Ratio() <= 1.15,
				"%d sources, %d at once, take %.0f s: %.2f times the bound of %.0f s, want at most 1.15",
				measured.Sources, concurrency, measured.Took, measured.Ratio(), measured.Bound)
			hold(n.t, measured.Added.Median <= 3 && measured.Added.Max <= 10,
				"%d sources, %d at once, are down for %.1f s more "+
					"than EC2 takes, %.1f s at most, want 3 and 10", measured.Sources, concurrency, measured.Added.Median,
				measured.Added.Max)
			hold(n.t, measured.RefusedShare() <= 0.01, "EC2 refuses %.1f %% of the calls: %v, want at most 1",
				100*measured.RefusedShare(), measured.Refused)
			record(n.t, fmt.Sprint(nightThrottled, concurrency), measured)
		})
	}
}

// TestFew plays ten sources, whose starts go together with nobody's.
func TestFew(t *testing.T) {
	t.Parallel()
	play(t, 10, 10, stack.Options{EC2: ec2.Options{Buckets: true}}, func(n *night) {
		added := n.added()
		hold(n.t, added.Median <= 1.9, "ten sources are down for %.2f s more than EC2 takes, want 1.9", added.Median)
		record(n.t, nightFew, added)
	})
}

// took is from the first claim to the last release.
func (n *night) took() time.Duration {
	var first, last time.Time
	for _, r := range n.results {
		if first.IsZero() || r.Times.Claimed.Before(first) {
			first = r.Times.Claimed
		}
		if r.At.After(last) {
			last = r.At
		}
	}
	return last.Sub(first)
}

// needs are what EC2 took for each source, in the order select hands them out.
func (n *night) needs() []need {
	var needs []need
	images := n.imaging()
	for _, id := range n.ids {
		took := n.EC2.Times(id)
		of := need{Stop: took.Stop, Snapshots: took.Snapshots, Start: took.Start, Image: images[id]}
		if min(of.Stop, of.Snapshots, of.Start, of.Image) <= 0 {
			n.t.Fatalf("EC2 took no time over %s: %+v", id, of)
		}
		needs = append(needs, of)
	}
	return needs
}

// imaging is how long each source's image took from CreateImage to available.
func (n *night) imaging() map[string]time.Duration {
	available := map[string]time.Time{}
	for _, r := range n.Bus.Records() {
		if r.DetailType == "EC2 AMI State Change" {
			_, id, _ := strings.Cut(r.Resources[0], "image/")
			available[id] = r.Sent
		}
	}
	took := map[string]time.Duration{}
	n.calls(func(c query.Record, _, source string) {
		if c.Action != "CreateImage" || c.Error != "" {
			return
		}
		for _, id := range c.Resources {
			if at, ok := available[id]; ok {
				took[source] = at.Sub(c.Time)
			}
		}
	})
	return took
}

// The bound of fleets that can be worked out by hand.
func TestBound(t *testing.T) {
	t.Parallel()
	minute := need{Stop: 20 * time.Second, Snapshots: 5 * time.Second, Start: 10 * time.Second, Image: 40 * time.Second}
	quick := need{Stop: time.Millisecond, Snapshots: time.Millisecond, Start: time.Millisecond, Image: time.Millisecond}
	for name, c := range map[string]struct {
		of          need
		sources, at int
		bound       time.Duration
	}{
		"one source":                  {minute, 1, 10, time.Minute},
		"as many places as sources":   {minute, 5, 5, time.Minute},
		"one place":                   {minute, 5, 1, 5 * time.Minute},
		"two for three":               {minute, 3, 2, 2 * time.Minute},
		"StopInstances is the narrow": {quick, 105, 1000, 11 * time.Second},
		"its burst lets fifty in":     {quick, 50, 1000, 0},
		"starts of many are narrower": {quick, 3000, 3000, 1000 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var needs []need
			for range c.sources {
				needs = append(needs, c.of)
			}
			got, least := bound(needs, c.at), floor(needs, c.at)
			if off := got - c.bound; off < 0 || off > 10*time.Millisecond {
				t.Errorf("the bound is %s, want %s", got, c.bound)
			}
			if least > got {
				t.Errorf("the floor of %s is above the bound of %s", least, got)
			}
		})
	}
}
