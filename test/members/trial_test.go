package members

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// trial is the trying of one action.
type trial struct {
	t               *testing.T
	service, action string
	all             []member
	byKey           map[string]member
}

func newTrial(t *testing.T, service, action string) *trial {
	r := &trial{t: t, service: service, action: action, byKey: map[string]member{}}
	r.all = members(inputOf(clients[service](&world{}), action).Type())
	for _, m := range r.all {
		r.byKey[r.key(&m)] = m
	}
	return r
}

// attempt is a request with one value of a member, and what came of it.
type attempt struct {
	value any
	shows []string // what the action answers and then everything that is shown, up to the first difference
	err   error
	more  bool // further values are known
}

// player makes the i-th attempt at a member, and stops looking at the first difference from base. Without a member
// it makes the base request; before the first attempt, at -1, that to which the member is added.
type player func(m *member, i int, base []string) attempt

// reads tells whether the action only reads: then one world serves all its requests, and what it answers
// is all there is to see.
func (r *trial) reads() bool {
	if r.key(nil) == "ebs.ListSnapshotBlocks" { // It voids what was listed before.
		return false
	}
	verbs := []string{"Describe", "Get", "List"}
	return slices.ContainsFunc(verbs, func(verb string) bool { return strings.HasPrefix(r.action, verb) })
}

func (r *trial) verdicts() (verdicts map[string]verdict) {
	if !r.reads() {
		return r.judge(r.write, r.named())
	}
	crowded(r.t, func(w *world) {
		play := func(m *member, i int, _ []string) attempt { return r.read(w, m, i) }
		verdicts = r.judge(play, nil)
	})
	return verdicts
}

// judge tries every member that is not refused by name already.
func (r *trial) judge(play player, named map[string]bool) map[string]verdict {
	verdicts := map[string]verdict{}
	base := play(nil, 0, nil)
	if base.err != nil {
		r.t.Fatalf("the request that is to succeed: %v", base.err)
	}
	if again := play(nil, 0, nil); !slices.Equal(again.shows, base.shows) {
		r.t.Fatalf("the same request shows different things (-first +second):\n%s", cmp.Diff(base.shows, again.shows))
	}
	befores := map[string][]string{r.key(nil): base.shows}
	for _, m := range r.all {
		if named[m.String()] {
			verdicts[m.String()] = refused
			continue
		}
		kind := r.kind(&m)
		if befores[kind] == nil {
			befores[kind] = play(&m, -1, nil).shows
		}
		verdicts[m.String()] = r.verdict(m, befores[kind], play)
	}
	return verdicts
}

func (r *trial) verdict(m member, before []string, play player) verdict {
	if inWords(r.key(&m)) != "" {
		play = once(play)
	}
	v, a := r.try(m, before, play)
	reason := unseen[r.key(&m)]
	switch {
	case v == untaken && inWords(r.key(&m)) != "":
		return denied
	case reason != "" && v == dropped:
		return without
	case reason != "":
		r.t.Errorf("%s is said to be without effect, and is not", m)
	case v == dropped:
		r.t.Errorf("%s is dropped: %v changes nothing", m, a.value)
	case v == untaken:
		r.t.Errorf("no value of %s is taken: %v: %s", m, a.value, text(nil, a.err))
	}
	return v
}

// once makes the first attempt alone.
func once(play player) player {
	return func(m *member, i int, base []string) attempt {
		a := play(m, i, base)
		a.more = false
		return a
	}
}

// try plays every value until one shows. One with a single value that is accepted while others are refused says
// nothing but what holds anyhow.
func (r *trial) try(m member, base []string, play player) (verdict, attempt) {
	accepted := 0
	for i := 0; ; i++ {
		a := play(&m, i, base)
		switch {
		case byName(a.err):
			return refused, a
		case a.shown(m, base):
			return shown, a
		case a.err == nil:
			accepted++
		}
		if !a.more {
			return a.last(accepted, i > 0), a
		}
	}
}

// shown tells whether the attempt differs from the request without the member, or is refused for what it says.
func (a attempt) shown(m member, base []string) bool {
	if a.err == nil {
		return !slices.Equal(a.shows, base)
	}
	return isDry(a.err) || speaks(a.err, m, a.value) || len(a.shows) > 0 && moreOf(a.shows[0], base)
}

// last is the verdict after the last of the values, of which so many were accepted.
func (a attempt) last(accepted int, several bool) verdict {
	switch {
	case accepted == 0:
		return untaken
	case accepted == 1 && several && reflect.TypeOf(a.value) != reflect.TypeFor[int]():
		return shown
	}
	return dropped
}

// key is a member's name among all; without a member the action's.
func (r *trial) key(m *member) string {
	if m == nil {
		return r.service + "." + r.action
	}
	return r.service + "." + r.action + "." + m.String()
}

// base is the name of the request to which a member is added: that of the action, or of the longest part of the
// member's path that has one.
func (r *trial) base(m *member) string {
	key := r.key(m)
	for bases[key] == nil && key != r.key(nil) {
		if element, ok := strings.CutSuffix(key, "[]"); ok {
			key = element
			continue
		}
		key = key[:max(strings.LastIndex(key, "."), len(r.key(nil)))]
	}
	return key
}

// kind names the request to which a member is added.
func (r *trial) kind(m *member) string {
	kind := r.base(m)
	for _, c := range companions {
		if path := c.path(r.key(m)); path != "" && path != r.key(m) {
			kind += " " + path
		}
	}
	return kind
}

