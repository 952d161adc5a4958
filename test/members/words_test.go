package members

import (
	"reflect"
	"testing"
)

// notAWord is in no enumeration.
const notAWord = "no-such-word"

// enumerated tells whether a member's values are those of an enumeration.
func (m member) enumerated() bool {
	return m.typ.Kind() == reflect.String && reflect.New(m.typ).Elem().MethodByName("Values").IsValid()
}

// unvalidated tells whether a member is a launch template's, which EC2 does not validate before it is launched (User
// Guide, "Create an Amazon EC2 launch template").
func unvalidated(m member) bool { return m.path[0].field == "LaunchTemplateData" }

// TestWordsOfNoEnumerationAreRefused sends each member that is an enumeration a word that is none of its.
func TestWordsOfNoEnumerationAreRefused(t *testing.T) {
	for name := range clients {
		for _, action := range modelled(t, name) {
			r := newTrial(t, name, action)
			for _, m := range r.all {
				if !m.enumerated() || unvalidated(m) {
					continue
				}
				within(t, name, func(w *world) {
					input := r.input(w, &m)
					m.set(input, notAWord)
					if _, err := call(clients[name](w), action, input.Interface()); err == nil {
						t.Errorf("%s takes %q", r.key(&m), notAWord)
					}
				})
			}
		}
	}
}
