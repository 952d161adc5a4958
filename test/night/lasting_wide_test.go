package night_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// wide is a plan whose images are tested and shared, and whose old ones go at once.
func wide() plan.Plans {
	plans := tested(func(v *plan.Verify) { v.InstanceType = "t3.micro" })
	p := plans.Plans["nightly"]
	p.Health, p.Share.Accounts = plan.Checked, accounts(consumerA)
	p.Keep = plan.Keep{Last: 1, Minimum: 1}
	plans.Plans["nightly"] = p
	return plans
}

// alsoThere are an encrypted volume, a Spot instance, old images, and a snapshot that an image is asked of.
func alsoThere(n *night) {
	vault := n.launch("vault", "key=usable")
	n.old("vault", vault, 2)
	n.old("vault", vault, 1)
	n.launch("batch", "m5.large spot")
	snapshot := n.lost("mail", map[string]string{tag.Plan: "nightly"})
	time.AfterFunc(time.Until(due.Add(time.Minute)), func() { n.ask(snapshot, "now") })
	time.AfterFunc(time.Until(due.Add(75*time.Minute)), func() { n.ask(vault, "now") }) // what is deprecated goes by it
}

// The calls that only tested, shared and retired images, Spot instances and snapshots take are denied, too: for an hour
// or for good, as it is drawn, and with -crash-every for both.
func TestLastingFaultsOfWhatFollows(t *testing.T) {
	random := rand.New(rand.NewPCG(*firstNight, 3))
	narrow, all := lastingNight(t), lastingIn(t, due, wide(), alsoThere)
	var kinds []lasting
	for _, action := range slices.Sorted(maps.Keys(all.met)) {
		if !narrow.met[action] {
			both := []lasting{{what: action, long: time.Hour}, {what: action}}
			if first := random.IntN(2); !*crashEvery {
				both = both[first : first+1]
			}
			kinds = append(kinds, both...)
		}
	}
	if len(kinds) < 20 {
		t.Errorf("only %d more nights are played", len(kinds))
	}
	for _, l := range kinds {
		l.from = moment(random)
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			lastingIn(t, due, wide(), alsoThere, l)
		})
	}
}
