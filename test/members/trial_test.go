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
}

// attempt is a request with one value of a member, and what came of it.
type attempt struct {
	value any
	after string // everything that is shown then
	err   error
	more  bool // further values are known
}

// player makes the i-th attempt at a member. Without a member it makes the base request.
type player func(m *member, i int) attempt

// reads tells whether the action only reads: then one world serves all its requests, and what it answers
// is all there is to see.
func (r *trial) reads() bool {
	verbs := []string{"Describe", "Get", "List"}
	return slices.ContainsFunc(verbs, func(verb string) bool { return strings.HasPrefix(r.action, verb) })
}

func (r *trial) verdicts() (verdicts map[string]verdict) {
	if !r.reads() {
		return r.judge(r.write, r.named())
	}
	crowded(r.t, func(w *world) {
		verdicts = r.judge(func(m *member, i int) attempt { return r.read(w, m, i) }, nil)
	})
	return verdicts
}

// judge tries every member that is not refused by name already.
func (r *trial) judge(play player, named map[string]bool) map[string]verdict {
	verdicts := map[string]verdict{}
	base := play(nil, 0)
	if base.err != nil {
		r.t.Fatalf("the request that is to succeed: %v", base.err)
	}
	if again := play(nil, 0); again.after != base.after {
		diff := cmp.Diff(strings.Split(base.after, "\n"), strings.Split(again.after, "\n"))
		r.t.Fatalf("the same request shows different things (-first +second):\n%s", diff)
	}
	for _, m := range r.members() {
		if named[m.String()] {
			verdicts[m.String()] = refused
			continue
		}
		before := base.after
		if _, other := bases[r.key(&m)]; other {
			before = play(&m, -1).after
		}
		v, accepted := try(m, before, play)
		if unseen[r.key(&m)] != "" {
			v = r.without(m, v)
		}
		if verdicts[m.String()] = v; v == dropped {
			r.t.Errorf("%s is dropped: %v changes nothing", m, accepted)
		}
	}
	return verdicts
}

func (r *trial) without(m member, v verdict) verdict {
	if v != dropped {
		r.t.Errorf("%s is said to be without effect, and is not", m)
	}
	return without
}

// try plays every value until one shows. A member all of whose values are refused is refused. One with a single
// value that is accepted while others are refused says nothing but what holds anyhow.
func try(m member, base string, play player) (verdict, []any) {
	var accepted []any
	for i, more := 0, true; more; i++ {
		a := play(&m, i)
		more = a.more
		switch {
		case a.err == nil && a.after != base, isDry(a.err):
			return shown, nil
		case a.err == nil:
			accepted = append(accepted, a.value)
		case byName(a.err):
			return refused, nil
		case speaks(a.err, m, a.value):
			return shown, nil
		}
		if !more && len(accepted) == 0 {
			if _, msg, ok := strings.Cut(a.err.Error(), "api error "); ok {
				fmt.Println("WORDS", m, a.value, msg)
			}
			return refused, nil
		}
		if !more && len(accepted) == 1 && i > 0 && reflect.TypeOf(a.value) != reflect.TypeFor[int]() {
			return shown, nil
		}
	}
	return dropped, accepted
}

func (r *trial) members() []member {
	return members(inputOf(clients[r.service](&world{}), r.action).Type())
}

// key is a member's name among all; without a member the action's.
func (r *trial) key(m *member) string {
	if m == nil {
		return r.service + "." + r.action
	}
	return r.service + "." + r.action + "." + m.String()
}

// input is the request to which a member is added.
func (r *trial) input(w *world, m *member) reflect.Value {
	for _, key := range []string{r.key(m), r.key(nil)} {
		if base, ok := bases[key]; ok {
			return reflect.ValueOf(base(w))
		}
	}
	return inputOf(clients[r.service](w), r.action)
}

// values are a member's samples, those the test knows to be of use or any, but for what the request has already.
func (r *trial) values(w *world, m member) []any {
	values := m.samples()
	for _, key := range []string{r.key(&m), m.String(), m.last()} {
		if known, ok := hints[key]; ok {
			values = known(w)
			break
		}
	}
	values = slices.DeleteFunc(values, func(v any) bool { return m.has(r.input(w, &m), v) })
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
	a.after, a.err = text(out, err), err
	return a
}

// write makes the call twice, in a world of its own, and looks at everything.
func (r *trial) write(m *member, i int) (a attempt) {
	within(r.t, func(w *world) {
		var b strings.Builder
		var first error
		for n := range 2 {
			var input reflect.Value // The client writes a token of its own into an input.
			input, a = r.prepare(w, m, i)
			out, err := call(clients[r.service](w), r.action, input.Interface())
			fmt.Fprintln(&b, text(out, err))
			if n == 0 {
				first = err
			}
			time.Sleep(10 * time.Minute)
		}
		for _, look := range looks {
			out, err := look(w)
			fmt.Fprintln(&b, text(out, err))
		}
		a.after, a.err = b.String(), first
	})
	return a
}

// named are the members refused by name. Such a request has no effect, so one world is enough.
func (r *trial) named() map[string]bool {
	all, named := r.members(), map[string]bool{}
	within(r.t, func(w *world) {
		for _, m := range all {
			named[m.String()] = byName(r.read(w, &m, 0).err)
		}
	})
	return named
}

// byName tells whether an error refuses a member as one that is not modelled.
func byName(err error) bool {
	known, ok := errors.AsType[smithy.APIError](err)
	return ok && (known.ErrorCode() == "UnknownParameter" || strings.Contains(known.ErrorMessage(), "is not modelled by the embedded AWS"))
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
	said, text := known.ErrorMessage(), fmt.Sprint(value)
	return strings.Contains(said, m.last()) || len(text) > 3 && strings.Contains(said, text)
}
