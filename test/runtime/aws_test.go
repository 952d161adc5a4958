package runtime

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// denied is what is in the message of every error of this AWS.
const denied = "nobody may do anything here"

// refusing is an AWS that answers every call with an error: that the caller has
// no permission, in the words of the service, or the code it is set to.
type refusing struct {
	url string

	mu    sync.Mutex
	code  string
	calls []string
}

func newRefusing(t *testing.T) *refusing {
	t.Helper()
	a := &refusing{}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// answer with this code from now on; "" is each service's own for a missing permission.
func (a *refusing) answer(code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.code, a.calls = code, nil
}

// called are the actions asked for since then, one that is asked for again and again once.
func (a *refusing) called() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Compact(slices.Clone(a.calls))
}

// ServeHTTP tells the services apart by their protocol: a header names the
// operation of those that speak JSON, EC2's stands in the form that is its body.
func (a *refusing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // The caller has gone.
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		a.calls = append(a.calls, target[strings.LastIndex(target, ".")+1:])
		writeJSON(w, orElse(a.code, "AccessDeniedException"))
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.calls = append(a.calls, form.Get("Action"))
	writeXML(w, orElse(a.code, "UnauthorizedOperation"))
}

func orElse(code, otherwise string) string {
	if code == "" {
		return otherwise
	}
	return code
}

func writeJSON(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusBadRequest)
	// Writing to a caller that has gone is no error of this one.
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": denied})
}

func writeXML(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w,
		`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>ea966190</RequestID></Response>`, code, denied)
}
