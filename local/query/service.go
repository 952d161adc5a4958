package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"goldsmith/local/clock"
)

// Dialect is how a service wraps its answers: EC2's form, or with Member the
// form of the older services, such as Auto Scaling.
type Dialect struct {
	Namespace string // up to the version: "http://ec2.amazonaws.com/doc/"
	Version   string // answered when the request names none
	Member    bool   // <XResult>, <member> and <ErrorResponse> instead of EC2's <item> and <Response>
}

// Service answers one AWS service's calls over HTTP. Serve writes the body of
// the answer to call.Out, or returns an *Error, ErrDropped or ErrUnknownAction.
type Service struct {
	Name    string // in the log, such as "ec2"
	Dialect Dialect
	Clock   *clock.Clock
	Log     *Log
	Serve   func(*Call) error

	calls atomic.Uint64
}

// Call is one request on its way through a service.
type Call struct {
	Context context.Context
	ID      string // the request id
	Action  string
	Version string
	Caller  string // the X-Embedded-Caller header: who says to call, such as "stop/i-0abc"
	Form    string // the parameters as they were sent
	Params  *Params
	Out     *Writer

	touched []string
	dry     bool // the request is a dry run
	settled bool // Commit was asked
}

// CallerHeader names the header in which a caller may say who it is, for the log.
const CallerHeader = "X-Embedded-Caller"

// Touch records resources the call is about.
func (c *Call) Touch(ids ...string) { c.touched = append(c.touched, ids...) }

// Commit ends the reading of a request: what follows has effects. It fails with
// the first value that could not be read, and for a dry run with DryRunOperation.
// An action that changes anything asks once it has read and found everything the
// request names; DryRunOperation is then what EC2 says of a request that is well-formed
// and names what exists.
func (c *Call) Commit() error {
	c.settled = true
	if err := c.Params.Err(); err != nil {
		return err
	}
	if err := c.Params.Unmodelled(); err != nil {
		return err
	}
	if c.dry {
		return &Error{
			Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.",
			Status: http.StatusPreconditionFailed,
		}
	}
	return nil
}

// DryRun tells whether the request asks for no effect. The older services have no dry run.
func (c *Call) DryRun() bool { return c.dry }

// Committed tells whether the action asked for Commit.
func (c *Call) Committed() bool { return c.settled }

// EC2 documents no bound on a request; user data, the largest value, is 16 KiB.
const maxBody = 4 << 20

// ServeHTTP reads a GET or POST in form encoding, serves it, answers and logs it.
func (s *Service) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	received := s.Clock.Now()
	call := &Call{
		Context: in.Context(),
		ID:      requestID(s.calls.Add(1)),
		Caller:  in.Header.Get(CallerHeader),
		Version: s.Dialect.Version,
		Out:     writers.Get().(*Writer),
	}
	defer writers.Put(call.Out)
	call.Out.reset(s.Dialect)
	err := s.handle(call, in)
	code := ""
	if err != nil && !errors.Is(err, ErrDropped) {
		code = asError(err, call).Code
	} else if err != nil {
		code = "(dropped)"
	}
	if s.Log != nil {
		s.Log.Add(Record{
			Time: received, Service: s.Name, Action: call.Action, Caller: call.Caller,
			Form: call.Form, Resources: call.touched, Error: code,
		})
	}
	s.answer(out, call, err)
}

var writers = sync.Pool{New: func() any { return &Writer{} }}

func (w *Writer) reset(d Dialect) {
	w.buf.Reset()
	w.item = "item"
	if d.Member {
		w.item = "member"
	}
}

func (s *Service) handle(call *Call, in *http.Request) error {
	form, err := readForm(in)
	if err != nil {
		return err
	}
	call.Form = form
	if call.Params, err = ParseForm(form); err != nil {
		return err
	}
	call.Action = call.Params.Text("Action")
	call.Params.readSignature()
	if version := call.Params.Text("Version"); version != "" {
		call.Version = version
	}
	if call.Action == "" {
		return Errorf("MissingAction", "The request is missing an action or a required parameter.")
	}
	if !s.Dialect.Member {
		call.dry = call.Params.Bool("DryRun")
	}
	s.open(call)
	if err := s.Serve(call); err != nil {
		return err
	}
	if call.settled {
		return call.Params.Err()
	}
	return call.Commit()
}

func readForm(in *http.Request) (string, error) {
	if in.Method != http.MethodPost && in.Method != http.MethodGet {
		return "", malformed("method %s is not GET or POST", in.Method)
	}
	form := in.URL.RawQuery
	if in.Body == nil {
		return form, nil
	}
	body, err := io.ReadAll(io.LimitReader(in.Body, maxBody+1))
	switch {
	case err != nil:
		return "", malformed("its body could not be read: %v", err)
	case len(body) > maxBody:
		return "", malformed("the request is larger than %d bytes", maxBody)
	case form == "":
		return string(body), nil
	case len(body) == 0:
		return form, nil
	}
	return form + "&" + string(body), nil
}

// requestID is a UUID that counts, so that a log is easy to follow.
func requestID(n uint64) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

func (s *Service) open(call *Call) {
	w := call.Out
	w.buf.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<")
	w.escape(call.Action)
	w.buf.WriteString(`Response xmlns="` + s.Dialect.Namespace)
	w.escape(call.Version)
	w.buf.WriteString(`/">`)
	if s.Dialect.Member {
		w.open(call.Action + "Result")
	} else {
		w.Text("requestId", call.ID)
	}
}

func (s *Service) finish(call *Call) {
	w := call.Out
	if s.Dialect.Member {
		w.close(call.Action + "Result")
		w.Element("ResponseMetadata", func() { w.Text("RequestId", call.ID) })
	}
	w.close(call.Action + "Response")
}

func (s *Service) answer(out http.ResponseWriter, call *Call, err error) {
	if errors.Is(err, ErrDropped) {
		panic(http.ErrAbortHandler) // How a net/http server hangs up.
	}
	status := http.StatusOK
	if err == nil {
		s.finish(call)
	} else {
		failure := asError(err, call)
		status = failure.status()
		s.fail(call, failure)
	}
	header := out.Header()
	header.Set("Content-Type", "text/xml;charset=UTF-8")
	header.Set("Content-Length", strconv.Itoa(call.Out.buf.Len()))
	header.Set("X-Amzn-Requestid", call.ID)
	out.WriteHeader(status)
	_, _ = out.Write(call.Out.buf.Bytes()) // A caller that is gone needs no answer.
}

func (s *Service) fail(call *Call, failure *Error) {
	w := call.Out
	w.buf.Reset()
	w.buf.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	if !s.Dialect.Member {
		w.Element("Response", func() {
			w.Element("Errors", func() {
				w.Element("Error", func() {
					w.Text("Code", failure.Code)
					w.Text("Message", failure.Message)
				})
			})
			w.Text("RequestID", call.ID)
		})
		return
	}
	w.buf.WriteString(`<ErrorResponse xmlns="` + s.Dialect.Namespace + s.Dialect.Version + `/">`)
	w.Element("Error", func() {
		w.Text("Type", failure.side())
		w.Text("Code", failure.Code)
		w.Text("Message", failure.Message)
	})
	w.Text("RequestId", call.ID)
	w.close("ErrorResponse")
}

// side says whose fault an error is, in the words of the query dialect.
func (e *Error) side() string {
	if e.status() >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}
