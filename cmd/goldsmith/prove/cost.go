package prove

import (
	"slices"
	"time"
)

// thing is something that is made in the account, as far as it costs.
type thing int

const (
	nothing thing = iota
	server
	images
	test
	templates
	groups
	written
	advanced
)

// price is what a thing costs for an hour at most, in thousandths of a cent: AWS's list prices in São Paulo, which are
// the highest of those Regions that are enabled without asking, rounded up (aws.amazon.com/ec2/pricing, ebs/pricing,
// vpc/pricing and systems-manager/pricing).
type price struct {
	says  string
	milli int
}

// hour is how many hours a month of volumes and snapshots has.
const hour = 730

var prices = map[thing]price{
	// A t3.nano, its public address, and 10 GiB of gp3.
	server: {"an instance t3.nano with 10 GiB of volumes, one of them encrypted", 840 + 500 + 10*15200/hour + 1},
	// Snapshots of 9 GiB, twice.
	images:    {"up to two images of it, with their snapshots", 2 * (9*6800/hour + 1)},
	test:      {"a second t3.nano from the image, for a moment", 840 + 500 + 9*15200/hour + 1},
	templates: {"launch templates", 0},
	groups:    {"Auto Scaling groups of no instance", 0},
	written:   {"parameters under " + parameters, 0},
	advanced:  {"one of them in the tier Advanced", 5000/hour + 1},
}

// things are those that probes make.
func (p probe) things() []thing {
	of := map[need][]thing{
		running: {server}, stopped: {server}, pictured: {server, images}, undone: {server, images}, versions: {templates},
		emptied: {templates, groups}, moving: {templates, groups},
	}
	var all []thing
	for _, n := range p.needs {
		all = append(all, of[n]...)
	}
	switch p.key {
	case "group-uuid":
		all = append(all, groups)
	case "parameter-tier", "parameter-check", "parameter-version-refused":
		all = append(all, written)
	}
	return append(all, p.extra)
}

// longest is how long probes are tried: what has not been tried by then is not, and all is removed.
const longest = time.Hour

// makes is what probes make, each once, and what that costs at most, in cents: for the longest that they are tried, and
// as long again for removing.
func makes(chosen []probe) (says []string, cents int) {
	var all []thing
	for _, p := range chosen {
		for _, t := range p.things() {
			if t != nothing && !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	slices.Sort(all)
	milli := 0
	for _, t := range all {
		says = append(says, prices[t].says)
		milli += prices[t].milli
	}
	hours := int((longest + removing) / time.Hour)
	return says, (milli*hours + 999) / 1000
}

// choose are the probes of these keys; all where none is named.
func choose(only []string) []probe {
	if len(only) == 0 {
		return probes
	}
	return slices.DeleteFunc(slices.Clone(probes), func(p probe) bool { return !slices.Contains(only, p.key) })
}
