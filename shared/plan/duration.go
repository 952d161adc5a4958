package plan

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time.Duration written as Go writes it: "90m", "4h".
type Duration time.Duration

// String is the duration as people write it: "4h", not "4h0m0s".
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText writes "4h0m0s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads "4h", "90m", "1h30m".
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration; want hours and minutes such as 4h, 90m or 1h30m (a day is 24h)", text)
	}
	*d = Duration(parsed)
	return nil
}
