package ssm

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Frozen is a time for which the data of an instance stood still.
type Frozen struct {
	Instance, Run string
	// Since is when it was frozen, Until when it went on: by its thaw, by its watchdog, or by other hands.
	Since, Until time.Time
	// Watchdog is whether the watchdog let it go on, or will.
	Watchdog bool
	hands    bool
}

// freezing is the line by which the suite's script is called. Without a limit there is no watchdog.
var freezing = regexp.MustCompile(`(?m)^export do=(?:(freeze) run=(\S+)(?: limit=(\d+))? kind=\w+|(thaw) run=(\S+))$`)

// quick is how long the script takes.
const quick = time.Second

func took(command string) time.Duration {
	if freezing.MatchString(command) {
		return quick
	}
	return usual
}

// freezes has an instance do what the suite's script does, and gives how that ends. It is called with the lock held.
func (s *Store) freezes(i *invocation, now time.Time) Ran {
	words := freezing.FindStringSubmatch(i.command)
	switch {
	case words == nil:
		return i.ran
	case words[4] == "thaw":
		return s.thaws(i, words[5], now)
	}
	f := Frozen{Instance: i.instance, Run: words[2], Since: now, Until: now.Add(never)}
	if seconds, err := strconv.Atoi(words[3]); err == nil {
		f.Until, f.Watchdog = i.begun.Add(time.Duration(seconds)*time.Second), true
	}
	s.frozen = append(s.frozen, f)
	return i.ran
}

// never is how long what has no watchdog stands still.
const never = 10 * 365 * 24 * time.Hour

// thaws says whether all stood still until now.
func (s *Store) thaws(i *invocation, run string, now time.Time) Ran {
	n := slices.IndexFunc(s.frozen, func(f Frozen) bool { return f.Instance == i.instance && f.Run == run })
	switch {
	case n < 0:
		i.ran.Output = "nothing stands still: the machine was started since, or nothing was frozen"
	case s.frozen[n].Until.After(now):
		s.frozen[n].Until, s.frozen[n].Watchdog = now, false
		return i.ran
	case !s.frozen[n].hands:
		return i.ran
	default:
		i.ran.Output = "it did not all stand still any more: something else let it go on before"
	}
	i.ran.Status, i.ran.Code = "Failed", 1
	return i.ran
}

// LetGo has other hands let go on what stands still on an instance.
func (s *Store) LetGo(instance string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range s.frozen {
		if f := &s.frozen[n]; f.Instance == instance && f.Until.After(s.options.Clock.Now()) {
			f.Until, f.Watchdog, f.hands = s.options.Clock.Now(), false, true
		}
	}
}

// Frozen are all times for which data stood still so far, in their order.
func (s *Store) Frozen() []Frozen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.frozen)
}
