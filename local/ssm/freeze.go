package ssm

import (
	"regexp"
	"strconv"
	"time"
)

// Frozen is a time for which the data of an instance stood still.
type Frozen struct {
	Instance, Run string
	// Since is when it was frozen, Until when it went on: by its thaw, or its watchdog.
	Since, Until time.Time
	Watchdog     bool
}

// freezing is the line by which the suite's script is called. Without a limit there is no watchdog.
var freezing = regexp.MustCompile(`(?m)^export do=(freeze|thaw) run=(\S+)(?: limit=(\d+))? kind=\w+$`)

// quick is how long the script takes.
const quick = time.Second

func took(command string) time.Duration {
	if freezing.MatchString(command) {
		return quick
	}
	return usual
}

// freezes has an instance do what the suite's script does. It is called with the lock held.
func (s *Store) freezes(i *invocation, now time.Time) {
	words := freezing.FindStringSubmatch(i.command)
	if words == nil {
		return
	}
	if words[1] == "thaw" {
		for n := range s.frozen {
			if f := &s.frozen[n]; f.Instance == i.instance && f.Run == words[2] && f.Until.After(now) {
				f.Until, f.Watchdog = now, false
			}
		}
		return
	}
	f := Frozen{Instance: i.instance, Run: words[2], Since: now, Until: now.Add(never), Watchdog: true}
	if seconds, err := strconv.Atoi(words[3]); err == nil {
		f.Until = i.begun.Add(time.Duration(seconds) * time.Second)
	}
	s.frozen = append(s.frozen, f)
}

// never is how long what has no watchdog stands still.
const never = 10 * 365 * 24 * time.Hour

// Frozen are all times for which data stood still so far, in their order.
func (s *Store) Frozen() []Frozen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Frozen(nil), s.frozen...)
}
