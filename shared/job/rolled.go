package job

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rest are numbers of launch templates and aliases that a job does not carry one by one. Those that were
// rolled stand in the ledger, and why others were not stands in the log of roll.
type Rest struct {
	Rolled    int `json:"rolled,omitempty"`
	NotRolled int `json:"notRolled,omitempty"`
	Held      int `json:"held,omitempty"`
}

// Plus is the sum of both.
func (r Rest) Plus(o Rest) Rest {
	return Rest{Rolled: r.Rolled + o.Rolled, NotRolled: r.NotRolled + o.NotRolled, Held: r.Held + o.Held}
}

const (
	// mostRolled is how many bytes of targets a job carries: what else may stand in a job leaves that much of the
	// 256 KiB that Step Functions carries from state to state.
	mostRolled = 32 << 10
	// mostText is how many bytes of a problem or a note it carries.
	mostText = 600
	// mostThrough is how many launch templates of one parameter it carries.
	mostThrough = 100
)

// Template reports whether it is a launch template.
func (r Rolled) Template() bool { return !r.Parameter && strings.HasPrefix(r.Target, "lt-") }

// Carry puts what became of templates and aliases into the job. Where that is more than it can carry, those come
// first that were not rolled, and what does not go in is counted.
func (j *Job) Carry(all []Rolled) {
	j.Rolled, j.Rest = nil, nil
	cut := false
	for _, r := range all {
		r.Problem, r.Note = shortened(r.Problem), shortened(r.Note)
		if len(r.Through) > mostThrough {
			r.Through, cut = r.Through[:mostThrough], true
		}
		j.Rolled = append(j.Rolled, r)
	}
	var rest Rest
	if sizeOf(j.Rolled...) > mostRolled {
		slices.SortStableFunc(j.Rolled, func(a, b Rolled) int { return cmp.Compare(a.rank(), b.rank()) })
		size := 0
		fits := slices.IndexFunc(j.Rolled, func(r Rolled) bool { size += sizeOf(r); return size > mostRolled })
		for _, r := range j.Rolled[fits:] {
			rest.count(r)
		}
		j.Rolled, cut = slices.Clone(j.Rolled[:fits]), true
	}
	if cut {
		j.Rest = &rest
	}
}

// rank puts first what people have to hear of.
func (r Rolled) rank() int {
	switch {
	case r.Held:
		return 1
	case r.Problem != "":
		return 0
	default:
		return 2
	}
}

func (r *Rest) count(one Rolled) {
	switch one.rank() {
	case 0:
		r.NotRolled++
	case 1:
		r.Held++
	default:
		r.Rolled++
	}
}

func sizeOf(rolled ...Rolled) (bytes int) {
	for _, r := range rolled {
		text, err := json.Marshal(r)
		if err != nil {
			return mostRolled // Rolled is made of plain values.
		}
		bytes += len(text)
	}
	return bytes
}

func shortened(text string) string {
	if len(text) <= mostText {
		return text
	}
	text = text[:mostText]
	for !utf8.ValidString(text) && len(text) > mostText-utf8.UTFMax {
		text = text[:len(text)-1]
	}
	return strings.TrimSpace(text) + " ..."
}
