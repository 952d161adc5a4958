package job

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
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
	// mostAfar is how many bytes of targets a copy carries: of all that a plan may have as much again.
	mostAfar = mostRolled / 10
	// mostText is how many bytes of a problem or a note it carries.
	mostText = 1600
	// mostThrough is how many launch templates of one parameter it carries.
	mostThrough = 100
)

// Template reports whether it is a launch template.
func (r Rolled) Template() bool { return !r.Parameter && strings.HasPrefix(r.Target, "lt-") }

// Carry puts what became of templates and aliases into the job. Where that is more than it can carry, those come
// first that were not rolled, and what does not go in is counted.
func (j *Job) Carry(all []Rolled) { j.Rolled, j.Rest = carried(all, mostRolled) }

// Carry puts what became of templates and aliases in the copy's Region into it, as Job.Carry does.
func (c *Copy) Carry(all []Rolled) { c.Rolled, c.Rest = carried(all, mostAfar) }

// carried is what goes into so many bytes, and numbers of the rest; nil where all is whole.
func carried(all []Rolled, most int) (kept []Rolled, counted *Rest) {
	cut := false
	for _, r := range all {
		r = r.Short()
		if len(r.Through) > mostThrough {
			r.Through, cut = r.Through[:mostThrough], true
		}
		kept = append(kept, r)
	}
	var rest Rest
	if sizeOf(kept...) > most {
		slices.SortStableFunc(kept, func(a, b Rolled) int { return cmp.Compare(a.rank(), b.rank()) })
		size := 0
		fits := slices.IndexFunc(kept, func(r Rolled) bool { size += sizeOf(r); return size > most })
		for _, r := range kept[fits:] {
			rest.count(r)
		}
		kept, cut = slices.Clone(kept[:fits]), true
	}
	if cut {
		return kept, &rest
	}
	return kept, nil
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

// Short has problem and note as a job carries them.
func (r Rolled) Short() Rolled {
	r.Problem, r.Note = shortened(r.Problem), shortened(r.Note)
	return r
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

// Rolled is one launch template or alias, and what became of it.
type Rolled struct {
	// Target is a launch template id or a Parameter Store name.
	Target string `json:"target"`
	// Parameter is whether it is the latter: a name may look like an id.
	Parameter bool   `json:"parameter,omitempty"`
	Name      string `json:"name,omitempty"`
	// From and To are image ids; Version and Previous are launch template version numbers.
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	Version  int64  `json:"version,omitempty"`
	Previous int64  `json:"previous,omitempty"`
	// Through are the ids of launch templates that take their image from this parameter.
	Through []string `json:"through,omitempty"`
	// Problem says why it was left alone; empty when it was rolled.
	Problem string `json:"problem,omitempty"`
	// Held is whether it was left alone because a person rolled it back.
	Held bool `json:"held,omitempty"`
	// Stays is whether the template's default stayed where it was: Version is its latest.
	Stays bool `json:"stays,omitempty"`
	// Note is what an operator should know of a target that was rolled all the same.
	Note string `json:"note,omitempty"`
}

// Refresh is one Auto Scaling group that uses what was rolled, and what became of it.
type Refresh struct {
	Group string `json:"group"`
	// ID is the instance refresh's; empty when there is none.
	ID string `json:"id,omitempty"`
	// Status is the word Auto Scaling has for it: Pending, InProgress, Successful and so on.
	Status string `json:"status,omitempty"`
	// Behind is set while ID is a refresh that others began: ours follows it.
	Behind bool `json:"behind,omitempty"`
	// From and To are what the group launched from before and after, such as "web 7" and "web 8".
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Note is what to know of it all the same, such as why it cannot be rolled back.
	Note string `json:"note,omitempty"`
	// Problem says why it was not refreshed, or how the refresh ended; empty while all is well.
	Problem string    `json:"problem,omitempty"`
	Began   time.Time `json:"began,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
}

// MaxRefreshes is how many groups a job refreshes at most: more would not fit what Step
// Functions carries, and would take days one checkpoint at a time.
const MaxRefreshes = 30

// Open reports whether something is left to do about it: to wait, or to begin ours.
func (r Refresh) Open() bool { return r.Going() || r.Behind && r.Problem == "" }

// Going reports whether its refresh goes on, or the one that it waits behind.
func (r Refresh) Going() bool { return r.ID != "" && r.Ended.IsZero() && r.Problem == "" }
