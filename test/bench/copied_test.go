package main

import (
	"testing"

	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// copyCalls is what a copy takes at most beside the looks at it: one call asks for it, and one shares it.
const copyCalls = 2

// TestCopied plays the same night without copies, and with copies of each image in two Regions that are shared: they
// lengthen neither a downtime nor the way to the release.
func TestCopied(t *testing.T) {
	t.Parallel()
	const sources = 10 // more would wait for room in the other Regions
	regions := []string{"eu-west-3", "us-east-1"}
	d := copied{Sources: sources, Regions: len(regions), ByAction: map[string]float64{}}
	without := map[string][2]float64{}
	play(t, sources, 100, afar(regions), func(n *night) {
		d.Transitions = -n.transitions()
		for _, id := range n.ids {
			without[id] = ways(n, id)
		}
	})
	play(t, sources, 100, afar(regions), func(n *night) { d.count(n, without) }, func(p *plan.Plan) {
		for _, region := range regions {
			p.Copies = append(p.Copies, plan.Copy{Region: region, Share: plan.Share{Accounts: []string{"111122223333"}}})
		}
	})
	record(t, nightCopied, d)
}

func afar(regions []string) stack.Options { return stack.Options{EC2: ec2.Options{Regions: regions}} }

// ways are a source's downtime and its way from the claim to the release, in seconds.
func ways(n *night, id string) [2]float64 {
	t := n.results[id].Times
	return [2]float64{t.Downtime().Seconds(), t.Released.Sub(t.Claimed).Seconds()}
}

func (d *copied) count(n *night, without map[string][2]float64) {
	d.Transitions += n.transitions()
	var minutes, down, later []float64
	copies := 0
	for _, id := range n.ids {
		now, r := ways(n, id), n.results[id]
		down, later = append(down, now[0]-without[id][0]), append(later, now[1]-without[id][1])
		for _, c := range r.Copies {
			copies++
			minutes = append(minutes, c.At.Sub(r.Times.Released).Minutes())
			hold(n.t, c.Problem == "" && c.Shared.Problem == "", "the copy of %s in %s: %+v", id, c.Region, c)
		}
	}
	d.Minutes, d.Down, d.Released = spreadOf(minutes), spreadOf(down), spreadOf(later)
	byAction, asked := map[string]int{}, 0
	n.calls(func(c query.Record, function, _ string) {
		switch {
		case function == "copy":
			byAction[c.Action]++
		case c.Action == "DescribeRegions":
			d.Ahead++
		}
	})
	for action, calls := range byAction {
		if d.ByAction[action] = float64(calls) / float64(copies); action != "DescribeImages" {
			asked += calls
		}
	}
	hold(n.t, copies == len(n.ids)*d.Regions, "%d copies of %d images in %d Regions", copies, len(n.ids), d.Regions)
	hold(n.t, asked <= copyCalls*copies,
		"%d calls for %d copies beside looks at them, want at most %d each", asked, copies,
		copyCalls)
	hold(n.t, d.Down.Max <= 0, "copies lengthen a downtime by %.2f s", d.Down.Max)
	hold(n.t, d.Released.Max <= 0, "copies have a source released %.2f s later", d.Released.Max)
}
