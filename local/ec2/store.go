package ec2

import (
	"cmp"
	"slices"
	"time"
)

// store holds the resources of one kind in the order of their creation, with
// as much of their past as late describes may show.
type store[T any] struct {
	keep   time.Duration
	byID   map[string]*entry[T]
	order  []*entry[T]
	index  map[string][]*entry[T] // under "filter=value" keys; may hold more than match, never fewer
	serial uint64
}

type entry[T any] struct {
	id     string
	serial uint64
	past   []moment[T] // oldest first; the last is the present
	gone   time.Time
	keys   []string
}

type moment[T any] struct {
	since time.Time
	value *T
}

func newStore[T any](keep time.Duration) *store[T] {
	return &store[T]{keep: keep, byID: map[string]*entry[T]{}, index: map[string][]*entry[T]{}}
}

// get is the present value, or nil.
func (s *store[T]) get(id string) *T {
	e := s.byID[id]
	if e == nil || !e.gone.IsZero() {
		return nil
	}
	return e.past[len(e.past)-1].value
}

// at is the value at a time, or nil when it was not there.
func (e *entry[T]) at(when time.Time) *T {
	if !e.gone.IsZero() && !e.gone.After(when) {
		return nil
	}
	for i := len(e.past) - 1; i >= 0; i-- {
		if !e.past[i].since.After(when) {
			return e.past[i].value
		}
	}
	return nil
}

func (s *store[T]) add(now time.Time, id string, value *T, keys ...string) {
	s.serial++
	e := &entry[T]{id: id, serial: s.serial, past: []moment[T]{{now, value}}}
	s.byID[id] = e
	s.order = append(s.order, e)
	s.file(id, keys...)
}

// put adds a resource, or gives the one there another value.
func (s *store[T]) put(now time.Time, id string, value *T) {
	if s.get(id) != nil {
		s.change(now, id, func(v *T) { *v = *value })
		return
	}
	s.revive(id)
	s.add(now, id, value)
}

// revive lets a resource that was removed be added again; late describes no longer see it as it was.
func (s *store[T]) revive(id string) {
	if s.byID[id] != nil {
		s.forget(id)
	}
}

// file puts the resource into the index under more keys.
func (s *store[T]) file(id string, keys ...string) {
	e := s.byID[id]
	for _, key := range keys {
		list := s.index[key]
		at, there := slices.BinarySearchFunc(list, e.serial, bySerial[T])
		if !there {
			s.index[key] = slices.Insert(list, at, e)
			e.keys = append(e.keys, key)
		}
	}
}

func bySerial[T any](e *entry[T], serial uint64) int { return cmp.Compare(e.serial, serial) }

// change edits a resource. What a late describe still sees is left alone, so
// slices and maps inside T must be replaced, not edited.
func (s *store[T]) change(now time.Time, id string, edit func(*T)) {
	e := s.byID[id]
	last := &e.past[len(e.past)-1]
	if s.keep == 0 || !last.since.Before(now) {
		edit(last.value)
		return
	}
	next := *last.value
	edit(&next)
	e.past = append(e.past, moment[T]{now, &next})
	seen := now.Add(-s.keep)
	for len(e.past) > 1 && !e.past[1].since.After(seen) {
		e.past = e.past[1:]
	}
}

// remove takes a resource away from now on; forget must follow when no describe is that late.
func (s *store[T]) remove(now time.Time, id string) {
	s.byID[id].gone = now
}

func (s *store[T]) forget(id string) {
	e := s.byID[id]
	delete(s.byID, id)
	s.order = without(s.order, e)
	for _, key := range e.keys {
		if s.index[key] = without(s.index[key], e); len(s.index[key]) == 0 {
			delete(s.index, key)
		}
	}
}

func without[T any](list []*entry[T], e *entry[T]) []*entry[T] {
	if at, there := slices.BinarySearchFunc(list, e.serial, bySerial[T]); there {
		return slices.Delete(list, at, at+1)
	}
	return list
}

// present yields every resource that is there now, in the order of creation.
func (s *store[T]) present(yield func(string, *T) bool) {
	for _, e := range s.order {
		if v := s.get(e.id); v != nil && !yield(e.id, v) {
			return
		}
	}
}

// drop removes a resource now and forgets it once no describe can be that late.
func drop[T any](w *World, s *store[T], id string) {
	s.remove(w.now, id)
	if s.keep == 0 {
		s.forget(id)
		return
	}
	e := s.byID[id]
	w.after(s.keep, func() {
		if s.byID[id] == e {
			s.forget(id)
		}
	})
}
