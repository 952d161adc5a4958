package plan

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Limit is a number of sources, or a percentage of the instances in the account and Region.
type Limit struct {
	Count   int `json:"-"`
	Percent int `json:"-"`
}

// IsZero reports whether there is no limit.
func (l Limit) IsZero() bool { return l == Limit{} }

// Most is the number of sources allowed out of total instances; ok is false when there is no limit.
// A percentage is rounded down, but never below one.
func (l Limit) Most(total int) (most int, ok bool) {
	switch {
	case l.IsZero():
		return 0, false
	case l.Percent > 0:
		return max(1, total*l.Percent/100), true
	default:
		return l.Count, true
	}
}

// String is the limit as written in plans.yaml.
func (l Limit) String() string {
	if l.Percent > 0 {
		return fmt.Sprintf("%d%%", l.Percent)
	}
	return fmt.Sprint(l.Count)
}

// MarshalJSON writes a number, or a string such as "20%".
func (l Limit) MarshalJSON() ([]byte, error) {
	if l.Percent > 0 {
		return json.Marshal(l.String())
	}
	return json.Marshal(l.Count)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Limit) UnmarshalJSON(text []byte) error {
	if unquoted, err := strconv.Unquote(string(text)); err == nil {
		text = []byte(unquoted)
	}
	return l.UnmarshalText(text)
}

// UnmarshalText reads "20" or "20%", and refuses what allows nothing or more than all.
func (l *Limit) UnmarshalText(text []byte) error {
	digits, percent := strings.CutSuffix(string(text), "%")
	n, err := strconv.ParseUint(digits, 10, 31)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no limit; want a number of sources such as 20, or a percentage such as 20%%", text)
	case n == 0:
		return fmt.Errorf("%s would let no run touch anything; leave the limit out for none", text)
	case percent && n > 100:
		return fmt.Errorf("%s is more than all; want 1%% to 100%%", text)
	case percent:
		*l = Limit{Percent: int(n)}
	default:
		*l = Limit{Count: int(n)}
	}
	return nil
}
