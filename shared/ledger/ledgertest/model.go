package ledgertest

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// model is a ledger in plain maps, beside the one that is tested.
type model struct {
	l       ledger.Ledger
	claims  map[string]ledger.Claim
	slots   map[string]ledger.Slot
	waits   map[string]ledger.Wait
	results map[string]job.Result
	retired map[string]job.Retirement
	runs    map[string]ledger.Run
	asked   map[string]ledger.Request
	targets map[string]ledger.TargetRecord
	// made is by AMI name, open by it too, and ended by id.
	made, ended map[string]ledger.Registration
	open        map[string]bool
}

// testModel makes any sequence of calls, with few names so that they meet, and
// wants the model's answer to each.
func testModel(t *testing.T, open func(*testing.T) ledger.Ledger) {
	rapid.Check(t, func(r *rapid.T) {
		m := model{
			l: open(t), claims: map[string]ledger.Claim{}, slots: map[string]ledger.Slot{}, waits: map[string]ledger.Wait{},
			asked:   map[string]ledger.Request{},
			results: map[string]job.Result{}, retired: map[string]job.Retirement{}, runs: map[string]ledger.Run{},
			targets: map[string]ledger.TargetRecord{},
			made:    map[string]ledger.Registration{}, ended: map[string]ledger.Registration{}, open: map[string]bool{},
		}
		r.Repeat(map[string]func(*rapid.T){
			"Claim": m.claim, "Record": m.record, "Drop": m.drop, "Take": m.take, "Free": m.free, "Slots": m.listSlots,
			"Await": m.await, "Done": m.done,
			"PutResult": m.putResult, "PutRun": m.putRun, "Notified": m.tell,
			"PutRetirement": m.putRetirement, "Retirements": m.listRetirements,
			"Claims": m.listClaims, "Waits": m.listWaits, "Results": m.listResults, "GetRun": m.getRun,
			"PutRequest": m.putRequest, "DropRequest": m.dropRequest, "GetRequest": m.getRequest, "Requests": m.listRequests,
			"PutTarget": m.putTarget, "Targets": m.listTargets,
			"Register": m.register, "Amend": m.amend, "Settle": m.settle, "Retire": m.retire,
			"Registration": m.registration, "Registrations": m.listRegistrations,
		})
	})
}

func (m model) claim(r *rapid.T) {
	c := aClaim(source(r), run(r))
	c.Since = moment(r)
	got, err := m.l.Claim(r.Context(), c)
	stored, taken := m.claims[c.Source]
	if held := (*ledger.HeldError)(nil); taken && stored.Run != c.Run {
		if !errors.As(err, &held) {
			r.Fatalf("got %v, want *Held", err)
		}
		equal(r, "refusal", held.By, stored)
		return
	}
	if !taken {
		stored = c
	}
	m.claims[c.Source] = stored
	check(r, err)
	equal(r, "claim", got, stored)
}

func (m model) record(r *rapid.T) {
	c := aClaim(source(r), run(r))
	c.StopSent = moment(r)
	err := m.l.Record(r.Context(), c)
	if m.claims[c.Source].Run != c.Run {
		if lost := (*ledger.LostError)(nil); !errors.As(err, &lost) {
			r.Fatalf("got %v, want *Lost", err)
		}
		return
	}
	m.claims[c.Source] = c
	check(r, err)
}

func (m model) drop(r *rapid.T) {
	c := ledger.Claim{Source: source(r), Run: run(r)}
	check(r, m.l.Drop(r.Context(), c.Source, c.Run))
	if m.claims[c.Source].Run == c.Run {
		delete(m.claims, c.Source)
	}
}

func (m model) listClaims(r *rapid.T) {
	equal(r, "claims", claimsOf(r, m.l), sorted(m.claims, func(ledger.Claim) bool { return true }))
}

func (m model) take(r *rapid.T) {
	s := aSlot(rapid.SampledFrom([]string{"1", "2"}).Draw(r, "slot"), source(r), run(r))
	s.Plan = rapid.SampledFrom([]string{"night", "nightly"}).Draw(r, "plan")
	s.Since = moment(r).Add(time.Duration(rapid.IntRange(0, 2).Draw(r, "hours later")) * time.Hour)
	before := moment(r).Add(time.Duration(rapid.IntRange(0, 2).Draw(r, "hours before")) * time.Hour)
	stored, taken := m.slots[slotName(s)]
	mine := !taken || stored.Source == s.Source && stored.Run == s.Run || stored.Since.UnixMilli() < before.UnixMilli()
	takes(r, m.l, s, before, mine)
	if mine {
		m.slots[slotName(s)] = s
	}
}

func (m model) free(r *rapid.T) {
	s := aSlot(rapid.SampledFrom([]string{"1", "2"}).Draw(r, "slot"), source(r), run(r))
	s.Plan = rapid.SampledFrom([]string{"night", "nightly"}).Draw(r, "plan")
	check(r, m.l.Free(r.Context(), s))
	if stored := m.slots[slotName(s)]; stored.Source == s.Source && stored.Run == s.Run {
		delete(m.slots, slotName(s))
	}
}

