package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/ledger"
)

// wednesday is the image that the tests roll.
var wednesday = Image{ID: "ami-3", Run: "wednesday", Source: "i-2", Name: "web"}

func point(image string, version int64) ledger.Point {
	return ledger.Point{Image: image, Version: version}
}

// roll is a point that a run has rolled a target to.
func roll(image string, version int64, run, source string) ledger.Point {
	return ledger.Point{Image: image, Version: version, Run: run, Source: source}
}

// twice is a target that two nights have rolled, ami-0 being what it had before.
func twice() ledger.TargetRecord {
	return ledger.TargetRecord{Source: "web", ID: "fleet",
		Points: []ledger.Point{roll("ami-2", 3, "tuesday", "i-2"), roll("ami-1", 2, "monday", "i-2"), point("ami-0", 1)}}
}

// backToMonday is a target that ada has rolled back to Monday's image, by that version.
func backToMonday(t ledger.TargetRecord, version int64) ledger.TargetRecord {
	t.Back = &ledger.Point{Image: "ami-1", Version: version, By: "ada"}
	return t
}

// held is what becomes of a target that somebody rolled back.
func held(from ledger.Point, by string) Decision {
	if by != "" {
		by = " by " + by
	}
	return Decision{From: from, Held: true, Problem: "held: it was rolled back to ami-1" + by +
		"; goldsmith follow --name web lets it follow again"}
}

// stayed is a target whose default its last roll left where it was.
func stayed(r ledger.TargetRecord) ledger.TargetRecord {
	r.Points[0].Stays = true
	return r
}

func begin(t ledger.TargetRecord, from, to ledger.Point) ledger.TargetRecord {
	return changing(t, ledger.Change{From: from, To: to})
}

// launch is a launch template whose default version has the image.
func launch(image string, version int64) state {
	return state{Image: image, Version: version, Default: version, Latest: version, Top: image}
}

func alias(image string, version int64) state {
	return state{Alias: true, Image: image, Version: version}
}

func at(parameter bool, image string, version int64) state {
	if parameter {
		return alias(image, version)
	}
	return launch(image, version)
}

type decision struct {
	now   state
	known ledger.TargetRecord
	want  Decision
}

func decides(t *testing.T, cases map[string]decision) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, decide(c.now, c.known, wednesday)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecideRolls(t *testing.T) {
	decides(t, map[string]decision{
		"never rolled":        {launch("ami-0", 1), ledger.TargetRecord{}, Decision{From: point("ami-0", 1)}},
		"as we left it":       {launch("ami-2", 3), twice(), Decision{From: point("ami-2", 3)}},
		"a newer edit":        {launch("ami-9", 4), twice(), Decision{From: point("ami-9", 4)}},
		"an alias to be made": {alias("", 0), ledger.TargetRecord{}, Decision{From: point("", 0)}},
		"an edit of an alias": {alias("ami-9", 4), twice(), Decision{From: point("ami-9", 4)}},
		"an alias refused": {alias("ami-1", 2), twice(), Decision{
			From: point("ami-1", 2), Note: "Parameter Store has not taken ami-2, which was written last",
		}},
		"followed again after a rollback": {launch("ami-2", 3), backToMonday(twice(), 2), Decision{From: point("ami-2", 3)}},
		"there already":                   {launch("ami-3", 4), twice(), Decision{From: point("ami-3", 4), There: true}},
	})
}

func TestDecideLeavesAlone(t *testing.T) {
	decides(t, map[string]decision{
		"set back by hand": {launch("ami-1", 2), twice(),
			Decision{From: point("ami-1", 2), Problem: "its default version 2 is older than version 3, " +
				"which Goldsmith made default last: it was set back by hand; make version 3 its default, or ask goldsmith " +
				"follow --name web, to let it follow"}},
		"an alias set back by hand": {alias("ami-1", 4), twice(),
			Decision{From: point("ami-1", 4), Problem: "it was set back to ami-1 by hand, " +
				"which it held before ami-2; write ami-2 into it, or ask goldsmith follow --name web, to let it follow"}},
		"rolled back": {launch("ami-1", 4), backToMonday(twice(), 4),
			held(point("ami-1", 4), "ada")},
		"an edit after a rollback": {launch("ami-9", 5), backToMonday(twice(), 4),
			held(point("ami-9", 5), "ada")},
		"an edit of what it was rolled back to": {launch("ami-1", 5), backToMonday(twice(), 4),
			held(point("ami-1", 5), "ada")},
		"an alias rolled back": {alias("ami-1", 4), backToMonday(twice(), 4),
			held(point("ami-1", 4), "ada")},
		"rolled back and not recorded": {launch("ami-1", 4), begin(twice(), point("ami-2", 3), point("ami-1", 0)),
			held(point("ami-1", 4), "")},
		"what was made is deleted, the default stayed": {launch("ami-1", 2), stayed(twice()),
			Decision{From: point("ami-1", 2), Problem: "its latest version 2 is older than version 3, " +
				"which Goldsmith made and which was deleted; ask goldsmith follow --name web to let it follow"}},
		"a pinned alias": {launch("resolve:ssm:/golden/web:3", 1), ledger.TargetRecord{}, Decision{
			From: point("resolve:ssm:/golden/web:3",
				1), Problem: "it takes its image from resolve:ssm:/golden/web:3, a parameter's pinned version or another " +
				"account's parameter; name a parameter of this account without version or label to have it rolled",
		}},
	})
}

