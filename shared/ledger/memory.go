package ledger

import (
	"context"
	"crypto/rand"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"goldsmith/shared/job"
)

// Memory is the ledger of a rehearsal. It does what Dynamo does, but forgets
// nothing. It is safe for concurrent use and shares no memory with its callers.
type Memory struct {
	mu         sync.Mutex
	partitions map[string]map[string]row
}

// NewMemory is an empty ledger.
func NewMemory() *Memory { return &Memory{partitions: map[string]map[string]row{}} }

// Lose forgets everything, as a table that was deleted and is made anew.
func (m *Memory) Lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.partitions = map[string]map[string]row{}
}

// Claim implements Ledger.
func (m *Memory) Claim(ctx context.Context, c Claim) (Claim, error) {
	c = c.inUTC()
	doc, err := encode(c)
	if err != nil {
		return Claim{}, err
	}
	held := row{holder: c.Run, doc: doc}
	err = m.change(ctx, claimKey(c.Source), func(old row, exists bool) (row, bool) {
		if exists {
			held = old
		}
		return held, true
	})
	if err != nil {
		return Claim{}, err
	}
	return heldBy(c.Run, held.doc)
}

// Record implements Ledger.
func (m *Memory) Record(ctx context.Context, c Claim) error {
	doc, err := encode(c.inUTC())
	if err != nil {
		return err
	}
	mine := false
	err = m.change(ctx, claimKey(c.Source), func(old row, exists bool) (row, bool) {
		if mine = exists && old.holder == c.Run; mine {
			old.doc = doc
		}
		return old, exists
	})
	if err == nil && !mine {
		err = &LostError{Source: c.Source, Run: c.Run}
	}
	return err
}

// Drop implements Ledger.
func (m *Memory) Drop(ctx context.Context, source, run string) error {
	return m.remove(ctx, claimKey(source), run)
}

// DropUnstopped implements Ledger.
func (m *Memory) DropUnstopped(ctx context.Context, source, run string) (dropped bool, err error) {
	err = m.change(ctx, claimKey(source), func(old row, exists bool) (row, bool) {
		mine := exists && old.holder == run
		dropped = !mine || !slices.ContainsFunc([]string{stopNoted, standbyNoted, hookNoted},
			func(noted string) bool { return strings.Contains(string(old.doc), noted) })
		return old, exists && (!mine || !dropped)
	})
	return dropped, err
}

// Claims implements Ledger.
func (m *Memory) Claims(ctx context.Context) iter.Seq2[Claim, error] {
	return claimsOf(m.docs(ctx, claims, ""))
}

// Take implements Ledger.
func (m *Memory) Take(ctx context.Context, s Slot, before time.Time) (mine bool, err error) {
	s = s.inUTC()
	doc, err := encode(s)
	if err != nil {
		return false, err
	}
	err = m.change(ctx, slotKey(s), func(old row, exists bool) (row, bool) {
		if mine = !exists || old.holder == s.holder() || old.taken.UnixMilli() < before.UnixMilli(); mine {
			return row{holder: s.holder(), doc: doc, taken: s.Since}, true
		}
		return old, true
	})
	return mine, err
}

// Free implements Ledger.
func (m *Memory) Free(ctx context.Context, s Slot) error {
	return m.remove(ctx, slotKey(s), s.holder())
}

// Slots implements Ledger.
func (m *Memory) Slots(ctx context.Context, plan string) iter.Seq2[Slot, error] {
	return each[Slot](m.docs(ctx, slots, slotsOf(plan)))
}

// Await implements Ledger.
func (m *Memory) Await(ctx context.Context, w Wait) error {
	return m.put(ctx, waitKey(w), w.Token, w.inUTC())
}

// Waits implements Ledger.
func (m *Memory) Waits(ctx context.Context, resource string) ([]Wait, error) {
	return collect(each[Wait](m.docs(ctx, waits(resource), "")))
}

// Done implements Ledger.
func (m *Memory) Done(ctx context.Context, w Wait) error {
	return m.remove(ctx, waitKey(w), w.Token)
}

// PutResult implements Ledger.
func (m *Memory) PutResult(ctx context.Context, r job.Result) error {
	return m.put(ctx, resultKey(r.Run, r.Source), "", resultInUTC(r))
}

// Results implements Ledger.
func (m *Memory) Results(ctx context.Context, run string) iter.Seq2[job.Result, error] {
	return each[job.Result](m.docs(ctx, results(run), ""))
}

