// Package inject makes calls of the embedded AWS go wrong.
package inject

import (
	"slices"
	"sync"
	"time"

	"goldsmith/local/bucket"
)

// Fault is something that goes wrong. Action, Resource, Nth, Times, Chance and Until
// say when; the other fields say what, and may be combined.
type Fault struct {
	Action   string    // empty: any
	Resource string    // an id the call names, of EC2; empty: any
	Nth      []int     // which of the matching calls, from 1; empty: all
	Times    int       // how many of them; 0: all. The next fault's calls come after them
	Chance   float64   // of a matching call, in (0,1]; 0 means 1
	Until    time.Time // nothing goes wrong from then on; zero: for ever

	Code    string // the call fails with this error, before it has any effect ...
	After   bool   // ... or after it
	Message string // of the error or the reason
	Status  int    // HTTP status of the error; 0: 400, or what the code always has
	Drop    bool   // the call has its effect and the connection breaks

	PerSecond float64 // more matching calls than this get RequestLimitExceeded

	// What follows is EC2's alone.

	// Of StopInstances: the instance stays in stopping, until it is forced.
	Stuck bool
	// Of StopInstances: the instance stays in stopping, even when it is forced.
	Wedged bool
	// Of StartInstances and RunInstances: the call succeeds and the instance falls back to
	// stopped, or is terminated, with this code and Message as its StateReason.
	StartReason string
	// Of StartInstances: the call succeeds, neither starts the instance nor names it in its answer, and starts the others.
	Unnamed bool
	// Of RunInstances: the instance runs and its instance status check fails.
	Impaired bool
	// Of CreateImage, RegisterImage and CopyImage, by the instance or image
	// they name: the image ends failed, error or invalid, with Code left empty
	// and Message as its StateReason.
	ImageState string
	// Of the same: the image is available, then pending again for this long.
	PendingAgain time.Duration
	// Of CreateImage: its snapshots appear in state error, with Message, and the image ends failed.
	SnapshotError bool
	// Of DeregisterImage: the image goes, and each of its snapshots stays with this code.
	SnapshotReturn string
	// Of StartInstances, StopInstances and CreateImage: it takes this much longer.
	Delay time.Duration
}

// Throttled is the code of a call that was one too many within a second.
const Throttled = "RequestLimitExceeded"

// Set are the faults of an account's service, or of all. Its zero value has none. It is safe for concurrent use.
type Set struct {
	mu     sync.Mutex
	faults []*counted
}

type counted struct {
	Fault
	calls, struck int
	rate          bucket.Set // of PerSecond
}

// Call is a call that may go wrong.
type Call struct {
	Action string
	Named  []string // the ids that it names
	At     time.Time
	// Chance is the draw for a kind of fault, in [0,1); nil for a Set without faults of chance.
	Chance func(kind string) float64
}

// Inject adds a fault.
func (s *Set) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := &counted{Fault: f}
	if f.PerSecond > 0 {
		added.rate = bucket.Set{}
	}
	s.faults = append(s.faults, added)
}

// Forget takes back the faults of an action.
func (s *Set) Forget(action string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(f *counted) bool { return f.Action == action })
}

// Empty reports whether there is no fault at all.
func (s *Set) Empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.faults) == 0
}

// Strike are the faults that strike a call, in the order in which they were injected. Asking counts the call.
func (s *Set) Strike(c Call) Struck {
	s.mu.Lock()
	defer s.mu.Unlock()
	var striking Struck
	limited := false // by a fault of so many calls, whose turn it is
	for _, f := range s.faults {
		if !f.about(c) || f.Times > 0 && (limited || f.struck >= f.Times) || !f.counts(c) {
			continue
		}
		f.struck++
		limited = limited || f.Times > 0
		striking = append(striking, f.at(c.At))
	}
	return striking
}

func (f *counted) about(c Call) bool {
	return (f.Action == "" || f.Action == c.Action) && (f.Resource == "" || slices.Contains(c.Named, f.Resource)) &&
		(f.Until.IsZero() || c.At.Before(f.Until))
}

// counts counts a call that a fault is about, and reports whether it is one that it strikes.
func (f *counted) counts(c Call) bool {
	f.calls++
	return (len(f.Nth) == 0 || slices.Contains(f.Nth, f.calls)) &&
		(f.Chance == 0 || c.Chance("fault/"+f.Code+f.ImageState) < f.Chance)
}

// at is what a fault does to the call of a moment: one of so many calls a second throttles those beyond them.
func (f *counted) at(now time.Time) Fault {
	if f.rate == nil {
		return f.Fault
	}
	made := f.Fault
	if !f.rate.Take("", bucket.Of(max(1, f.PerSecond), f.PerSecond), now, 1) {
		made.Code, made.After = Throttled, false
	}
	return made
}

// Struck are the faults of one call.
type Struck []Fault

// Before is the fault that keeps the call from having any effect.
func (s Struck) Before() (Fault, bool) {
	return s.first(func(f Fault) bool { return f.Code != "" && !f.After })
}

// After is the fault that takes the answer of a call that had its effect: Drop, or a Code.
func (s Struck) After() (Fault, bool) {
	return s.first(func(f Fault) bool { return f.Drop || f.Code != "" && f.After })
}

// Of is the first fault of a resource that has something.
func (s Struck) Of(id string, has func(Fault) bool) (Fault, bool) {
	return s.first(func(f Fault) bool { return (f.Resource == "" || f.Resource == id) && has(f) })
}

func (s Struck) first(has func(Fault) bool) (Fault, bool) {
	at := slices.IndexFunc(s, has)
	if at < 0 {
		return Fault{}, false
	}
	return s[at], true
}
