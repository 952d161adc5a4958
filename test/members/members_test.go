package members

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/embedded-aws.md")

const pagePath = "../../docs/embedded-aws.md"

// TestNothingIsDropped sends each member of each modelled action's input, by itself beside a
// request that is whole, and looks for a difference in everything the embedded AWS shows.
func TestNothingIsDropped(t *testing.T) {
	services := map[string]found{}
	for name := range clients {
		services[name] = found{}
		for _, action := range modelled(t, name) {
			t.Run(name+"/"+action, func(t *testing.T) {
				services[name][action] = (&trial{t: t, service: name, action: action}).verdicts()
			})
		}
	}
	if t.Failed() || flag.Lookup("test.run").Value.String() != "" && !*update {
		return
	}
	want := page(services)
	if *update {
		if err := os.WriteFile(pagePath, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/embedded-aws.md is not what the test finds (-want +got); run go test ./test/members -update\n%s", diff)
	}
}

// modelled are the actions that the embedded service has.
func modelled(t *testing.T, service string) []string {
	t.Helper()
	var names []string
	within(t, func(w *world) {
		client := clients[service](w)
		for _, action := range actions(client) {
			_, err := call(client, action, inputOf(client, action).Interface())
			known, ok := errors.AsType[smithy.APIError](err)
			if !ok || !slices.Contains([]string{"InvalidAction", "UnknownOperationException"}, known.ErrorCode()) {
				names = append(names, action)
			}
		}
	})
	return names
}

// trial is the trying of one action.
type trial struct {
	t               *testing.T
	service, action string
	base            string // what is shown after a call of the base input
}

func (r *trial) verdicts() map[string]verdict {
	var all []member
	within(r.t, func(w *world) {
		all = members(reflect.TypeOf(r.input(w).Interface()))
		if _, err := call(clients[r.service](w), r.action, r.input(w).Interface()); err != nil {
			r.t.Errorf("the request that is to succeed: %v", err)
		}
	})
	if r.t.Failed() {
		return nil
	}
	r.base, _ = r.play(func(*world) any { return nil }, member{})
	if again, _ := r.play(func(*world) any { return nil }, member{}); again != r.base {
		r.t.Fatalf("the same request shows different things (-first +second):\n%s", cmp.Diff(strings.Split(r.base, "\n"), strings.Split(again, "\n")))
	}
	refusals := r.refusals(all)
	verdicts := map[string]verdict{}
	for _, m := range all {
		switch why := refusals[m.String()]; {
		case why:
			verdicts[m.String()] = refused
		default:
			v, accepted := r.try(m)
			if verdicts[m.String()] = v; v == dropped {
				r.t.Errorf("%s is dropped: %v changes nothing", m, accepted)
			}
		}
	}
	return verdicts
}

// input is the action's base request.
func (r *trial) input(w *world) reflect.Value {
	if make, ok := bases[r.service+"."+r.action]; ok {
		return reflect.ValueOf(make(w))
	}
	return inputOf(clients[r.service](w), r.action)
}

// values are a member's samples: those the test knows to be of use, or any.
func (r *trial) values(w *world, m member) []any {
	for _, key := range []string{r.action + "." + m.String(), m.String(), m.last()} {
		if values, ok := hints[key]; ok {
			return values(w)
		}
	}
	return m.samples()
}

// refusals are the members refused by name. Such a request has no effect, so one world is enough.
func (r *trial) refusals(all []member) map[string]bool {
	by := map[string]bool{}
	within(r.t, func(w *world) {
		for _, m := range all {
			input := r.input(w)
			values := r.values(w, m)
			if len(values) == 0 {
				r.t.Errorf("%s: no value of a %s is known", m, m.typ)
				continue
			}
			m.set(input, values[0])
			_, err := call(clients[r.service](w), r.action, input.Interface())
			by[m.String()] = named(err, m)
		}
	})
	return by
}

// named tells whether an error refuses a member by its name, which on the wire may lack the plural.
func named(err error, m member) bool {
	known, ok := errors.AsType[smithy.APIError](err)
	return ok && (known.ErrorCode() == "UnknownParameter" || strings.Contains(known.ErrorMessage(), "is not modelled by the embedded AWS"))
}

// try plays every sample until one shows. A member all of whose samples are refused is refused.
func (r *trial) try(m member) (verdict, []any) {
	var accepted []any
	var count int
	within(r.t, func(w *world) { count = len(r.values(w, m)) })
	for i := range count {
		var value any
		after, err := r.play(func(w *world) any {
			value = r.values(w, m)[i]
			return value
		}, m)
		switch {
		case err == nil && after != r.base:
			return shown, nil
		case err == nil:
			accepted = append(accepted, value)
		case isDry(err):
			return shown, nil
		}
	}
	if len(accepted) == 0 {
		return refused, nil
	}
	return dropped, accepted
}

func isDry(err error) bool {
	known, ok := errors.AsType[smithy.APIError](err)
	return ok && known.ErrorCode() == "DryRunOperation"
}

// play makes the call twice, in a world of its own, with a value for a member if there is one,
// and gives everything that is shown then.
func (r *trial) play(value func(*world) any, m member) (after string, err error) {
	within(r.t, func(w *world) {
		var b strings.Builder
		input := r.input(w)
		if v := value(w); v != nil {
			m.set(input, v)
		}
		for i := range 2 {
			out, failed := call(clients[r.service](w), r.action, input.Interface())
			fmt.Fprintln(&b, text(out, failed))
			if i == 0 {
				err = failed
			}
			time.Sleep(10 * time.Minute)
		}
		for _, each := range looks {
			out, err := each(w)
			fmt.Fprintln(&b, text(out, err))
		}
		after = b.String()
	})
	return after, err
}