// PutRetirement implements Ledger.
func (m *Memory) PutRetirement(ctx context.Context, r job.Retirement) error {
	return m.put(ctx, retirementKey(r.Plan, r.Subject), "", retirementInUTC(r))
}

// Retirements implements Ledger.
func (m *Memory) Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error] {
	return each[job.Retirement](m.docs(ctx, retirements(plan), ""))
}

// PutRun implements Ledger.
func (m *Memory) PutRun(ctx context.Context, r Run) error {
	return m.put(ctx, runKey(r.Name), "", r.inUTC())
}

// GetRun implements Ledger.
func (m *Memory) GetRun(ctx context.Context, name string) (r Run, ok bool, err error) {
	var stored row
	err = m.change(ctx, runKey(name), func(old row, exists bool) (row, bool) {
		stored, ok = old, exists
		return old, exists
	})
	if err != nil || !ok {
		return Run{}, false, err
	}
	r, err = toldRun(name, stored.doc, stored.told)
	return r, err == nil, err
}

// Notifying implements Ledger.
func (m *Memory) Notifying(ctx context.Context, run string, at time.Time) (mine bool, err error) {
	at = at.UTC().Truncate(time.Millisecond)
	err = m.change(ctx, runKey(run), func(old row, exists bool) (row, bool) {
		if mine = old.told.IsZero() && (old.telling.IsZero() || !old.telling.After(at.Add(-Notifier))); mine {
			old.telling = at
		}
		return old, exists || mine
	})
	return mine, err
}

// Notified implements Ledger.
func (m *Memory) Notified(ctx context.Context, run string, at time.Time) (first bool, err error) {
	toUTC(&at)
	err = m.change(ctx, runKey(run), func(old row, _ bool) (row, bool) {
		if first = old.told.IsZero(); first {
			old.told = at
		}
		return old, true
	})
	return first, err
}

// GetRequest implements Ledger.
func (m *Memory) GetRequest(ctx context.Context, source string) (r Request, ok bool, err error) {
	var stored row
	err = m.change(ctx, requestKey(source), func(old row, exists bool) (row, bool) {
		stored, ok = old, exists
		return old, exists
	})
	if err != nil || !ok {
		return Request{}, false, err
	}
	r, err = decode[Request](stored.doc)
	return r, err == nil, err
}

// PutRequest implements Ledger.
func (m *Memory) PutRequest(ctx context.Context, r Request) (Request, error) {
	r, known := r.inUTC(), r.Revision
	r.Revision = rand.Text()
	doc, err := encode(r)
	if err != nil {
		return r, err
	}
	mine, err := m.revise(ctx, requestKey(r.Source), doc, known, r.Revision)
	if err == nil && !mine {
		err = &MovedError{Source: r.Source, ID: "its request"}
	}
	return r, err
}

// Requests implements Ledger.
func (m *Memory) Requests(ctx context.Context) iter.Seq2[Request, error] {
	return each[Request](m.docs(ctx, requests, ""))
}

// DropRequest implements Ledger.
func (m *Memory) DropRequest(ctx context.Context, r Request) error {
	return m.remove(ctx, requestKey(r.Source), r.Revision)
}

// Targets implements Ledger.
func (m *Memory) Targets(ctx context.Context, source string) iter.Seq2[TargetRecord, error] {
	return each[TargetRecord](m.docs(ctx, targets(source), ""))
}

// Held implements Ledger.
func (m *Memory) Held(ctx context.Context) iter.Seq2[TargetRecord, error] {
	return each[TargetRecord](m.docs(ctx, held, ""))
}

// PutTarget implements Ledger.
func (m *Memory) PutTarget(ctx context.Context, t TargetRecord) (TargetRecord, error) {
	t, known := t.inUTC(), t.Revision
	t.Revision = rand.Text()
	doc, err := encode(t)
	if err != nil {
		return t, err
	}
	if t.Held() {
		if err := m.change(ctx, heldKey(t), func(row, bool) (row, bool) { return row{doc: doc}, true }); err != nil {
			return t, err
		}
	}
	mine, err := m.revise(ctx, targetKey(t.Source, t.ID), doc, known, t.Revision)
	if err == nil && !mine {
		err = &MovedError{Source: t.Source, ID: t.ID}
	}
	return t, err
}