func (m model) listSlots(r *rapid.T) {
	plan := rapid.SampledFrom([]string{"night", "nightly", ""}).Draw(r, "plan")
	equal(r, "slots", listSlots(r, m.l, plan),
		sorted(m.slots, func(s ledger.Slot) bool { return plan == "" || s.Plan == plan }))
}

func (m model) await(r *rapid.T) {
	w := wait(r)
	check(r, m.l.Await(r.Context(), w))
	m.waits[waitName(w)] = w
}

func (m model) done(r *rapid.T) {
	w := wait(r)
	check(r, m.l.Done(r.Context(), w))
	if m.waits[waitName(w)].Token == w.Token {
		delete(m.waits, waitName(w))
	}
}

func (m model) listWaits(r *rapid.T) {
	resource := source(r)
	want := sorted(m.waits, func(w ledger.Wait) bool { return w.Resource == resource })
	equal(r, "waits", waitsOf(r, m.l, resource), want)
}

func (m model) putResult(r *rapid.T) {
	result := aResult(run(r), source(r))
	result.At = moment(r)
	check(r, m.l.PutResult(r.Context(), result))
	m.results[result.Run+" "+result.Source] = result
}

func (m model) listResults(r *rapid.T) {
	name := run(r)
	want := sorted(m.results, func(result job.Result) bool { return result.Run == name })
	equal(r, "results", resultsOf(r, m.l, name), want)
}

func (m model) putRetirement(r *rapid.T) {
	put := aRetirement(run(r), source(r))
	put.Since = moment(r)
	check(r, m.l.PutRetirement(r.Context(), put))
	m.retired[put.Plan+" "+put.Subject] = put
}

func (m model) listRetirements(r *rapid.T) {
	name := run(r)
	want := sorted(m.retired, func(put job.Retirement) bool { return put.Plan == name })
	equal(r, "retirements", retirementsOf(r, m.l, name), want)
}

func (m model) putRun(r *rapid.T) {
	put := ledger.Run{Name: run(r), Plan: "nightly", Scheduled: moment(r)}
	check(r, m.l.PutRun(r.Context(), put))
	put.Told = m.runs[put.Name].Told
	m.runs[put.Name] = put
}

func (m model) getRun(r *rapid.T) {
	name := run(r)
	got, ok, err := m.l.GetRun(r.Context(), name)
	want, exists := m.runs[name]
	check(r, err)
	equal(r, "run", got, want)
	equal(r, "whether the run is known", ok, exists)
}

func (m model) tell(r *rapid.T) {
	name, at := run(r), moment(r)
	first, err := m.l.Notified(r.Context(), name, at)
	told := m.runs[name]
	check(r, err)
	equal(r, "whether it was the first", first, told.Told.IsZero())
	if first {
		told.Name, told.Told = name, at
		m.runs[name] = told
	}
}

// putTarget puts a target as it stands, as one that is not there yet, or as it stood before.
func (m model) putTarget(r *rapid.T) {
	t := aTarget(source(r), rapid.SampledFrom([]string{"lt-1", "lt-12"}).Draw(r, "target"))
	t.Points[0].At = moment(r)
	stored, exists := m.targets[t.Source+" "+t.ID]
	t.Revision = rapid.SampledFrom([]string{stored.Revision, "", "stale"}).Draw(r, "revision")
	got, err := m.l.PutTarget(r.Context(), t)
	if moved := (*ledger.MovedError)(nil); t.Revision != stored.Revision {
		if !errors.As(err, &moved) {
			r.Fatalf("got %v, want *Moved (there is one: %v)", err, exists)
		}
		return
	}
	check(r, err)
	if got.Revision == stored.Revision {
		r.Fatal("a target that was put keeps its revision")
	}
	t.Revision = got.Revision
	equal(r, "target", got, t)
	m.targets[t.Source+" "+t.ID] = t
}

func (m model) listTargets(r *rapid.T) {
	name := source(r)
	equal(r, "targets", targetsOf(r, m.l, name),
		sorted(m.targets, func(t ledger.TargetRecord) bool { return t.Source == name }))
}

func source(r *rapid.T) string {
	return rapid.SampledFrom([]string{"i-1", "i-12", "i-2"}).Draw(r, "source")
}

func run(r *rapid.T) string { return rapid.SampledFrom([]string{"mon", "monday"}).Draw(r, "run") }

func moment(r *rapid.T) time.Time {
	return night.Add(time.Duration(rapid.IntRange(0, 9).Draw(r, "nanoseconds later")))
}

func wait(r *rapid.T) ledger.Wait {
	what := rapid.SampledFrom([]job.For{job.ForRunning, job.ForStopped}).Draw(r, "for")
	return aWait(source(r), what, run(r), rapid.SampledFrom([]string{"old", "new"}).Draw(r, "token"))
}

func waitName(w ledger.Wait) string { return w.Resource + " " + string(w.For) + " " + w.Run }

// sorted are the values that belong, in the order of their names.
func sorted[T any](all map[string]T, belongs func(T) bool) []T {
	var list []T
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if belongs(all[name]) {
			list = append(list, all[name])
		}
	}
	return list
}
