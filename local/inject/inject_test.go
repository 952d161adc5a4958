package inject_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/inject"
)

// What strikes which of five calls a second apart: the codes before and after, and a broken connection.
func TestStrike(t *testing.T) {
	began := time.Date(2026, 3, 4, 2, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		faults []inject.Fault
		want   string
	}{
		"none":              {nil, "- - - - -"},
		"all":               {[]inject.Fault{{Code: "A"}}, "A A A A A"},
		"another action":    {[]inject.Fault{{Action: "StopInstances", Code: "A"}}, "- - - - -"},
		"the action":        {[]inject.Fault{{Action: "StartInstances", Code: "A"}}, "A A A A A"},
		"another resource":  {[]inject.Fault{{Resource: "i-2", Code: "A"}}, "- - - - -"},
		"some of them":      {[]inject.Fault{{Nth: []int{2, 5}, Code: "A"}}, "- A - - A"},
		"so many":           {[]inject.Fault{{Times: 2, Code: "A"}}, "A A - - -"},
		"so many in turn":   {[]inject.Fault{{Times: 2, Code: "A"}, {Times: 1, Code: "B"}}, "A A B - -"},
		"the first goes":    {[]inject.Fault{{Code: "A"}, {Code: "B"}}, "A A A A A"},
		"until then":        {[]inject.Fault{{Until: began.Add(2 * time.Second), Code: "A"}}, "A A - - -"},
		"after its effect":  {[]inject.Fault{{Times: 1, Code: "A", After: true}}, "+A - - - -"},
		"without an answer": {[]inject.Fault{{Times: 1, Drop: true}}, "+drop - - - -"},
		"a half, by a draw": {[]inject.Fault{{Chance: 0.5, Code: "A"}}, "A - A - A"},
		"one a second":      {[]inject.Fault{{PerSecond: 1}}, "- - - - -"},
		"one in four seconds": {[]inject.Fault{{PerSecond: 0.25}},
			"- RequestLimitExceeded RequestLimitExceeded RequestLimitExceeded -"},
	} {
		var set inject.Set
		for _, f := range c.faults {
			set.Inject(f)
		}
		var got []string
		for n := range 5 {
			struck := set.Strike(inject.Call{
				Action: "StartInstances", Named: []string{"i-1"}, At: began.Add(time.Duration(n) * time.Second),
				Chance: func(string) float64 { return float64(n%2) * 0.75 },
			})
			got = append(got, word(struck))
		}
		if said := strings.Join(got, " "); said != c.want {
			t.Errorf("%s: the calls end in %s, not in %s", name, said, c.want)
		}
	}
}

func word(struck inject.Struck) string {
	if f, strikes := struck.Before(); strikes {
		return f.Code
	}
	switch f, strikes := struck.After(); {
	case !strikes:
		return "-"
	case f.Drop:
		return "+drop"
	default:
		return "+" + f.Code
	}
}

// What is taken back does not strike again.
func TestForget(t *testing.T) {
	var set inject.Set
	set.Inject(inject.Fault{Action: "StartInstances", Code: "A"})
	set.Forget("StartInstances")
	if !set.Empty() {
		t.Error("a fault that was taken back is still there")
	}
}
