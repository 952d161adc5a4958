package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/ledger"
)

func TestBack(t *testing.T) {
	ada := func(image string, version int64) ledger.Point {
		return ledger.Point{Image: image, Version: version, By: "ada"}
	}
	begun := begin(twice(), point("ami-2", 3), roll("ami-3", 0, "wednesday", "i-2"))
	for name, c := range map[string]struct {
		now   state
		known ledger.TargetRecord
		image string
		want  Decision
	}{
		"to the one before":              {launch("ami-2", 3), twice(), "", Decision{To: both(point("ami-1", 0))}},
		"of a roll that is not recorded": {launch("ami-3", 4), begun, "", Decision{To: both(point("ami-2", 0))}},
		"of a roll that is not made":     {launch("ami-2", 3), begun, "", Decision{To: both(point("ami-1", 0))}},
		"over an edit of the same image": {launch("ami-2", 4), twice(), "", Decision{To: both(point("ami-1", 0))}},
		"of a roll from the same image": {launch("ami-2", 4),
			begin(twice(), point("ami-2", 3), roll("ami-2", 0, "wednesday", "i-2")), "", Decision{To: both(point("ami-1", 0))}},
		"of an alias": {alias("ami-2", 3), twice(), "", Decision{To: point("ami-1", 0)}},
		"asked again": {launch("ami-1", 2), backToMonday(twice(), 2), "",
			Decision{To: ada("ami-1", 2), There: true}},
		"asked again, not recorded": {launch("ami-1", 4), begin(twice(), point("ami-2", 3), ada("ami-1", 0)), "",
			Decision{To: ada("ami-1", 4), There: true}},
		"asked again, an edit on top": {over(launch("ami-1", 4), "ami-2", 5), backToMonday(twice(), 4), "",
			Decision{To: ada("ami-1", 4)}},
		"set back by hand, the latest bad": {over(launch("ami-1", 2), "ami-2", 3), twice(), "",
			Decision{To: both(point("ami-1", 2))}},
		"set back by hand": {launch("ami-1", 2), twice(), "",
			Decision{To: both(point("ami-1", 2)), There: true}},
		"to a named image":               {launch("ami-2", 3), twice(), "ami-0", Decision{To: point("ami-0", 0)}},
		"to a named image, over an edit": {launch("ami-9", 4), twice(), "ami-1", Decision{To: point("ami-1", 0)}},
		"to an image it never had":       {launch("ami-2", 3), twice(), "ami-7", Decision{To: point("ami-7", 0)}},
		"to what it has": {launch("ami-2", 3), twice(), "ami-2",
			Decision{To: point("ami-2", 3), There: true}},
		"to what it was rolled back to": {launch("ami-1", 2), backToMonday(twice(), 2), "ami-1",
			Decision{To: ada("ami-1", 2), There: true}},
		"further than it was rolled back to": {launch("ami-1", 2), backToMonday(twice(), 2), "ami-0",
			Decision{To: point("ami-0", 0)}},
		"of an edit": {launch("ami-9", 4), twice(), "",
			Decision{Problem: "it has ami-9, which Goldsmith did not put there; name the image to go back to"}},
		"of an edit to none": {launch("", 4), twice(), "",
			Decision{Problem: "it has no image, which Goldsmith did not put there; name the image to go back to"}},
		"never rolled": {launch("ami-0", 1), ledger.TargetRecord{}, "",
			Decision{Problem: "nothing is known of what it had before; name the image to go back to"}},
		"of an alias that we made": {alias("ami-1", 1),
			ledger.TargetRecord{Points: []ledger.Point{roll("ami-1", 1, "monday", "i-2"), point("", 0)}}, "",
			Decision{Problem: "nothing is known of what it had before ami-1; name the image to go back to"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, back(c.now, c.known, c.image)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// both is a point to whose image $Default and $Latest both go back.
func both(to ledger.Point) ledger.Point {
	to.Was = &ledger.Was{Default: ledger.Version{Image: to.Image}, Latest: ledger.Version{Image: to.Image}}
	return to
}

// over is a template with a later version on top of its default.
func over(s state, image string, version int64) state {
	s.Top, s.Latest = image, version
	return s
}

// Asked twice, a target goes back once, and what a run decides then is to leave
// it alone; whether the rollback lived to record its end or not.
func TestBackHolds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now, known := played(r)
		image := rapid.SampledFrom([]string{"", "ami-0", "ami-1", "ami-7"}).Draw(r, "named")
		first := back(now, known, image)
		if last, _ := Latest(known); first.There || first.Problem != "" || first.To.Image == last.Image {
			return // What was rolled last is nothing to hold back.
		}
		to := first.To
		to.By = "ada"
		held := at(now.Alias, to.Image, now.Version+1)
		begun := changing(known, ledger.Change{From: now.Point(), To: to})
		to.Version = held.Version
		recorded := known
		recorded.Back = &to
		for name, after := range map[string]ledger.TargetRecord{"begun": begun, "recorded": recorded} {
			if again := back(held, after, image); !again.There || !cmp.Equal(again.To, to) {
				r.Fatalf("%s: asked again it goes to %+v, not %+v", name, again, to)
			}
			if v := decide(held, after, wednesday); v.Problem == "" || v.There {
				r.Fatalf("%s: it is not left alone: %+v", name, v)
			}
		}
	})
}
