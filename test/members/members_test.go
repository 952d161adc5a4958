package members

import (
	"errors"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

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
				services[name][action] = newTrial(t, name, action).verdicts()
			})
		}
	}
	if t.Failed() || strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
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

// TestWhatIsWithoutEffect holds the exceptions to members that exist and are dropped.
func TestWhatIsWithoutEffect(t *testing.T) {
	for key := range unseen {
		service, rest, _ := strings.Cut(key, ".")
		action, _, _ := strings.Cut(rest, ".")
		all := members(inputOf(clients[service](&world{}), action).Type())
		if !slices.ContainsFunc(all, func(m member) bool { return service+"."+action+"."+m.String() == key }) {
			t.Errorf("%s is no member", key)
		}
	}
}

// unknown are the codes of an action that there is none of. STS has two whose requests are not signed, which the
// endpoint refuses for that.
var unknown = []string{"InvalidAction", "UnknownOperationException", "MissingAuthenticationToken"}

// modelled are the actions that the embedded service has.
func modelled(t *testing.T, service string) []string {
	t.Helper()
	var names []string
	within(t, service, func(w *world) {
		client := clients[service](w)
		for _, action := range actions(client) {
			input := inputOf(client, action)
			for _, m := range members(input.Type()) {
				if len(m.path) == 1 && m.typ.Kind() == reflect.String {
					m.set(input, "sample") // Of which the request's path is made.
				}
			}
			_, err := call(client, action, input.Interface())
			known, ok := errors.AsType[smithy.APIError](err)
			if !ok || !slices.Contains(unknown, known.ErrorCode()) {
				names = append(names, action)
			}
		}
	})
	return names
}