// input is the request to which a member is added, with what the member needs beside it.
func (r *trial) input(w *world, m *member) reflect.Value { return r.inputOn(w, m, r.base(m)) }

// inputOn is that of the request of a name.
func (r *trial) inputOn(w *world, m *member, name string) reflect.Value {
	input := inputOf(clients[r.service](w), r.action)
	if base := bases[name]; base != nil {
		input = reflect.ValueOf(base(w))
	}
	if m == nil {
		return input
	}
	for _, c := range companions {
		path := c.path(r.key(m))
		if path == r.key(m) {
			continue
		}
		if beside, ok := r.byKey[path]; ok && beside.empty(input) {
			beside.set(input, c.value(w, r.key(nil)))
		}
	}
	return input
}

// values are a member's samples, those the test knows to be of use or any, but for what the request has already.
func (r *trial) values(w *world, m member) []any {
	values := m.samples()
	if f, ok := filtered[r.key(nil)]; ok && m.last() == "Values" {
		values = []any{f.value}
	}
	for _, key := range []string{r.key(&m), m.String(), m.last()} {
		if known, ok := hints[key]; ok {
			values = known(w)
			break
		}
	}
	values = slices.DeleteFunc(slices.Clone(values), func(v any) bool { return m.has(r.input(w, &m), v) })
	if len(values) == 0 {
		r.t.Fatalf("%s: no value of a %s is known but what the request has already", m, m.typ)
	}
	return values
}

// prepare is the request of an attempt.
func (r *trial) prepare(w *world, m *member, i int) (reflect.Value, attempt) {
	input := r.input(w, m)
	if m == nil || i < 0 {
		return input, attempt{}
	}
	values := r.values(w, *m)
	m.set(input, values[i])
	return input, attempt{value: values[i], more: i < len(values)-1}
}

func (r *trial) read(w *world, m *member, i int) attempt {
	input, a := r.prepare(w, m, i)
	out, err := call(clients[r.service](w), r.action, input.Interface())
	a.shows, a.err = []string{text(out, err)}, err
	return a
}

// write makes the call twice, in a world of its own, and looks at everything.
func (r *trial) write(m *member, i int, base []string) (a attempt) {
	within(r.t, r.service, func(w *world) {
		var shows []string
		differs := func(out any, err error) bool {
			shows = append(shows, text(out, err))
			n := len(shows)
			return n <= len(base) && shows[n-1] != base[n-1]
		}
		defer func() { a.shows = shows }()
		for range 2 {
			first := a.err
			input, again := r.prepare(w, m, i) // The client writes a token of its own into an input.
			out, err := call(clients[r.service](w), r.action, input.Interface())
			a = again
			if a.err = err; len(shows) > 0 {
				a.err = first
			}
			if differs(out, err) {
				return
			}
			time.Sleep(10 * time.Minute)
		}
		for _, look := range looks {
			if differs(look(w)) {
				return
			}
		}
	})
	return a
}

// named are the members refused by name beside whatever the action's requests say. Such a request has no effect, so
// one world is enough.
func (r *trial) named() map[string]bool {
	named := map[string]bool{}
	within(r.t, r.service, func(w *world) {
		for _, m := range r.all {
			named[m.String()] = r.namedBeside(w, &m)
		}
	})
	return named
}

func (r *trial) namedBeside(w *world, m *member) bool {
	if !m.named(r.read(w, m, 0).err) {
		return false
	}
	for name := range bases {
		if name != r.key(nil) && !strings.HasPrefix(name, r.key(nil)+".") {
			continue
		}
		input := r.inputOn(w, m, name)
		m.set(input, r.values(w, *m)[0])
		if _, err := call(clients[r.service](w), r.action, input.Interface()); !m.named(err) {
			return false // Elsewhere it is refused for what stands beside it, or not at all.
		}
	}
	return true
}

// named tells whether an error refuses the member, by its name, as one that is not modelled.
func (m member) named(err error) bool {
	if !byName(err) {
		return false
	}
	said, last := strings.ToLower(err.Error()), strings.ToLower(m.last())
	// A list's name in a request is mostly that of an element.
	return slices.ContainsFunc([]string{last, strings.TrimSuffix(last, "s"), strings.TrimSuffix(last, "es")},
		func(name string) bool { return strings.Contains(said, name) })
}

// byName tells whether an error refuses a member as one that is not modelled.
func byName(err error) bool {
	known, ok := errors.AsType[smithy.APIError](err)
	return ok && (known.ErrorCode() == "UnknownParameter" ||
		strings.Contains(known.ErrorMessage(), "is not modelled by the embedded AWS"))
}

// moreOf tells whether a refusal has something beside the code and the words of that of the base request.
func moreOf(refusal string, base []string) bool {
	said, _, has := strings.Cut(refusal, beside)
	return has && len(base) > 0 && base[0] == said
}

func isDry(err error) bool {
	known, ok := errors.AsType[smithy.APIError](err)
	return ok && known.ErrorCode() == "DryRunOperation"
}

// speaks tells whether a refusal is about the value: the service has looked at it.
func speaks(err error, m member, value any) bool {
	known, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	said, text := known.ErrorCode()+" "+known.ErrorMessage(), fmt.Sprint(value)
	if len(text) > 3 && strings.Contains(said, text) {
		return true
	}
	return strings.Contains(strings.ToLower(strings.ReplaceAll(said, " ", "")), strings.ToLower(m.last()))
}