// What an earlier try of the same run began is carried on, whatever it came to.
func TestDecideAgain(t *testing.T) {
	made := rolled(twice(), ledger.Change{From: point("ami-2", 3), To: roll("ami-3", 4, "wednesday", "i-2")})
	begun := begin(twice(), point("ami-2", 3), roll("ami-3", 0, "wednesday", "i-2"))
	before := roll("ami-2", 3, "tuesday", "i-2")
	decides(t, map[string]decision{
		"begun, not made": {launch("ami-2", 3), begun, Decision{From: point("ami-2", 3)}},
		"begun over another source's, not made": {launch("ami-2", 3),
			begin(ledger.TargetRecord{Points: []ledger.Point{roll("ami-2", 3, "wednesday", "i-9")}},
				point("ami-2", 3), roll("ami-3", 0, "wednesday", "i-2")), Decision{From: point("ami-2", 3)}},
		"made, not recorded": {launch("ami-3", 4), begun, Decision{From: point("ami-2", 3), There: true, Made: true}},
		"begun from the same image": {launch("ami-3", 5),
			begin(twice(), point("ami-3", 4), roll("ami-3", 0, "wednesday", "i-2")), Decision{
				From: point("ami-3", 5), There: true,
			}},
		"rolled by another run": {launch("ami-3", 4),
			rolled(twice(), ledger.Change{From: point("ami-2", 3), To: roll("ami-3", 4, "tuesday again", "i-2")}), Decision{
				From: point("ami-3", 4), There: true,
			}},
		"begun, then an edit":           {launch("ami-9", 4), begun, Decision{From: point("ami-9", 4)}},
		"recorded":                      {launch("ami-3", 4), made, Decision{From: before, There: true, Made: true}},
		"recorded, a describe lags":     {launch("ami-2", 3), made, Decision{From: before, There: true, Made: true}},
		"recorded, then somebody edits": {launch("ami-9", 5), made, Decision{From: before, There: true, Made: true}},
	})
}

// Of two sources of one name in one run, the lower id has the last word; across runs the newer image.
func TestDecideOfASharedName(t *testing.T) {
	of := func(run, source string) ledger.TargetRecord {
		return ledger.TargetRecord{Source: "web", Points: []ledger.Point{roll("ami-2", 3, run, source), point("ami-0", 1)}}
	}
	member := of("wednesday", "i-1")
	member.Source = "group/web"
	other := of("tuesday", "i-1")
	other.Source = "group/web"
	from := point("ami-2", 3)
	taken := Decision{From: from,
		Problem: "it has the image of i-1, another source of this run that is called web; give one of them another name " +
			"by the tag goldsmith:name"}
	begun := begin(twice(), point("ami-0", 1), roll("ami-8", 0, "wednesday", "i-1"))
	decides(t, map[string]decision{
		"the lower has it":    {launch("ami-2", 3), of("wednesday", "i-1"), taken},
		"the lower has begun": {launch("ami-2", 3), begun, taken},
		"the higher had it": {launch("ami-2", 3), of("wednesday", "i-3"),
			Decision{From: from, Note: "it had the image of i-3, another source called web"}},
		"the lower had it, last run": {launch("ami-2", 3), of("tuesday", "i-1"),
			Decision{From: from, Note: "it had the image of i-1, another source called web"}},
		"its own": {launch("ami-2", 3), of("tuesday", "i-2"), Decision{From: from}},
		"another member of its group": {launch("ami-2", 3), member,
			Decision{From: from, Problem: "it has the image of i-1, " +
				"another member of Auto Scaling group web that this run images"}},
		"another member, last run": {launch("ami-2", 3), other, Decision{From: from}},
	})
}

// What was rolled is not rolled again by the same run, recorded or not.
func TestDecideAfterARollSaysThere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now, known := played(r)
		v := decide(now, known, wednesday)
		if v.Problem != "" || v.There {
			return
		}
		change := ledger.Change{From: v.From, To: roll(wednesday.ID, now.Version+1, wednesday.Run, wednesday.Source)}
		state := at(now.Alias, wednesday.ID, now.Version+1)
		for name, after := range map[string]ledger.TargetRecord{"begun": changing(known, change),
			"recorded": rolled(known, change)} {
			again := decide(state, after, wednesday)
			if !again.There || !again.Made || again.Problem != "" {
				r.Fatalf("%s: %+v of %+v", name, again, after)
			}
			if again.From.Image != now.Image || again.From.Version != now.Version {
				r.Fatalf("%s: it was rolled from %+v, not from %+v", name, now, again.From)
			}
		}
	})
}

// played is a target after some nights, of which each rolls it or is somebody's edit.
func played(r *rapid.T) (state, ledger.TargetRecord) {
	now, known := at(rapid.Bool().Draw(r, "alias"), "ami-0", 1), ledger.TargetRecord{ID: "fleet"}
	for range rapid.IntRange(0, 5).Draw(r, "nights") {
		before := now.Point()
		now = at(now.Alias, "", now.Version+1)
		now.Image = rapid.SampledFrom([]string{"ami-0", "ami-1", "ami-2", "ami-9"}).Draw(r, "image")
		now.Top = now.Image
		if rapid.Bool().Draw(r, "rolled") {
			known = rolled(known, ledger.Change{From: before, To: roll(now.Image, now.Version, "a night", "i-2")})
		}
	}
	return now, known
}
