package steptest

import (
	"fmt"
	"testing"
	"testing/synctest"

	"goldsmith/local/inject"
	"goldsmith/shared/handler"
)

// denied is the code of a call that is denied: no service of AWS is asked again after it.
const denied = "AccessDeniedException"

// Each plays a step as often as it makes calls: each time another one of them is denied, once.
type Each[In, Out any] struct {
	Scene func(*Stage) (handler.Func[In, Out], In)
	Given func(s *Stage, in *In)
	// Noticed looks at what came of it; what is not an error must be told in another way.
	Noticed func(s *Stage, call string, err error, out Out)
	// Between happens before the step runs again.
	Between func(s *Stage)
	// End is all that matters of the account and the ledger, in words, after the step has run some more times. It must
	// be what it is when nothing is denied; nil leaves that out.
	End func(s *Stage) string
}

// rounds are enough for any step to have nothing left to do.
const rounds = 4

// Play plays it.
func (e Each[In, Out]) Play(t *testing.T) {
	t.Helper()
	var calls []string
	var end string
	synctest.Test(t, func(t *testing.T) { calls, end = e.play(New(t), 0, "") })
	for n, call := range calls {
		t.Run(fmt.Sprintf("%02d %s", n+1, call), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(t)
				if _, got := e.play(s, n+1, call); got != end {
					s.Same("what it comes to in the end", got, end)
				}
			})
		})
	}
}

func (e Each[In, Out]) play(s *Stage, deny int, call string) (calls []string, end string) {
	s.Helper()
	step, in := e.Scene(s)
	if e.Given != nil {
		e.Given(s, &in)
	}
	s.journal.disturb(deny, min(deny, 1), inject.Fault{Code: denied})
	out, err := invoke(s, step, in)
	calls = s.journal.calls
	s.journal.disturb(0, 0, inject.Fault{})
	if deny == 0 {
		s.Must(err)
	} else {
		e.Noticed(s, call, err, out)
	}
	if e.End == nil {
		return calls, ""
	}
	for range rounds {
		if e.Between != nil {
			e.Between(s)
		}
		_, err = invoke(s, step, in)
		s.Must(err)
	}
	return calls, e.End(s)
}
