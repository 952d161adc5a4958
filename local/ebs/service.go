// Package ebs is the embedded EBS direct APIs on their real protocol, REST with JSON: snapshots of the
// embedded EC2 can be read and written block by block, so that a disk image can be uploaded with an
// ordinary client. It serves every operation but ListChangedBlocks, which it refuses by name.
package ebs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// Options set a Service up; all are required but Log.
type Options struct {
	Clock *clock.Clock
	EC2   *ec2.World
	Log   *query.Log
}

// Service answers the EBS direct APIs. It is safe for concurrent use.
type Service struct {
	options Options

	mu      sync.Mutex
	calls   uint64
	disks   map[string]content       // by snapshot: what was written to it
	lists   map[string]int           // by snapshot: the number of the last list
	denied  map[string]bool          // keys that may not be used
	started map[string]startedBefore // by client token
}

// New serves the snapshots of an embedded EC2.
func New(o Options) *Service {
	return &Service{
		options: o, disks: map[string]content{}, lists: map[string]int{},
		denied: map[string]bool{}, started: map[string]startedBefore{},
	}
}

// DenyKey takes the permission away to use a KMS key, by its ARN.
func (s *Service) DenyKey(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[arn] = true
}

// call is one request: the parts of its path, and what is logged of it.
type call struct {
	*http.Request
	action   string
	snapshot string
	block    string
	query    url.Values
}

// answer is what is sent back: JSON, or a block's bytes.
type answer struct {
	status int
	header map[string]string
	json   any
	block  []byte
}

// ServeHTTP answers one call and logs it.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := s.options.Clock.Now()
	c := route(r)
	s.mu.Lock()
	s.calls++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012x", s.calls)
	a, err := s.serve(c)
	s.mu.Unlock()
	code := ""
	if err != nil {
		a, code = failed(err)
	}
	if s.options.Log != nil {
		s.options.Log.Add(query.Record{
			Time: at, Service: "ebs", Action: c.action, Caller: r.Header.Get(query.CallerHeader),
			Resources: []string{c.snapshot}, Error: code,
		})
	}
	a.write(w, id)
}

func (a answer) write(w http.ResponseWriter, id string) {
	header, body := w.Header(), a.block
	header.Set("Content-Type", "application/octet-stream")
	if body == nil {
		header.Set("Content-Type", "application/json")
		body, _ = json.Marshal(a.json) // Our own shapes always marshal.
	}
	for key, value := range a.header {
		header.Set(key, value)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Amzn-Requestid", id)
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // A caller that is gone needs no answer.
}

// routes are the operations by method and path (service model, 2019-11-02).
var routes = []struct{ method, path, action string }{
	{http.MethodPost, "snapshots", "StartSnapshot"},
	{http.MethodPost, "snapshots/completion/{snapshot}", "CompleteSnapshot"},
	{http.MethodGet, "snapshots/{snapshot}/blocks", "ListSnapshotBlocks"},
	{http.MethodGet, "snapshots/{snapshot}/changedblocks", "ListChangedBlocks"},
	{http.MethodGet, "snapshots/{snapshot}/blocks/{block}", "GetSnapshotBlock"},
	{http.MethodPut, "snapshots/{snapshot}/blocks/{block}", "PutSnapshotBlock"},
}

// route finds the operation of a request.
func route(r *http.Request) call {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	for _, known := range routes {
		c := call{Request: r, query: r.URL.Query(), action: known.action}
		if known.method == r.Method && c.matches(strings.Split(known.path, "/"), parts) {
			return c
		}
	}
	return call{Request: r}
}

// matches reports whether a path is one of a pattern, and takes what it names.
func (c *call) matches(pattern, parts []string) bool {
	for n := range pattern {
		switch {
		case len(parts) != len(pattern):
			return false
		case pattern[n] == "{snapshot}":
			c.snapshot = parts[n]
		case pattern[n] == "{block}":
			c.block = parts[n]
		case pattern[n] != parts[n]:
			return false
		}
	}
	return true
}

func (s *Service) serve(c call) (answer, error) {
	switch c.action {
	case "StartSnapshot":
		return s.start(c)
	case "PutSnapshotBlock":
		return s.put(c)
	case "CompleteSnapshot":
		return s.complete(c)
	case "ListSnapshotBlocks":
		return s.listBlocks(c)
	case "GetSnapshotBlock":
		return s.get(c)
	case "ListChangedBlocks":
		return answer{}, &Error{http.StatusBadRequest, "UnknownOperationException", "",
			"The embedded EBS direct APIs have no ListChangedBlocks."}
	}
	return answer{}, &Error{http.StatusNotFound, "UnknownOperationException", "", "There is no operation " + c.Method +
		" " + c.URL.Path + "."}
}

// Error is an error as the service's clients receive it.
type Error struct {
	Status  int
	Code    string
	Reason  string
	Message string
}

// Error is the code, the reason and the message.
func (e *Error) Error() string { return e.Code + " (" + e.Reason + "): " + e.Message }

func invalid(reason, format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, "ValidationException", reason, fmt.Sprintf(format, args...)}
}

func unmodelled(member string) *Error {
	return invalid("INVALID_PARAMETER_VALUE", "The member %s is not modelled by the embedded AWS.", member)
}

// objection is a reason to refuse, when it holds.
type objection struct {
	holds bool
	err   *Error
}

func first(objections []objection) error {
	for _, o := range objections {
		if o.holds {
			return o.err
		}
	}
	return nil
}

func denied(reason, message string) *Error {
	return &Error{http.StatusForbidden, "AccessDeniedException", reason, message}
}

func failed(err error) (answer, string) {
	known, ok := errors.AsType[*Error](err)
	if !ok {
		known = &Error{http.StatusInternalServerError, "InternalServerException", "", err.Error()}
	}
	body := map[string]string{"__type": known.Code, "Message": known.Message}
	if known.Reason != "" {
		body["Reason"] = known.Reason
	}
	return answer{status: known.Status, header: map[string]string{"X-Amzn-Errortype": known.Code}, json: body}, known.Code
}

// moment is a time as the protocol has it: seconds since 1970 with decimals.
type moment time.Time

// MarshalJSON writes seconds to the millisecond.
func (m moment) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.3f", float64(time.Time(m).UnixMilli())/1000), nil
}
