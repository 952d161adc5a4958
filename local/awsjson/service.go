// Package awsjson is the server side of AWS's JSON protocol, version 1.1: the
// operation in X-Amz-Target, JSON in and out. It knows no service.
package awsjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// Service answers one AWS service's calls over HTTP.
type Service struct {
	Name   string // in the log, such as "ssm"
	Target string // before the dot in X-Amz-Target, such as "AmazonSSM"
	Clock  *clock.Clock
	// Log may be nil. Inputs are not logged: they may be secret.
	Log *query.Log
	// Checksum adds the header X-Amz-Crc32, which DynamoDB alone sends and its clients check.
	Checksum   bool
	Operations map[string]Operation

	calls atomic.Uint64
}

// Operation reads its input and returns the output's shape. The names are what
// the call is about, for the log.
type Operation func(body []byte) (out any, names []string, err error)

// Op is an operation on typed input and output. A member that the input does not have is
// refused by name: what is not modelled is never dropped.
func Op[In, Out any](do func(In) (Out, error), names func(In) []string) Operation {
	return func(body []byte) (any, []string, error) {
		var in In
		if err := Read(body, &in); err != nil {
			return nil, nil, err
		}
		out, err := do(in)
		return out, names(in), err
	}
}

// Read reads an input. The error is in the service's words.
func Read(body []byte, in any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(in)
	if err == nil && d.More() {
		err = errors.New("more than one value was sent")
	}
	if err == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return Errorf("ValidationException", "The member %s is not modelled by the embedded AWS.", strings.Trim(name, `"`))
	}
	return Errorf("SerializationException", "%v", err)
}

// Error is an error in the service's own words. Both services' errors have
// status 400, other than their internal ones.
type Error struct {
	Code, Message string
	// Item is what DynamoDB puts beside a condition that does not hold; nil for nothing.
	Item any
}

// Errorf is an Error.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error is the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Required is what a missing member gets.
func Required(member string) *Error {
	return Errorf("ValidationException",
		"1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
}

// maxBody is beyond the longest input: a secret of 64 KiB.
const maxBody = 1 << 20

// ServeHTTP answers one call and logs it.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := s.Clock.Now()
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), s.Target+".")
	out, about, err := s.call(name, r)
	status, code := http.StatusOK, ""
	if err != nil {
		status, code, out = failed(err)
	}
	if s.Log != nil {
		s.Log.Add(query.Record{Time: at, Service: s.Name, Action: name, Caller: r.Header.Get(query.CallerHeader),
			Resources: about, Error: code})
	}
	body, err := json.Marshal(out)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("00000000-0000-4000-8000-%012x", s.calls.Add(1)))
	if s.Checksum {
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // A caller that is gone needs no answer.
}

func (s *Service) call(name string, r *http.Request) (any, []string, error) {
	do, ok := s.Operations[name]
	if !ok || r.Method != http.MethodPost {
		return nil, nil, Errorf("UnknownOperationException", "The operation %q is not part of this %s.", name, s.Name)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, nil, Errorf("SerializationException", "The request is longer than %d bytes or did not arrive.", maxBody)
	}
	return do(body)
}

func failed(err error) (status int, code string, out any) {
	known, ok := errors.AsType[*Error](err)
	if !ok {
		return http.StatusInternalServerError, "InternalFailure", map[string]string{"__type": "InternalFailure",
			"message": err.Error()}
	}
	body := map[string]any{"__type": known.Code, "message": known.Message}
	if known.Item != nil {
		body["Item"] = known.Item
	}
	return http.StatusBadRequest, known.Code, body
}

// Time is a time as the protocol has it: seconds since 1970 with decimals.
type Time time.Time

// MarshalJSON writes seconds to the millisecond; the zero time is null.
func (t Time) MarshalJSON() ([]byte, error) {
	at := time.Time(t)
	if at.IsZero() {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%.3f", float64(at.UnixMilli())/1000), nil
}

// Seconds is a time as a request has it.
type Seconds time.Time

// UnmarshalJSON reads seconds since 1970, with or without decimals.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return fmt.Errorf("%s is no time: %w", text, err)
	}
	*s = Seconds(time.UnixMilli(int64(n * 1000)).UTC())
	return nil
}

// Page is one page of list after token, most items long, and the token of the next.
func Page[T any](list []T, token string, most int) (page []T, next string, err error) {
	from := 0
	if token != "" {
		if _, scanErr := fmt.Sscanf(token, "after-%d", &from); scanErr != nil || from < 0 || from > len(list) {
			return nil, "", Errorf("InvalidNextToken", "The specified token isn't valid.")
		}
	}
	to := min(len(list), from+most)
	if to < len(list) {
		next = fmt.Sprintf("after-%d", to)
	}
	return list[from:to], next, nil
}
