package night_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// kind is what goes wrong at a boundary.
type kind string

// Of a call, AWS's or the ledger's. A panic is none of its own: Lambda ends the
// sandbox of a handler that panics, as it does for one that is out of memory.
const (
	lost         kind = "lost"                  // the connection breaks before the request arrives
	unanswered   kind = "unanswered"            // it breaks after the effect
	refused      kind = "refused"               // the service fails, however often this invocation asks
	killedBefore kind = "killed before"         // the sandbox dies before the request is sent
	killedAfter  kind = "killed after"          // it dies after the effect
	hangs        kind = "hangs until timed out" // no answer comes after the effect, and Lambda's timeout ends it
)

// Of an invocation as a whole.
const (
	answerLost kind = "killed at its end" // everything is done, and nobody hears of it
	neverCame  kind = "event lost"
	doubled    kind = "event doubled"     // both at once
	again      kind = "event comes again" // once everything has been done, a second later
	late       kind = "event late"
	slackFails kind = "Slack fails once"
	slackKeeps kind = "Slack's answer lost"
	slackDown  kind = "Slack down"
)

// Of a state's transition.
const (
	aborted      kind = "execution aborted"
	runAborted   kind = "run aborted"
	serviceError kind = "Lambda.ServiceException"
)

// mishap is one thing that goes wrong once, at one boundary.
type mishap struct {
	boundary string
	kind     kind
}

func (m mishap) String() string { return string(m.kind) + ": " + m.boundary }

// is reports whether it is of any of these kinds.
func (m mishap) is(kinds ...kind) bool { return slices.Contains(kinds, m.kind) }

// minor reports whether it is a read that fails, and so changes nothing.
func (m mishap) minor() bool {
	_, call, _ := strings.Cut(m.boundary, " | ")
	call = strings.TrimPrefix(call, "ledger ")
	call, _, _ = strings.Cut(call, " ")
	return m.is(lost, refused) && isRead(call)
}

// isRead reports whether a call of AWS or the ledger has no effect.
func isRead(call string) bool {
	return strings.HasPrefix(call, "Describe") || strings.HasPrefix(call, "Get") || strings.HasPrefix(call, "List") ||
		slices.Contains([]string{"Claims", "Waits", "Results", "Retirements", "Registration", "Registrations", "Unsettled",
			"Owner"}, call)
}

// at reports whether it strikes an invocation of one of these functions.
func (m mishap) at(functions ...string) bool {
	return slices.ContainsFunc(functions, func(f string) bool { return strings.HasPrefix(m.boundary, f+" ") })
}

// ofASource reports whether it strikes an execution where that works on one source; where it works on all of them every
// night is alike.
func (m mishap) ofASource() bool {
	return m.is(aborted, runAborted, serviceError) && !strings.HasPrefix(m.boundary, "nightly-")
}

// chaos knows every boundary of a night by name, and lets a few things go wrong.
type chaos struct {
	due []mishap

	mu       sync.Mutex
	armed    bool
	struck   []mishap
	times    map[string]int
	possible []mishap // all that could have gone wrong
}

func newChaos(due ...mishap) *chaos { return &chaos{due: due, times: map[string]int{}} }

// arm begins or ends the numbering.
func (c *chaos) arm(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = on
}

// reach is called at every boundary with what may go wrong there, and says what
// does; "" is nothing. The same name again is another boundary.
func (c *chaos) reach(name string, kinds ...kind) kind {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.armed {
		return ""
	}
	c.times[name]++
	name = fmt.Sprintf("%s #%d", name, c.times[name])
	var strikes kind
	for _, k := range kinds {
		m := mishap{name, k}
		c.possible = append(c.possible, m)
		if strikes == "" && slices.Contains(c.due, m) {
			strikes, c.struck = k, append(c.struck, m)
		}
	}
	return strikes
}

// boundaries are how many there were.
func (c *chaos) boundaries() int {
	names := map[string]bool{}
	for _, m := range c.possible {
		names[m.boundary] = true
	}
	return len(names)
}
