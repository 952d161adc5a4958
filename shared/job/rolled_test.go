package job_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"goldsmith/shared/job"
)

// manyRolled are as many templates as a Region may have, and an alias that all of them take their image from.
func manyRolled() []job.Rolled {
	alias := job.Rolled{Target: "/goldsmith/images/web", To: "ami-0123456789abcdef0"}
	var all []job.Rolled
	for i := range 5000 {
		id := fmt.Sprintf("lt-%017x", i)
		alias.Through = append(alias.Through, id)
		all = append(all, job.Rolled{
			Target: id, Name: strings.Repeat("n", 128), From: "ami-0123456789abcdef0", To: "ami-0123456789abcdef0",
			Version: 10_000, Previous: 9_999, Problem: strings.Repeat("p", 3000*(i%2)), Note: strings.Repeat("é", 3000),
		})
	}
	return append(all, alias)
}

func TestCarryOfManyTargets(t *testing.T) {
	var j job.Job
	j.Carry(manyRolled())
	size := sizeOf(t, j.Rolled)
	if j.Rest == nil || size > 33<<10 || size < 30<<10 {
		t.Fatalf("%d targets of %d bytes are carried, and the rest is %+v", len(j.Rolled), size, j.Rest)
	}
	if got := (job.Rest{NotRolled: len(j.Rolled)}).Plus(*j.Rest); got != (job.Rest{Rolled: 2501, NotRolled: 2500}) {
		t.Errorf("all that was not rolled comes first, and nothing is lost: %+v", got)
	}
	for _, r := range j.Rolled {
		if r.Problem == "" || !utf8.ValidString(r.Note) || !strings.HasSuffix(r.Note, "é ...") ||
			!strings.HasSuffix(r.Problem, "p ...") {
			t.Fatalf("%+v", r)
		}
	}
}

// Few targets are carried as they are, in their order; a job that is rolled again begins anew.
func TestCarryOfFewTargets(t *testing.T) {
	j := job.Job{Rest: &job.Rest{Rolled: 1}}
	few := []job.Rolled{{Target: "lt-1"}, {Target: "lt-2", Problem: "no"}, {Target: "lt-3", Held: true, Problem: "held"}}
	j.Carry(few)
	if fmt.Sprint(j.Rolled) != fmt.Sprint(few) || j.Rest != nil {
		t.Errorf("%+v, rest %+v", j.Rolled, j.Rest)
	}
	j.Carry(nil)
	if j.Rolled != nil || j.Rest != nil {
		t.Errorf("%+v, rest %+v", j.Rolled, j.Rest)
	}
}

// A parameter that too many templates take their image from says so by the rest.
func TestCarryOfAnAlias(t *testing.T) {
	for templates, cut := range map[int]bool{100: false, 101: true} {
		var j job.Job
		all := manyRolled()
		alias := all[len(all)-1]
		alias.Through = alias.Through[:templates]
		j.Carry([]job.Rolled{alias})
		if len(j.Rolled) != 1 || len(j.Rolled[0].Through) != 100 || (j.Rest != nil) != cut {
			t.Errorf("of %d templates %d are carried, rest %+v", templates, len(j.Rolled[0].Through), j.Rest)
		}
		if len(alias.Through) != templates {
			t.Error("what was given is changed")
		}
	}
}

// Whatever is rolled: what is carried fits, and every target is carried or counted.
func TestCarry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) job.Rolled {
			return job.Rolled{
				Target: rapid.String().Draw(t, "target"), Held: rapid.Bool().Draw(t, "held"),
				Problem: strings.Repeat(rapid.StringN(0, 3, -1).Draw(t, "problem"), rapid.IntRange(0, 500).Draw(t, "times")),
			}
		}), 0, 200).Draw(t, "all")
		var j job.Job
		j.Carry(all)
		carried := len(j.Rolled)
		if j.Rest != nil {
			carried += j.Rest.Rolled + j.Rest.NotRolled + j.Rest.Held
		}
		if text, err := json.Marshal(j.Rolled); err != nil || carried != len(all) || len(text) > 33<<10 {
			t.Errorf("of %d targets %d are carried or counted, in %d bytes", len(all), carried, len(text))
		}
	})
}

func sizeOf(t *testing.T, rolled []job.Rolled) int {
	t.Helper()
	text, err := json.Marshal(rolled)
	if err != nil {
		t.Fatal(err)
	}
	return len(text)
}
