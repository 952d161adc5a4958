package prove_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"goldsmith/cmd/goldsmith/prove"
	"goldsmith/local/account"
)

// killed lets so many calls through that leave something. The next one does what it does, or not, and from then on
// nothing is answered: the program is gone.
type killed struct {
	next  http.Handler
	left  int
	after bool
	dead  bool
	// dies ends what is under way in the program.
	dies context.CancelFunc
}

func (k *killed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !k.dead && leaves(account.Operation(r)) {
		if k.left--; k.left < 0 {
			k.dead = true
			k.dies()
			if k.after {
				k.next.ServeHTTP(httptest.NewRecorder(), r)
			}
		}
	}
	if k.dead {
		panic(http.ErrAbortHandler)
	}
	k.next.ServeHTTP(w, r)
}

// leaves reports whether a call may leave something else behind than the one before it: those that read do not, nor
// those that change what goes with its template, its group or its instance.
func leaves(operation string) bool {
	reads := strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "Get") ||
		strings.HasPrefix(operation, "List")
	return !reads && !slices.Contains([]string{
		"CreateLaunchTemplateVersion", "DeleteLaunchTemplateVersions", "ModifyLaunchTemplate", "StartInstanceRefresh",
		"CreateTags", "DeleteTags", "ExitStandby", "SendCommand",
	}, operation)
}

// Cut off at any call that leaves something behind, before it or after it, nothing stays behind: once it is cleaned, or
// once the run was begun again, which goes on where it was.
func TestKilledAnywhere(t *testing.T) {
	for n, died := 0, true; died; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			play(t, func(s *scene) {
				before := s.there()
				ctx, dies := context.WithCancel(s.Context())
				k := &killed{left: n, after: n%4 < 3, dies: dies}
				s.front = func(next http.Handler) http.Handler {
					k.next = next
					return k
				}
				_, err := s.open().Prove(ctx, func(prove.Finding) {})
				if died = k.dead; died == (err == nil) {
					s.Errorf("cut off %t, and the error is %v", died, err)
				}
				s.front = nil
				dies()
				if n%8 != 5 { // The next start takes as long as the first.
					_, err = s.open().Clean(s.Context())
				} else {
					_, err = s.open().Prove(s.Context(), func(f prove.Finding) {
						if f.Verdict != prove.Held {
							s.Errorf("begun again: %s %s: %s", f.Key, f.Verdict, f.Says)
						}
					})
				}
				s.must(err)
				s.same(before)
			})
		})
	}
}
